/** The user story: whatever is wrong, the message says what, where, why and what to do; the step ends red, and nothing was changed. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CallRecord } from '../sandbox/front/contract.js';
import { BEFORE_AWS } from './bad-input/before-aws.js';
import { CREDENTIALS } from './bad-input/credentials.js';
import { ENVIRONMENTS, OTHER_ACCOUNTS } from './bad-input/environments.js';
import { JOURNAL } from './bad-input/journal.js';
import type { Row } from './bad-input/row.js';
import { isDocumented } from '../builders/documented-errors.js';
import { type Run, repository } from './support/runner.js';
import { ACCOUNT, MIGRATION, type MigrationWorld, QUICK_OPTIONS, SOURCE, startMigrationWorld, TARGET } from './support/world.js';

const MINUTES = 60_000;
const log = process.env['E2E_LOG'] ? (line: string) => void process.stderr.write(`${line}\n`) : undefined;

let world: MigrationWorld;
/** Runs of the slow rows, by name. */
const slow = new Map<string, Promise<Run>>();
beforeAll(async () => {
  world = await startMigrationWorld({
    // The target as phase create would have made it: another place would be a mistake of its own.
    withoutHistory: true, otherAccounts: OTHER_ACCOUNTS, environments: [{ name: TARGET, 'airflow-version': '2.10.3', bucket: `mwaa-${SOURCE}-${ACCOUNT}`, 'dags-path': `${TARGET}/dags`, dags: path.join(repository, 'test', 'e2e', 'source', 'dags'), options: QUICK_OPTIONS, 'sync-seconds': 2 }], ...(log ? { log } : {}),
  });
  for (const row of [...CREDENTIALS].filter(({ isSlow }) => isSlow)) await begin(row);
}, 5 * MINUTES);
afterAll(async () => {
  await world?.close();
}, MINUTES);

describe('inputs, migration file, Node.js', () => void it.each(BEFORE_AWS)('$name', (row) => isRefused(row)));
describe('credentials and permissions', () => void it.each(CREDENTIALS)('$name', (row) => isRefused(row), MINUTES));
describe('environments, versions, buckets', () => void it.each(ENVIRONMENTS)('$name', (row) => isRefused(row), MINUTES));
describe('a migration that has begun', () => void it.each(JOURNAL)('$name', (row) => isRefused(row), MINUTES));

/** Until it has read the migration file, which the next rows change. */
async function begin(row: Row): Promise<void> {
  const { more } = (await row.late?.(world)) ?? {};
  await new Promise<void>((goOn) => {
    slow.set(row.name, world.run(row.phase, row.inputs, { ...more, onLine: () => goOn() }).finally(goOn));
  });
}

async function isRefused(row: Row): Promise<void> {
  writeFile(row.file);
  const undo = await row.prepare?.(world);
  try {
    const { inputs = {}, more } = (await row.late?.(world)) ?? {};
    world.sandbox.clearCalls();
    const run = await (slow.get(row.name) ?? world.run(row.phase, { ...row.inputs, ...inputs }, more));
    if (process.env['E2E_MESSAGES']) process.stderr.write(`\n=== ${row.name}\n${annotationOf(run)}\n`);
    saysWhy(row, run);
    changedNothing(row, ownCalls());
  } finally {
    await undo?.();
  }
}

function writeFile(file: Row['file']): void {
  if (typeof file === 'string') writeFileSync(path.join(world.workspace, '.github', 'mwaa-migration.yml'), file);
  else world.writeMigrationFile({ ...MIGRATION, ...file });
}

function saysWhy(row: Row, run: Run): void {
  const said = annotationOf(run);
  expect({ code: run.code, said }).toEqual({ code: 1, said: expect.stringMatching(/^[^]+\n {2}Why: [^]+\n {2}Fix: [^]+$/u) });
  const [what = '', rest = ''] = said.split('\n  Why: ');
  const [why = '', fix = ''] = rest.split('\n  Fix: ');
  for (const [part, words] of [[what, row.what], [why, row.why], [fix, row.fix]] as const) for (const word of words) expect(part).toContain(word);
  expect(isDocumented(what) ? [] : [`docs/reference/errors.md: ${what}`]).toEqual([]);
  // A mistake of the user is no defect of ours, and no value got lost on its way into the text.
  expect(said).not.toMatch(/defect|undefined|\[object|NaN|\bnull\b|\.\.(?!\/)|\n {4}at /u);
  const summary = readable(run.summary);
  for (const word of row.report ?? [said]) expect(summary).toContain(word);
}

function changedNothing({ calls = 'reads', refused = [] }: Row, made: readonly CallRecord[]): void {
  // 412: a conditional write that found the object there, which is how the plan is noted once.
  const writes = made.filter(({ readOnly, status }) => !readOnly && status !== 412);
  expect(writes.filter(({ status }) => status >= 400).map(({ action }) => action)).toEqual(refused);
  const changes = writes.filter(({ status }) => status < 400).map(({ action, resource }) => `${action} ${resource}`);
  expect(calls === 'journal' ? changes.filter((change) => !/^PutObject .*\/(journal|plan(-[0-9a-f]{12})?)\.json$/u.test(change)) : changes).toEqual([]);
  if (calls === 'none') expect(made).toEqual([]);
}

/** The environments call too, by themselves: they sync folders and deliver logs. */
function ownCalls(): readonly CallRecord[] {
  const theirs = [SOURCE, TARGET].map((name) => `assumed-role/${world.sandbox.environment(name).executionRoleArn.split('/').at(-1) ?? ''}/`);
  return world.sandbox.calls.filter(({ principal }) => !theirs.some((one) => principal.includes(one)));
}

/** The text of the last `::error` line, as GitHub shows it. */
const annotationOf = ({ log: text }: Run): string =>
  (/^::error[^:\n]*::(.*)$/gmu.exec(text)?.[1] ?? '').replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');

/** Markdown as a reader sees it, roughly: entities resolved, code marks and line breaks of cells gone. */
const readable = (markdown: string): string =>
  markdown.replace(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code))).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&').replace(/<\/?code>/gu, '');
