/** The sandbox with the history of the end-to-end tests in it, and a caller's repository from which phases run. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { readSpec } from '../../sandbox/spec/read-spec.js';
import { type Sandbox, startSandbox } from '../../sandbox/world.js';
import { historyDump, type HistoryDump } from '../source/dump.js';
import { pluginsZip, SOURCE_OPTIONS } from '../source/folder.js';
import { repository, type Run, runAction, startAction, type StartedRun } from './runner.js';

export const ACCOUNT = '111122223333';
export const REGION = 'eu-west-1';
export const SOURCE = 'analytics';
export const TARGET = 'analytics-v2';
/** A GitHub environment with reviewers, to which the writing roles are bound. */
export const GITHUB_ENVIRONMENT = 'migration';

/** Minutes of waiting become seconds: how often Airflow looks for new files is not what these tests are about. */
export const QUICK_OPTIONS: Readonly<Record<string, string>> = {
  ...SOURCE_OPTIONS, 'scheduler.dag_dir_list_interval': '5', 'scheduler.min_file_process_interval': '5',
};

export type WorldOptions = Readonly<{
  log?: (line: string) => void;
  /** Changes of the migration file's object before it is written. */
  migration?: Readonly<Record<string, unknown>>;
  /** Environments besides the source, as the sandbox's spec describes them. */
  environments?: readonly Readonly<Record<string, unknown>>[];
  /** Replaces the history by an empty database: for tests that need no rows. */
  withoutHistory?: boolean;
  sourceVersion?: string;
  /** Keys of the source in the sandbox's spec that differ from the usual, e.g. its DAG folder. */
  source?: Readonly<Record<string, unknown>>;
  /** Accounts besides the one of both environments. */
  otherAccounts?: readonly string[];
  /** Where the target is made, when not in the source's: docs/iam/roles.yaml is deployed there too, and the plan has a role of its own in it. */
  targetAccount?: string;
  /** Parameters of docs/iam/roles.yaml that differ from the usual. */
  roleParameters?: Readonly<Record<string, string>>;
}>;

export type MigrationWorld = Readonly<{
  sandbox: Sandbox;
  history: HistoryDump | undefined;
  /** The caller's checkout. */
  workspace: string;
  roles: Readonly<{ plan: string; source: string; target: string; /** Only with a target in another account. */ targetPlan?: string | undefined }>;
  /** Rewrites .github/mwaa-migration.yml. */
  writeMigrationFile(migration: Readonly<Record<string, unknown>>): void;
  start(phase: string, inputs?: Readonly<Record<string, string>>, more?: RunMore): StartedRun;
  run(phase: string, inputs?: Readonly<Record<string, string>>, more?: RunMore): Promise<Run>;
  /** Every byte that a run wrote to log, outputs and summary so far, by phase. */
  readonly runs: readonly Readonly<{ phase: string; run: Run }>[];
  close(): Promise<void>;
}>;
export type RunMore = Readonly<{ env?: Readonly<Record<string, string>>; nodeFolder?: string; onLine?: (line: string) => void }>;

export const MIGRATION: Readonly<Record<string, unknown>> = {
  source: { environment: SOURCE, region: REGION },
  target: { environment: TARGET, region: REGION, 'airflow-version': '2.10.3' },
  metadata: { 'audit-log-days': 'all' },
};

export async function startMigrationWorld({ log = () => undefined, migration = {}, environments = [], withoutHistory = false, sourceVersion = '2.7.2', source: sourceSpec = {}, otherAccounts = [], targetAccount, roleParameters = {} }: WorldOptions = {}): Promise<MigrationWorld> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-world-'));
  const workspace = path.join(folder, 'checkout');
  mkdirSync(path.join(workspace, '.github'), { recursive: true });
  const history = withoutHistory ? undefined : await historyDump({ version: sourceVersion, log });
  writeFileSync(path.join(folder, 'plugins.zip'), pluginsZip());
  const specFile = path.join(folder, 'spec.yaml');
  const source = path.join(repository, 'test', 'e2e', 'source');
  writeFileSync(specFile, stringify({
    accounts: [ACCOUNT, ...otherAccounts, ...(targetAccount === undefined ? [] : [targetAccount])], region: REGION,
    github: { repository: 'acme/airflow', ref: 'refs/heads/main', environment: GITHUB_ENVIRONMENT },
    ...(existsSync(path.join(repository, 'docs', 'iam', 'roles.yaml')) ? { iam: [ACCOUNT, ...(targetAccount === undefined ? [] : [targetAccount])].map((account) => ({ account, template: path.join(repository, 'docs', 'iam', 'roles.yaml'), parameters: {
      Repository: 'acme/airflow', GitHubEnvironment: GITHUB_ENVIRONMENT, SourceEnvironment: SOURCE, TargetEnvironment: TARGET, SourceBucket: `mwaa-${SOURCE}-${ACCOUNT}`, ...roleParameters } })) } : {}),
    'sync-seconds': 2,
    environments: [
      {
        name: SOURCE, 'airflow-version': sourceVersion, dags: path.join(source, 'dags'), plugins: path.join(folder, 'plugins.zip'), requirements: path.join(source, 'requirements.txt'),
        options: QUICK_OPTIONS, tags: { team: 'data' }, 'sync-seconds': 2,
        database: history ? { dump: history.file, 'fernet-key': history.fernetKey } : 'empty',
        ...sourceSpec,
      },
      ...environments,
    ],
  }));
  const sandbox = await startSandbox(readSpec(specFile), { log, callLogFile: path.join(folder, 'calls.jsonl') }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const outputs = sandbox.stacks[0]?.outputs ?? {}, targetOutputs = targetAccount === undefined ? outputs : sandbox.stacks[1]?.outputs ?? {};
  const roles = { plan: outputs.PlanRole ?? '', source: outputs.SourceRole ?? '', target: targetOutputs.TargetRole ?? '', ...(targetAccount === undefined ? {} : { targetPlan: targetOutputs.PlanRole }) };
  const writeMigrationFile = (value: Readonly<Record<string, unknown>>) => writeFileSync(path.join(workspace, '.github', 'mwaa-migration.yml'), stringify(value));
  writeMigrationFile({ ...MIGRATION, ...migration });
  const runs: { phase: string; run: Run }[] = [];
  const options = (phase: string, inputs: Readonly<Record<string, string>>, { env = {}, ...more }: RunMore) => ({
    inputs: { phase, ...rolesOf(phase, roles), ...inputs }, workspace, env: { ...sandbox.env(roles.plan ? {} : { as: 'arn:aws:iam::111122223333:root' }), ...env }, ...more,
  });
  return {
    sandbox, history, workspace, roles, writeMigrationFile, runs,
    start: (phase, inputs = {}, more = {}) => startAction(options(phase, inputs, more)),
    async run(phase, inputs = {}, more = {}) {
      log(`--- ${phase} ${JSON.stringify(inputs)}`);
      const run = await runAction(options(phase, inputs, { onLine: log, ...more }));
      runs.push({ phase, run });
      return run;
    },
    async close() {
      await sandbox.close();
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As the example workflow in docs/examples gives them. */
function rolesOf(phase: string, roles: MigrationWorld['roles']): Record<string, string> {
  if (phase === 'plan' || phase === 'status') return { 'plan-role': roles.plan };
  return { 'source-role': roles.source, 'target-role': roles.target };
}
