/** What Airflow's CLI says, as it really did: cli-answers/<version>.json were written down from environments of the sandbox, in this order. Only folders were renamed. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { failureIn, logicalDateOf, readRemove, readState, readTrigger, readUnpause, wordsFor } from '../../../src/gateways/airflow/transports/cli-words.js';

type Answer = Readonly<{ command: string; code: number; stdout: string; stderr: string }>;
const answersOf = (version: string) => JSON.parse(readFileSync(path.join(process.cwd(), 'test/unit/gateways/cli-answers', `${version}.json`), 'utf8')) as readonly Answer[];
const read = (answer: Answer): string => {
  if (/unpause/u.test(answer.command)) return `unpause: ${readUnpause(answer, 'db_export')}`;
  if (/trigger/u.test(answer.command)) return `trigger: ${readTrigger(answer, 'db_export', 'export-1-1')}`;
  if (/delete/u.test(answer.command)) return `delete: ${readRemove(answer, 'db_export')}`;
  return `state: ${readState(answer)}`;
};
const BEFORE = ['state: no such DAG', 'unpause: no such DAG', 'trigger: no such DAG', 'delete: gone'];

it.each([
  // A row comes back when the file is parsed once more; by then the last of these files was away.
  { version: '1.10.12', first: 'running', removals: ['deleted', 'deleted', 'deleted'] },
  { version: '2.0.2', first: 'failed', removals: ['deleted', 'deleted', 'gone'] },
  { version: '2.2.2', first: 'failed', removals: ['deleted', 'gone', 'gone'] },
])('the answers of $version are understood', ({ version, first, removals }) => {
  const answers = answersOf(version).filter(({ command }) => !/list.runs|list_dag_runs/u.test(command));
  expect(answers.map(read)).toEqual([
    ...BEFORE, 'unpause: active', 'state: none', 'trigger: started', `state: ${first}`, 'trigger: there', 'state: failed', ...removals.map((end) => `delete: ${end}`), 'state: no such DAG',
  ]);
});

it.each(['1.10.12', '2.0.2', '2.2.2'])('no answer of %s passes for that of another command', (version) => {
  for (const answer of answersOf(version)) {
    const readings = [readUnpause(answer, 'db_export') === 'active', readTrigger(answer, 'db_export', 'export-1-1') === 'started', readRemove(answer, 'db_export') === 'deleted', !['unclear', 'no such DAG'].includes(readState(answer))];
    expect(readings.filter(Boolean).length).toBeLessThanOrEqual(1);
    expect([readTrigger(answer, 'db_export', 'export-1-2'), readTrigger(answer, 'db_exports', 'export-1-1'), readUnpause(answer, 'db_expor')]).not.toEqual(expect.arrayContaining(['started']));
  }
});

describe('the words of a command', () => {
  it.each([
    ['1.10.12', ['unpause db_export', 'trigger_dag -r look-0-3 -e 2020-01-02T01:06:43+00:00 db_export', 'dag_state -sd DAGS_FOLDER/mwaa_migrate/db_export.py db_export 2020-01-02T01:06:43+00:00', 'delete_dag -y db_export']],
    ['2.0.2', ['dags unpause db_export', 'dags trigger -r look-0-3 -e 2020-01-02T01:06:43+00:00 db_export', 'dags state -S DAGS_FOLDER/mwaa_migrate/db_export.py db_export 2020-01-02T01:06:43+00:00', 'dags delete -y db_export']],
  ] as const)('of %s read no other DAG file', (version, wanted) => {
    const words = wordsFor(version);
    expect([words.unpause('db_export'), words.trigger('db_export', 'look-0-3'), words.state('db_export', 'look-0-3'), words.remove('db_export')].map((command) => command.join(' '))).toEqual(wanted);
  });

  it.each(['1.10.12', '2.0.2', '2.2.2'])('of %s are those that were answered', (version) => {
    const { unpause, trigger, state, remove } = wordsFor(version);
    const shapes = new Set([unpause('db_export'), trigger('db_export', 'export-1-1'), state('db_export', 'export-1-1'), remove('db_export')].map((command) => command.join(' ').replace(/2020\S+/u, 'DATE')));
    expect(new Set(answersOf(version).map(({ command }) => command.replace(/2020\S+/u, 'DATE')).filter((command) => !/list/u.test(command)))).toEqual(shapes);
  });
});

describe('the logical date of a run', () => {
  it('is another one for every command, attempt and try, behind the DAG\'s start date and before today', () => {
    const runs = ['preflight', 'drain', 'export', 'restore', 'look'].flatMap((command) => [0, 1, 2, 77, 20_000].flatMap((attempt) => [1, 2, 10, 999].map((number) => `${command}-${attempt}-${number}`)));
    const dates = runs.map(logicalDateOf);
    expect(new Set(dates).size).toBe(runs.length);
    for (const date of dates) expect([Date.parse(date) > Date.UTC(2020, 0, 1), Date.parse(date) < Date.UTC(2026, 10, 1), date]).toEqual([true, true, expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/u)]);
  });

  it.each(['import-1-1', 'export-1-1000', 'nonsense'])('%s has none', (runId) => expect(() => logicalDateOf(runId)).toThrow(/no DAG run that the CLI can start/u));
});

describe('a failure that nobody expects', () => {
  it('is told by its last line, without an address that may hold a password, and without control characters', () => {
    const failure = failureIn({ stdout: '', stderr: 'Traceback…\nOperationalError: could not connect to postgresql+psycopg2://airflow:hunter2@db.internal:5432/AirflowMetadata \u0007now\n' });
    expect(failure).toBe('OperationalError: could not connect to (address)  now');
  });
  it('is told without the colours of a log line', () => expect(failureIn({ stdout: '[\u001b[34m2026-11-23\u001b[0m] {\u001b[34mdagbag.py:\u001b[0m500} \u001b[31mERROR\u001b[0m - gone\u001b[0m\n', stderr: '' })).toBe('[2026-11-23] {dagbag.py:500} ERROR - gone'));
  it('says so when there is nothing', () => expect(failureIn({ stdout: '\n', stderr: '' })).toBe('nothing at all'));
  it.each([
    ['unpause', () => readUnpause({ stdout: 'Dag: db_export, paused: True\n', stderr: '' }, 'db_export')],
    ['trigger', () => readTrigger({ stdout: '', stderr: 'MemoryError\n' }, 'db_export', 'export-1-1')],
    ['state', () => readState({ stdout: 'Filling up the DagBag\n', stderr: 'Killed\n' })],
    ['delete', () => readRemove({ stdout: '', stderr: 'psycopg2.OperationalError: server closed the connection\n' }, 'db_export')],
  ] as const)('is unclear to %s', (_, reading) => expect(reading()).toBe('unclear'));
  it('of a task that still runs is known', () => expect(readRemove({ stdout: '', stderr: 'airflow.exceptions.AirflowException: TaskInstances still running\n' }, 'db_export')).toBe('busy'));
});
