/** `npm run demo [-- --keep]`: the main job on the embedded sandbox, told step by step to somebody who sees it for the first time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../scripts/python.mjs';
import { activeDags } from '../e2e/oracle/by-sql.js';
import type { Run } from '../e2e/support/runner.js';
import { type MigrationWorld, SOURCE, startMigrationWorld, TARGET } from '../e2e/support/world.js';
import { movedTable, type TableCounts } from './moved-table.js';
import { createNarrator } from './narrator.js';

const keep = process.argv.includes('--keep');
const unknown = process.argv.slice(2).filter((word) => word !== '--keep');
if (unknown.length > 0) {
  console.error(`npm run demo: unknown option ${unknown.join(' ')}. There is one: --keep leaves both Airflow UIs up until Ctrl-C.`);
  process.exit(2);
}

const tell = createNarrator();
const reports = path.join(cacheFolder, 'demo', new Date().toISOString().slice(0, 19).replaceAll(':', '-'));
mkdirSync(reports, { recursive: true });

tell.title('mwaa-migrate: Airflow 2.7.2 becomes 2.10.3, with its run history');
tell.fact('Everything is real but AWS and GitHub: both Airflows, their schedulers, PostgreSQL, the action and the bundle in dist.');
tell.fact('The stand-in for AWS checks every signature, evaluates every policy, and refuses what AWS refuses.');

let world: MigrationWorld | undefined;
let isEnding: Promise<void> | undefined;
const end = (): Promise<void> => (isEnding ??= world?.close() ?? Promise.resolve());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end().then(() => process.exit(130)));

try {
  tell.title('1. A source environment with history made by a real scheduler');
  tell.fact('Installed and made once, then taken from the cache: the first time this step takes some minutes.');
  world = await startMigrationWorld({ log: tell.detail });
  const facts = world.history?.facts;
  tell.fact(`"${SOURCE}" runs Airflow ${facts?.airflowVersion ?? '?'} with ${facts?.taskInstancesOfScheduler ?? 0} task instances; active: ${(await activeDags(running(SOURCE).databaseUrl)).join(', ')}.`);

  const plan = await phase('2. plan: what would differ, read as a viewer', 'plan');
  const approved = { 'approved-plan': plan.outputs['plan-digest'] ?? '' };
  await phase('3. resources: DAGs, plugins and requirements to the target\'s prefix', 'resources', approved);
  await phase('4. create: execution role and environment', 'create', approved);
  const rehearsal = await phase('5. export, rehearsal: nothing is paused, no secret is written', 'export', { ...approved, mode: 'rehearsal' });
  tell.title('   The gate');
  tell.fact(`On GitHub a person now reads the summaries and approves. The demo approves plan ${short(plan.outputs['plan-digest'])} and manifest ${short(rehearsal.outputs['manifest-digest'])}.`);
  await phase('6. export, final: drain, pause, export', 'export', { ...approved, mode: 'final' });
  const imported = await phase('7. import: staged, merged, counted', 'import', { ...approved, 'approved-manifest': rehearsal.outputs['manifest-digest'] ?? '' });
  const verified = await phase('8. verify: both sides, row by row', 'verify');
  await phase('9. cutover: the target takes over the schedule', 'cutover');
  await phase('10. status: where it stands, from the journal', 'status');

  tell.title('What was moved');
  console.log(movedTable(tablesOf(imported), tablesOf(verified)));
  tell.fact(`Active on "${TARGET}" now: ${(await activeDags(running(TARGET).databaseUrl)).join(', ')}. On "${SOURCE}": ${(await activeDags(running(SOURCE).databaseUrl)).join(', ') || 'none, it stays paused'}.`);
  tell.fact(`The summaries of all phases, as Markdown and as HTML, lie in ${reports}`);
  if (keep) {
    tell.title('Both environments stay up until Ctrl-C');
    for (const name of [SOURCE, TARGET]) tell.fact(`${name}: ${world.sandbox.environment(name).webserverUrl ?? ''}   user ${running(name).login.username}, password ${running(name).login.password}`);
    await new Promise(() => setInterval(() => undefined, 60_000));
  }
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await end();
}

function running(name: string) {
  if (!world) throw new Error('The sandbox does not stand yet.');
  return world.sandbox.environment(name).running;
}

async function phase(title: string, name: string, inputs: Readonly<Record<string, string>> = {}): Promise<Run> {
  if (!world) throw new Error('The sandbox does not stand yet.');
  tell.title(title);
  const run = await world.run(name, inputs, { onLine: tell.detail });
  for (const [file, text] of Object.entries(run.reports)) writeFileSync(path.join(reports, file.replace(/^mwaa-migrate-/u, `${title.split('.')[0]?.trim().padStart(2, '0') ?? ''}-`)), text);
  if (run.code !== 0) throw new Error(`phase ${name} ended with code ${run.code}; its message stands above.`);
  tell.fact(`${verdict(run)} (${run.seconds.toFixed(0)} s)`);
  return run;
}

/** The first line of a summary says how it went. */
function verdict({ summary }: Run): string {
  const line = summary.split('\n').find((text) => text.startsWith('## ')) ?? '';
  return line.slice(3).replaceAll(/<[^>]+>/gu, '').replaceAll(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)));
}

function tablesOf(run: Run): TableCounts {
  return JSON.parse(run.outputs['tables'] ?? '{}') as TableCounts;
}

function short(digest: string | undefined): string {
  return `${digest?.slice(0, 12) ?? '?'}…`;
}
