/** Brings a source to the state in which the switch finds it: histories, work in flight, events that came and events to come. */
import { expect } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { membersOf } from '../../sandbox/environments/process-tree.js';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';
import { asAdmin } from '../source/admin.js';
import { until } from '../support/patience.js';
import { CONSUMERS, SCHEDULED } from './dag-ids.js';
import { histories, plantHistory } from './history.js';
import type { SwitchWorld } from './world.js';

export const unpause = (environment: RunningEnvironment, dagId: string) => asAdmin(environment, 'PATCH', `/dags/${dagId}`, { is_paused: false });
export const trigger = (environment: RunningEnvironment, dagId: string, runId: string, conf: Readonly<Record<string, unknown>> = {}) => asAdmin(environment, 'POST', `/dags/${dagId}/dagRuns`, { dag_run_id: runId, conf });

/** The task instances of a DAG as `<run> <task>[<map>]` → state. */
export async function statesOf({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>, dagId: string): Promise<Readonly<Record<string, string | null>>> {
  const rows = await query<[string, string, number, string | null]>(databaseUrl, 'SELECT run_id, task_id, map_index, state FROM task_instance WHERE dag_id = %(dagId)s ORDER BY 1, 2, 3', { dagId });
  return Object.fromEntries(rows.map(([run, task, map, state]) => [`${run} ${task}${map < 0 ? '' : `[${map}]`}`, state]));
}
export async function runStatesOf({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>, dagId: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(await query<[string, string]>(databaseUrl, 'SELECT run_id, state FROM dag_run WHERE dag_id = %(dagId)s ORDER BY execution_date', { dagId }));
}

/** By the same names: the columns try_number and max_tries. */
export async function triesOf({ databaseUrl }: Pick<RunningEnvironment, 'databaseUrl'>, dagId: string): Promise<Readonly<Record<string, Readonly<{ tries: number; most: number }>>>> {
  const rows = await query<[string, string, number, number, number]>(databaseUrl, 'SELECT run_id, task_id, map_index, try_number, max_tries FROM task_instance WHERE dag_id = %(dagId)s', { dagId });
  return Object.fromEntries(rows.map(([run, task, map, tries, most]) => [`${run} ${task}${map < 0 ? '' : `[${map}]`}`, { tries, most }]));
}

/** Waits until these task instances (or runs) of the DAG are in these states; others may be there too. */
export const untilStates = (environment: RunningEnvironment, dagId: string, wanted: Readonly<Record<string, string | null>>, { of = statesOf, seconds = 240 } = {}) => {
  let seen: Readonly<Record<string, string | null>> = {};
  return until(`${environment.settings.name}: ${dagId} to be ${JSON.stringify(wanted)}`, async () => {
    seen = await of(environment, dagId);
    return Object.entries(wanted).every(([key, state]) => key in seen && seen[key] === state);
  }, { seconds, everyMs: 700 }).catch((error: unknown) => { throw new Error(`${String(error)} Seen: ${JSON.stringify(seen)}`); });
};

/** Schedules with their histories; comes back when the scheduler goes on from them. */
export async function setOffSchedules({ source, times }: SwitchWorld): Promise<void> {
  await unpause(source, 'shape');
  await untilStates(source, 'shape', { [`scheduled__${times.longAgo.toISOString().slice(0, 19)}+00:00`]: 'success' }, { of: runStatesOf });
  await plantHistory(source.databaseUrl, histories(times, new Date()));
  const [[planted] = ['']] = await query<[string]>(source.databaseUrl, 'SELECT now()::text');
  // What the scheduler does next stands in the DAG's own row, which only a parse brings up to date.
  await until('the source to parse its DAGs again', async () => (await query(source.databaseUrl, 'SELECT 1 FROM dag WHERE last_parsed_time <= %(planted)s::timestamptz AND is_active', { planted })).length === 0, { seconds: 240, everyMs: 1000 });
  for (const dagId of [...SCHEDULED, 'by_hand']) if (dagId !== 'shape') await unpause(source, dagId);
  for (const run of ['manual__one', 'manual__two']) await trigger(source, 'by_hand', run);
  await untilStates(source, 'by_hand', { manual__one: 'success', manual__two: 'success' }, { of: runStatesOf });
}

/** A is there, B and the late one come while, and after, the source comes to rest. */
export async function setOffDatasets({ source }: SwitchWorld): Promise<void> {
  for (const dagId of ['make_a', 'make_b', 'make_late', ...CONSUMERS]) await unpause(source, dagId);
  await trigger(source, 'make_a', 'manual__a');
  await until('both consumers to have A', async () => (await query(source.databaseUrl, 'SELECT 1 FROM dataset_dag_run_queue')).length === 2);
  await trigger(source, 'make_b', 'manual__b');
  await trigger(source, 'make_late', 'manual__late');
  for (const [dagId, run] of [['make_b', 'manual__b'], ['make_late', 'manual__late']] as const) await untilStates(source, dagId, { [`${run} make`]: 'running' });
}

const BY_HAND = ['cut_midway', 'waits_for_retry', 'looks_again', 'loses_a_task', 'mapped_work'] as const;
/** What setOffRuns() sets off. */
export const CUT = [...BY_HAND, 'one_after_another'] as const;

/** What the drain is to find at its deadline, in runs of this id; every state is the scheduler's work. */
export async function setOffRuns({ source }: SwitchWorld, run: string): Promise<void> {
  for (const dagId of CUT) await unpause(source, dagId);
  await trigger(source, 'one_after_another', run, { answer: 41 });
  for (const dagId of BY_HAND) await trigger(source, dagId, run);
  await untilStates(source, 'one_after_another', { [`${run} use_conf`]: 'running' });
  await trigger(source, 'one_after_another', `${run}_next`, { answer: 42 });
  const states = (dagId: string, wanted: Readonly<Record<string, string | null>>) => untilStates(source, dagId, Object.fromEntries(Object.entries(wanted).map(([task, state]) => [`${run} ${task}`, state])));
  await states('cut_midway', { first: 'success', middle: 'running' });
  await states('waits_for_retry', { flaky: 'up_for_retry' });
  await states('looks_again', { look: 'up_for_reschedule' });
  await states('loses_a_task', { was_done: 'success', middle: 'running' });
  await states('mapped_work', { hold: 'running', 'in_part[0]': 'success', 'in_part[1]': 'running', 'in_part[2]': 'running', not_yet: null });
  await untilStates(source, 'one_after_another', { [run]: 'running', [`${run}_next`]: 'queued' }, { of: runStatesOf });
}

/** A task that its executor has taken and that has not begun, as long as its gate is shut. */
export async function setOffQueued({ source }: SwitchWorld, run: string): Promise<void> {
  await unpause(source, 'only_queued');
  await trigger(source, 'only_queued', run);
  await untilStates(source, 'only_queued', { [`${run} go`]: 'queued' });
}

/** As setOffRuns, for what is set off only once in a world: days that follow each other, a deferred task, a backfill. */
export async function setOffOnce(switching: SwitchWorld): Promise<void> {
  const { source, times } = switching;
  await closeTerminalDuringBackfill(switching);
  for (const dagId of ['deferred_work', 'ordered_days', 'backfilled_days']) await unpause(source, dagId);
  await trigger(source, 'deferred_work', 'manual__1');
  await untilStates(source, 'deferred_work', { 'manual__1 submit': 'deferred' });
  const days = dayRuns(times.daysFrom, 2);
  await untilStates(source, 'ordered_days', { [`${days[0]} day`]: 'success', [`${days[1]} day`]: 'running' });
}

export const dayRuns = (from: Date, days: number): readonly string[] =>
  Array.from({ length: days }, (_, day) => `scheduled__${new Date(from.getTime() + day * 86_400_000).toISOString().slice(0, 19)}+00:00`);

/** A backfill whose task waits for its retry when the one who runs it goes away: nobody else would ever go on with it. */
async function closeTerminalDuringBackfill({ source, times }: SwitchWorld): Promise<void> {
  const day = times.backfillDay.toISOString().slice(0, 10);
  const ended = source.cli(['dags', 'backfill', '--start-date', day, '--end-date', day, 'backfilled_days']);
  await untilStates(source, 'backfilled_days', { [`backfill__${day}T00:00:00+00:00 fill`]: 'up_for_retry' });
  const sessions = childrenOfOurs(' dags backfill ', ' backfilled_days');
  expect(sessions).toHaveLength(1);
  for (const pid of membersOf(sessions)) process.kill(pid, 'SIGKILL');
  await ended;
}

/** Processes that this one has started, with these words in their command line. */
function childrenOfOurs(...words: readonly string[]): readonly number[] {
  const read = (file: string) => {
    try {
      return readFileSync(file, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // ended since it was listed
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/u.test(name)).map(Number)
    .filter((pid) => words.every((word) => read(`/proc/${pid}/cmdline`).includes(word)) && read(`/proc/${pid}/status`).includes(`PPid:\t${process.pid}\n`));
}
