/** Two environments with the workflows of this folder, parsed on both sides before anything moves, and nothing planted yet. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';
import { until } from '../support/patience.js';
import { repository, type Run } from '../support/runner.js';
import { ACCOUNT, type MigrationWorld, REGION, SOURCE, startMigrationWorld, TARGET } from '../support/world.js';
import { storedZip } from '../source/zip.js';
import { DAG_IDS } from './dag-ids.js';
import { daysAgo, minuteOfFive, type Times } from './times.js';
import type { Pair } from './pair.js';

export const CLONE = `${SOURCE}-clone`;
export const MINUTES = 60_000;
export const log = process.env['E2E_LOG'] ? (line: string) => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`) : undefined;

export type SwitchWorld = Readonly<{
  pair: Pair;
  world: MigrationWorld;
  times: Times;
  /** Ledger and gates. */
  folder: string;
  readonly source: RunningEnvironment;
  readonly target: RunningEnvironment;
  migrationFile(more?: Readonly<Record<string, unknown>>): void;
  /** Runs a phase. @throws Error with the end of its log when it fails */
  phase(name: string, inputs?: Readonly<Record<string, string>>): Promise<Run>;
  close(): Promise<void>;
}>;

export type SwitchWorldOptions = Readonly<{
  /** Seconds between a task's first try and its retry. On the source it has to outlast the drain. */
  retrySeconds: Readonly<{ source: number; target: number }>;
  cutover?: Readonly<Record<string, unknown>>;
  /** Of the target's Airflow, beside the usual. */
  targetOptions?: Readonly<Record<string, string>>;
}>;

const files = path.join(repository, 'test', 'e2e', 'switch');
/** The target's files are read once and then not again for a long time: nothing but the migration itself may ask for the parse that it needs. */
const SLOW_PARSE = { 'scheduler.min_file_process_interval': '300' };
const QUICK_PARSE = { 'scheduler.min_file_process_interval': '10' };
/** A busy machine makes things late, not wrong: by default a task fails whose file took 30 s to load, and only_queued takes as long as its gate is shut. */
const PATIENCE = { 'scheduler.dag_dir_list_interval': '5', 'core.dagbag_import_timeout': '3600', 'core.dag_file_processor_timeout': '300', 'scheduler.scheduler_health_check_threshold': '120' };

export async function startSwitchWorld(pair: Pair, { retrySeconds, cutover = {}, targetOptions = {} }: SwitchWorldOptions): Promise<SwitchWorld> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-switch-'));
  const now = new Date();
  const times: Times = { longAgo: daysAgo(now, 100), daysFrom: daysAgo(now, 4), backfillDay: daysAgo(now, 2), minuteOfFive: minuteOfFive(now), onceAt: new Date(Math.ceil(now.getTime() / MINUTES) * MINUTES + 4 * MINUTES), toldFrom: new Date(Math.floor(now.getTime() / MINUTES) * MINUTES) };
  const dagsOf = (side: 'source' | 'target') => {
    const to = path.join(folder, side);
    cpSync(path.join(files, 'dags'), to, { recursive: true, filter: (name) => !name.includes('__pycache__') });
    writeFileSync(path.join(to, 'switch_world.py'), [
      `FOLDER = ${JSON.stringify(folder)}`, `LONG_AGO = "${times.longAgo.toISOString()}"`, `DAYS_FROM = "${times.daysFrom.toISOString()}"`, `BACKFILL_DAY = "${times.backfillDay.toISOString()}"`,
      `MINUTE_OF_FIVE = ${times.minuteOfFive}`, `ONCE_AT = "${times.onceAt.toISOString()}"`, `TOLD_FROM = "${times.toldFrom.toISOString()}"`, `HAS_ALL_TASKS = ${side === 'source' ? 'True' : 'False'}`, `RETRY_SECONDS = ${retrySeconds[side]}`, ''].join('\n'));
    return to;
  };
  const plugins = path.join(folder, 'switch-plugins.zip');
  writeFileSync(plugins, storedZip([{ path: 'odd_minutes.py', body: readFileSync(path.join(files, 'plugins', 'odd_minutes.py')) }]));
  const migration = (more: Readonly<Record<string, unknown>> = {}) => ({
    source: { environment: SOURCE, region: REGION }, target: { environment: TARGET, region: REGION, 'airflow-version': pair.to },
    metadata: { 'history-days': pair.historyDays }, drain: pair.drain, cutover, ...more,
  });
  const world = await startMigrationWorld({
    ...(log ? { log } : {}), withoutHistory: true, sourceVersion: pair.from, migration: migration(),
    source: { dags: dagsOf('source'), plugins, requirements: undefined, options: { ...QUICK_PARSE, ...PATIENCE }, triggerer: true },
    environments: [{
      name: TARGET, 'airflow-version': pair.to, bucket: `mwaa-${SOURCE}-${ACCOUNT}`, 'dags-path': `${TARGET}/dags`, dags: dagsOf('target'), plugins, options: { ...SLOW_PARSE, ...PATIENCE, ...targetOptions }, 'sync-seconds': 2, triggerer: true,
    }],
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const made: SwitchWorld = {
    pair, world, times, folder,
    get source() { return world.sandbox.environment(SOURCE).running; },
    get target() { return world.sandbox.environment(TARGET).running; },
    migrationFile: (more) => world.writeMigrationFile(migration(more)),
    async phase(name, inputs = {}) {
      const run = await world.run(name, inputs);
      if (run.code !== 0) throw new Error(`Phase ${name} ended with code ${run.code}:\n${run.log.slice(-6000)}`);
      return run;
    },
    async close() {
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const environment of [made.source, made.target])
    await until(`${environment.settings.name} to parse ${DAG_IDS.length} DAGs`, async () => {
      const [row] = await query<[number]>(environment.databaseUrl, 'SELECT count(*) FROM serialized_dag');
      return row?.[0] === DAG_IDS.length;
    }, { seconds: 180, everyMs: 1000 });
  return made;
}
