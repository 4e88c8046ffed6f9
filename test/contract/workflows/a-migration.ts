/** A caller's repository with the example workflow of the documentation, AWS's stand-in with a source environment whose Airflow is scripted, GitHub's with two environments. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type ActOptions, runWorkflow } from '../../sandbox/act/act.js';
import { aCaller, CALLER_REPOSITORY } from '../../sandbox/act/caller.js';
import { gateOf } from '../../sandbox/act/gate.js';
import { jobsOf } from '../../sandbox/act/jobs.js';
import type { WorkflowRun } from '../../sandbox/act/records.js';
import { repository } from '../../sandbox/act/stage.js';
import { startGithub } from '../../sandbox/github/server.js';
import { parseSpec } from '../../sandbox/spec/read-spec.js';
import { startSandbox } from '../../sandbox/world.js';
import { startJobTokens } from '../../sandbox/oidc/job-tokens.js';
import { anAirflow } from '../mwaa/a-mwaa.js';
import { MIGRATION_FILE } from './a-dry-run.js';

const ACCOUNT = '111122223333', REF = 'refs/heads/main';
export const PREPARE = 'migration-prepare', GATE = 'migration-production', STARTER = 'olga', REVIEWER = 'rita';

const SPEC = JSON.stringify({
  accounts: [ACCOUNT], github: { repository: CALLER_REPOSITORY },
  iam: [{ account: ACCOUNT, template: '../../../docs/iam/roles.yaml', parameters: { Repository: CALLER_REPOSITORY, SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: `mwaa-analytics-${ACCOUNT}`, GitHubEnvironment: GATE, SecondGitHubEnvironment: PREPARE } }],
  environments: [{ name: 'analytics', 'airflow-version': '2.7.2', dags: '../../sandbox/examples/dags' }],
});

/** A job of the caller that goes on with the outputs of the called workflow. */
const AFTER = `
  after:
    name: After
    needs: migrate
    runs-on: ubuntu-24.04
    permissions: {}
    steps:
      - env:
          OUTPUTS: \${{ toJSON(needs.migrate.outputs) }}
        run: echo "$OUTPUTS"
`;

export type JobResult = 'success' | 'failure' | 'skipped';
export type MigrationRun = WorkflowRun & Readonly<{
  /** Of every job of both workflows, in the order of the files. */
  results: Readonly<Record<string, JobResult>>;
  /** Jobs that ran, with how they ended where that is not success. */
  ran: readonly string[];
  /** What the run asked of AWS besides looking, e.g. `PutObject`. */
  changes: readonly string[];
}>;

export async function aMigrationWorld() {
  const airflow = await anAirflow();
  airflow.script.rest = () => Promise.resolve({ status: 200, body: '{"dags":[],"dag_runs":[],"task_instances":[],"total_entries":0}' });
  const sandbox = await startSandbox(parseSpec(SPEC, import.meta.filename), { machinery: () => Promise.resolve(airflow.machinery) });
  const tokens = await startJobTokens(sandbox.oidc);
  const github = await startGithub({ repository: CALLER_REPOSITORY });
  const token = github.token({ permissions: { actions: 'read', contents: 'read' } });
  const example = readFileSync(path.join(repository, 'docs/examples/migrate.yml'), 'utf8');
  const caller = aCaller({ '.github/workflows/migrate.yml': example, '.github/mwaa-migration.yml': MIGRATION_FILE, 'dags/nightly_load.py': readFileSync(path.join(repository, 'test/sandbox/examples/dags/nightly_load.py'), 'utf8') });
  const roles = sandbox.stacks[0]?.outputs ?? {};
  const variables = { MWAA_PLAN_ROLE: roles['PlanRole'] ?? '', MWAA_SOURCE_ROLE: roles['SourceRole'] ?? '', MWAA_TARGET_ROLE: roles['TargetRole'] ?? '' };
  const runs: WorkflowRun[] = [];
  github.addEnvironment({ name: PREPARE, branches: ['main'] });
  return {
    runs: runs as readonly WorkflowRun[], sandbox, github, caller, token, tokens,
    /** @param inputs `with` of the calling job, as YAML has it; `migrationFile` in the place of the caller's @param acts of act */
    async run({ inputs = {}, migrationFile = MIGRATION_FILE, ref = REF, ...acts }: Readonly<{ inputs?: Readonly<Record<string, string>>; migrationFile?: string; ref?: string }> & Partial<ActOptions> = {}): Promise<MigrationRun> {
      const given = Object.entries(inputs).map(([name, value]) => `      ${name}: ${value}\n`).join('');
      // What the example hands on from its own form is left to the example.
      const text = Object.keys(inputs).reduce((shorter, name) => shorter.replace(new RegExp(`^      ${name}: .*\\n(?![\\s\\S]*^ {4}with:)`, 'mu'), ''), example);
      caller.commit({ '.github/workflows/migrate.yml': `${text.replace(/^ {4}with:\n/mu, `    with:\n${given}`)}${AFTER}`, '.github/mwaa-migration.yml': migrationFile });
      const workflowRun = github.addRun({ actor: { login: STARTER, type: 'User' } });
      tokens.setRun({ runId: String(workflowRun.id), runAttempt: '1', actor: STARTER, eventName: 'workflow_dispatch', ref, workflow: 'MWAA migration', workflowFile: '.github/workflows/migrate.yml', jobWorkflowRef: 'OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1' });
      sandbox.clearCalls();
      const run = await runWorkflow({
        caller, workflow: 'migrate.yml', event: 'workflow_dispatch', payload: { inputs: {}, ref, repository: { full_name: CALLER_REPOSITORY, default_branch: 'main' } }, variables, token, gate: gateOf(github, workflowRun.id, ref),
        runId: String(workflowRun.id), idTokenEnv: (job) => ({ ...sandbox.env({ oidc: false }), ...tokens.env(job) }),
        env: { GITHUB_API_URL: github.url, GITHUB_ACTOR: STARTER, GITHUB_TRIGGERING_ACTOR: STARTER }, ...acts,
      });
      runs.push(run);
      const jobs = jobsOf(path.join(caller.folder, '.github/workflows/migrate.yml'), path.join(repository, '.github/workflows'), {});
      const results = Object.fromEntries(jobs.map(({ id }) => [id, run.jobs[id] ?? 'skipped'] as const));
      return {
        ...run, results, ran: Object.entries(results).filter(([, result]) => result !== 'skipped').map(([id, result]) => (result === 'success' ? id : `${id}: ${result}`)),
        changes: [...new Set(sandbox.calls.map(({ action }) => action).filter((action) => !/^(?:AssumeRole|Get|List|Describe|Head|Simulate|InvokeRestApi)/u.test(action)))],
      };
    },
    /** Of all artifacts, by name without the number of each. */
    artifacts: (): Readonly<Record<string, readonly string[]>> => Object.fromEntries(readdirSync(caller.artifacts).map((name) => [name.replace(/^\d+-/u, ''), readdirSync(path.join(caller.artifacts, name)).sort()])),
    async close() {
      caller.remove();
      await tokens.close();
      await github.close();
      await sandbox.close();
      await airflow.close();
    },
  };
}
export type MigrationWorld = Awaited<ReturnType<typeof aMigrationWorld>>;
