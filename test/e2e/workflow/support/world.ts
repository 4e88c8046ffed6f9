/** A consumer's repository with nothing but an example caller and a migration file, GitHub's stand-in with two environments, and the sandbox. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { type ActOptions, registryEnv, startWorkflow, type StartedWorkflow } from '../../../sandbox/act/act.js';
import { aCaller, type Caller, CALLER_REPOSITORY } from '../../../sandbox/act/caller.js';
import { gateOf } from '../../../sandbox/act/gate.js';
import { type Gate, type Job, jobsOf, type KeptOutputs } from '../../../sandbox/act/jobs.js';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { repository } from '../../../sandbox/act/stage.js';
import { dagFiles, pluginFiles } from '../../source/folder.js';
import { type GithubStandIn, startGithub } from '../../../sandbox/github/server.js';
import { MIGRATION, type MigrationWorld, startMigrationWorld, type WorldOptions } from '../../support/world.js';
import { type JobTokens, startJobTokens } from '../../../sandbox/oidc/job-tokens.js';

/** As docs/iam/roles.yaml and the examples have them. */
export const PREPARE = 'migration-prepare', GATE = 'migration-production';
/** Of the second gate, where a test has one. */
export const CUTOVER_GATE = 'migration-cutover';
export const STARTER = 'olga-operator', REVIEWER = 'rita-reviewer';
const REF = 'refs/heads/main';
const MINUTES = 60_000;

export type AttemptOptions = Readonly<{
  /** Of the workflow run. */
  number?: number;
  kept?: Readonly<Record<string, KeptOutputs>>;
  /** That of another half of the same attempt. */
  gate?: Gate;
  inputs?: Readonly<Record<string, string>>;
  /** Who started this attempt. Default: who started the run. */
  by?: string;
}>;

export type WorkflowWorld = Readonly<{
  migration: MigrationWorld;
  caller: Caller;
  github: GithubStandIn;
  tokens: JobTokens;
  /** Of the workflow run that start, review and isWaiting speak of. */
  readonly runId: number;
  /** Somebody starts the workflow anew, not this run again. Default: the same person. */
  newRun(by?: string): void;
  /** Of the caller's workflow and all that it calls, as the YAML has them. */
  jobs: readonly Job[];
  newGate(): Gate;
  start(options?: AttemptOptions): StartedWorkflow;
  /** A person answers in GitHub, through its API. @returns the status of the answer */
  review(state: 'approved' | 'rejected', by?: string): Promise<number>;
  /** The environment's reviewers are asked, and the run waits for them. */
  readonly isWaiting: boolean;
  /** Every attempt so far, and every half of one. */
  readonly runs: readonly WorkflowRun[];
  close(): Promise<void>;
}>;

export type WorkflowWorldOptions = Pick<WorldOptions, 'log' | 'migration' | 'withoutHistory' | 'roleParameters' | 'targetAccount'> & Readonly<{
  /** File of docs/examples, taken as it is. */
  example?: string;
  /** Changes of the example's `with:`. */
  with?: Readonly<Record<string, string>>;
  /** GitHub environments with a required reviewer. Default: the one gate. */
  gates?: readonly string[];
}>;

export async function startWorkflowWorld({ example = 'migrate.yml', with: handed = {}, gates = [GATE], roleParameters = {}, ...options }: WorkflowWorldOptions = {}): Promise<WorkflowWorld> {
  const migration = await startMigrationWorld({ ...options, roleParameters: { GitHubEnvironment: GATE, SecondGitHubEnvironment: PREPARE, ...roleParameters } });
  const ending: (() => Promise<void> | void)[] = [() => migration.close()];
  const close = async (): Promise<void> => { for (const end of ending.reverse()) await end(); };
  try {
    const github = await startGithub({ repository: CALLER_REPOSITORY });
    ending.push(() => github.close());
    const tokens = await startJobTokens(migration.sandbox.oidc);
    ending.push(() => tokens.close());
    const workflow = path.basename(example);
    const caller = aCaller({
      [`.github/workflows/${workflow}`]: withInputs(readFileSync(path.join(repository, 'docs/examples', example), 'utf8'), handed),
      '.github/mwaa-migration.yml': stringify({ ...MIGRATION, ...options.migration }),
      ...Object.fromEntries(dagFiles().map(({ path: name, body }) => [`dags/${name}`, body.toString('utf8')])),
      ...Object.fromEntries(pluginFiles().map(({ path: name, body }) => [`plugins/${name}`, body.toString('utf8')])),
    });
    ending.push(() => caller.remove());
    github.addEnvironment({ name: PREPARE, branches: ['main'] });
    for (const name of gates) github.addEnvironment({ name, branches: ['main'], reviewers: [{ login: REVIEWER, type: 'User' }], preventSelfReview: true });
    const addRun = (login: string) => github.addRun({ actor: { login, type: 'User' } });
    let run = addRun(STARTER);
    const token = github.token({ permissions: { actions: 'read', contents: 'read' } });
    const reviewers = new Map([STARTER, REVIEWER].map((login) => [login, github.token({ kind: 'user', login, type: 'User', permissions: { deployments: 'write' } })]));
    const variables = { MWAA_PLAN_ROLE: migration.roles.plan, MWAA_SOURCE_ROLE: migration.roles.source, MWAA_TARGET_ROLE: migration.roles.target, ...(migration.roles.targetPlan === undefined ? {} : { MWAA_TARGET_PLAN_ROLE: migration.roles.targetPlan }) };
    const runs: WorkflowRun[] = [];
    const aws = migration.sandbox.env({ oidc: false });
    return {
      migration, caller, github, tokens, runs, close,
      get runId() { return run.id; },
      newRun(by = STARTER) { run = addRun(by); },
      jobs: jobsOf(path.join(caller.folder, '.github/workflows', workflow), path.join(repository, '.github/workflows'), {}),
      newGate: () => gateOf(github, run.id, REF),
      start({ number = 1, kept = {}, gate = gateOf(github, run.id, REF), inputs = {}, by = run.actor.login } = {}) {
        tokens.setRun({ runId: String(run.id), runAttempt: String(number), actor: by, eventName: 'workflow_dispatch', ref: REF, workflow: 'MWAA migration', workflowFile: `.github/workflows/${workflow}`, jobWorkflowRef: 'OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1' });
        Object.assign(run, { status: 'in_progress', conclusion: null });
        const acts: ActOptions = {
          caller, workflow, event: 'workflow_dispatch', payload: { inputs, ref: REF, repository: { full_name: CALLER_REPOSITORY, default_branch: 'main' } }, variables, kept, gate, token,
          runId: String(run.id), runAttempt: String(number), limitMs: 40 * MINUTES,
          idTokenEnv: (job) => ({ ...aws, ...tokens.env(job) }),
          env: { ...registryEnv(), GITHUB_API_URL: github.url, GITHUB_ACTOR: run.actor.login, GITHUB_TRIGGERING_ACTOR: by, GITHUB_WORKFLOW_REF: `${CALLER_REPOSITORY}/.github/workflows/${workflow}@${REF}` },
        };
        const started = startWorkflow(acts);
        return { ...started, done: started.done.then((ended) => { runs.push(ended); return ended; }) };
      },
      async review(state, by = REVIEWER) {
        const answer = await fetch(`${github.url}/repos/${CALLER_REPOSITORY}/actions/runs/${run.id}/pending_deployments`, {
          method: 'POST', headers: { authorization: `Bearer ${reviewers.get(by) ?? ''}`, 'user-agent': 'a browser' },
          body: JSON.stringify({ environment_ids: [...run.waiting], state, comment: state === 'approved' ? 'Read it.' : 'Not today.' }),
        });
        await answer.text();
        return answer.status;
      },
      get isWaiting() { return run.waiting.size > 0; },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lines of the example's one `with:` block, added or exchanged; all else stays as people copy it. */
function withInputs(text: string, handed: Readonly<Record<string, string>>): string {
  return Object.entries(handed).reduce((changed, [name, value]) => {
    // A boolean or a number in quotation marks is a text, and every text but the empty one is true.
    const line = `      ${name}: ${/^(?:true|false|\d+)$/u.test(value) ? value : JSON.stringify(value)}`, there = new RegExp(`^ {6}${name}:.*$`, 'mu');
    return there.test(changed) ? changed.replace(there, line) : changed.replace(/^ {4}with:$/mu, `    with:\n${line}`);
  }, text);
}
