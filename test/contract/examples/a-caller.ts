/** A repository that has every example, as somebody pastes it, AWS's stand-in with two accounts, GitHub's with protected environments, and what it takes to run them. */
import os from 'node:os';
import path from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { runWorkflow } from '../../sandbox/act/act.js';
import { aCaller, CALLER_REPOSITORY } from '../../sandbox/act/caller.js';
import type { WorkflowRun } from '../../sandbox/act/records.js';
import { startGithub } from '../../sandbox/github/server.js';
import { parseSpec } from '../../sandbox/spec/read-spec.js';
import { startSandbox } from '../../sandbox/world.js';
import { startJobTokens } from '../../sandbox/oidc/job-tokens.js';
import { anAirflow } from '../mwaa/a-mwaa.js';
import { EXAMPLES, text } from './documents.js';
import { MIGRATION_FILE, SPEC } from './two-accounts.js';

const BRANCH = 'refs/heads/main', STARTER = 'olga';

export async function aCallerWorld() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-examples-'));
  const airflow = await anAirflow();
  airflow.script.rest = () => Promise.resolve({ status: 200, body: '{"dags":[],"dag_runs":[],"task_instances":[],"total_entries":0}' });
  const sandbox = await startSandbox(parseSpec(SPEC, import.meta.filename), { machinery: () => Promise.resolve(airflow.machinery) });
  const github = await startGithub({ repository: CALLER_REPOSITORY });
  const tokens = await startJobTokens(sandbox.oidc);
  const person = (login: string) => ({ login, type: 'User' as const });
  github.addEnvironment({ name: 'migration-prepare', branches: ['main'] });
  for (const name of ['migration-production', 'migration-analytics']) github.addEnvironment({ name, branches: ['main'], reviewers: [person('rita')], preventSelfReview: true });
  const token = github.token({ permissions: { actions: 'read', contents: 'read' } });
  const caller = aCaller({
    ...Object.fromEntries(EXAMPLES.map((name) => [`.github/workflows/${path.basename(name)}`, text(name)])),
    '.github/mwaa-migration.yml': MIGRATION_FILE, 'migrations/analytics.yml': MIGRATION_FILE, 'dags/nightly_load.py': text('test/sandbox/examples/dags/nightly_load.py'),
  });
  const [own, other] = sandbox.stacks.map(({ outputs }) => outputs);
  const variables = { MWAA_PLAN_ROLE: own?.['PlanRole'] ?? '', MWAA_SOURCE_ROLE: own?.['SourceRole'] ?? '', MWAA_TARGET_ROLE: own?.['TargetRole'] ?? '' };
  return {
    sandbox, github, caller, tokens,
    variables,
    /** Of the stack in the account of the target. */
    elsewhere: { MWAA_TARGET_PLAN_ROLE: other?.['PlanRole'] ?? '', MWAA_TARGET_ROLE: other?.['TargetRole'] ?? '' },
    /** @param example file name @param given repository variables @param matrix of the calling job */
    async run(example: string, inputs: Readonly<Record<string, string>>, given: Readonly<Record<string, string>> = variables, matrix: Readonly<Record<string, string>> = {}): Promise<WorkflowRun> {
      const run = github.addRun({ actor: person(STARTER) });
      const aws = sandbox.env({ oidc: false });
      tokens.setRun({ runId: String(run.id), runAttempt: '1', actor: STARTER, eventName: 'workflow_dispatch', ref: BRANCH });
      return await runWorkflow({
        caller, workflow: example, event: 'workflow_dispatch', payload: { inputs, ref: BRANCH, repository: { full_name: CALLER_REPOSITORY, default_branch: 'main' } },
        variables: given, idTokenEnv: (job) => ({ ...aws, ...tokens.env(job) }), token, runId: String(run.id), matrix,
        env: { GITHUB_API_URL: github.url, GITHUB_ACTOR: STARTER, GITHUB_TRIGGERING_ACTOR: STARTER },
      });
    },
    async close() {
      caller.remove();
      rmSync(folder, { recursive: true, force: true });
      await tokens.close();
      await github.close();
      await sandbox.close();
      await airflow.close();
    },
  };
}
export type CallerWorld = Awaited<ReturnType<typeof aCallerWorld>>;
