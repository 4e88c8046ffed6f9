/** A caller's repository with the example workflow of the documentation, AWS's stand-in with a source environment, and what it takes to run both. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ActOptions, runWorkflow } from '../../sandbox/act/act.js';
import { aCaller, type Caller, CALLER_REPOSITORY } from '../../sandbox/act/caller.js';
import type { WorkflowRun } from '../../sandbox/act/records.js';
import { repository } from '../../sandbox/act/stage.js';
import { parseSpec } from '../../sandbox/spec/read-spec.js';
import { startGithub } from '../../sandbox/github/server.js';
import { type Sandbox, startSandbox } from '../../sandbox/world.js';
import { anAirflow } from '../mwaa/a-mwaa.js';

const ACCOUNT = '111122223333';

/** Of an option that no reader of a pull request may see. */
export const HIDDEN_VALUE = 'hunter2-smtp-password';

const SPEC = JSON.stringify({
  accounts: [ACCOUNT], github: { repository: CALLER_REPOSITORY, event: 'pull_request' },
  iam: [{ account: ACCOUNT, template: '../../../docs/iam/roles.yaml', parameters: { Repository: CALLER_REPOSITORY, SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: `mwaa-analytics-${ACCOUNT}` } }],
  environments: [{ name: 'analytics', 'airflow-version': '2.7.2', dags: '../../sandbox/examples/dags', options: { 'core.parallelism': '16', 'smtp.smtp_password': HIDDEN_VALUE } }],
});

export const MIGRATION_FILE = 'source: { environment: analytics, region: eu-west-1, airflow-version: 2.7.2 }\ntarget: { environment: analytics-v2, region: eu-west-1, airflow-version: 2.10.3 }\n';

/** The event's body, as much of it as workflows look at. */
export const aPullRequest = (number: number, { from = CALLER_REPOSITORY }: Readonly<{ from?: string }> = {}) => ({
  action: 'synchronize', number, repository: { full_name: CALLER_REPOSITORY, name: 'airflow', owner: { login: 'acme' } },
  pull_request: { number, head: { ref: 'change', sha: '0'.repeat(40), repo: { full_name: from } }, base: { ref: 'main', repo: { full_name: CALLER_REPOSITORY } } },
});

/** What phase check writes, as its schema has it, with one error. */
export const aCheckReport = ({ what = 'It does not load.' }: Readonly<{ what?: string }>) => ({
  schema: 1, migrationId: 'analytics-to-analytics-v2', versions: { source: '2.7.2', target: '2.10.3', python: '3.11.7' }, counts: { dagFiles: 1, dags: 0, requirements: 0, plugins: 0 },
  findings: [{ code: 'import-error', level: 'error', file: 'dags/nightly_load.py', line: 3, what, fix: 'Write what the target has.' }], dags: [], notChecked: [],
});

export async function aDryRunWorld() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-dry-run-'));
  const airflow = await anAirflow();
  airflow.script.rest = () => Promise.resolve({ status: 200, body: '{"dags":[],"dag_runs":[],"task_instances":[],"total_entries":0}' });
  const sandbox: Sandbox = await startSandbox(parseSpec(SPEC, import.meta.filename), { machinery: () => Promise.resolve(airflow.machinery) });
  const github = await startGithub({ repository: CALLER_REPOSITORY });
  const token = github.token({});
  const example = readFileSync(path.join(repository, 'docs/examples/dry-run.yml'), 'utf8');
  const caller: Caller = aCaller({
    '.github/workflows/mwaa-dry-run.yml': example, '.github/mwaa-migration.yml': MIGRATION_FILE,
    'dags/nightly_load.py': readFileSync(path.join(repository, 'test/sandbox/examples/dags/nightly_load.py'), 'utf8'),
  });
  const runs: WorkflowRun[] = [];
  return {
    /** All runs so far. */
    runs: runs as readonly WorkflowRun[],
    sandbox, caller, github, token, example,
    /** Writes a file outside of the repository. @returns its path */
    file(name: string, text: string): string {
      const file = path.join(folder, name);
      writeFileSync(file, text);
      return file;
    },
    async run({ env = {}, ...options }: Pick<ActOptions, 'event' | 'payload'> & Partial<ActOptions>): Promise<WorkflowRun> {
      const run = await runWorkflow({
        caller, workflow: 'mwaa-dry-run.yml', variables: { MWAA_PLAN_ROLE: sandbox.stacks[0]?.outputs.PlanRole ?? '' }, idTokenEnv: sandbox.env(), token, env: { GITHUB_API_URL: github.url, ...env }, ...options,
      });
      runs.push(run);
      return run;
    },
    async close() {
      caller.remove();
      rmSync(folder, { recursive: true, force: true });
      await github.close();
      await sandbox.close();
      await airflow.close();
    },
  };
}
export type DryRunWorld = Awaited<ReturnType<typeof aDryRunWorld>>;
