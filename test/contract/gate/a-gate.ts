/** Phases start and gate in the doubled world, with a gatekeeper that asks the GitHub stand-in over HTTP. */
import type { Inputs } from '../../../src/inputs.js';
import { openGithubApi } from '../../../src/gateways/github/api.js';
import { GATE_PURPOSE, openGatekeeper } from '../../../src/gateways/github/gatekeeper.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { passGate } from '../../../src/phases/gate.js';
import { startWorkflow } from '../../../src/phases/start.js';
import type { WorkflowRun } from '../../../src/ports.js';
import { READY, run as runPhase } from '../../builders/rollback-story.js';
import { aMigrationFile, someWorkflowInputs } from '../../builders/values.js';
import { World } from '../../builders/world.js';
import type { GithubStandIn } from '../../sandbox/github/server.js';
import type { Account, Caller, Environment, Review, Run } from '../../sandbox/github/state.js';

export const GATE = 'migration-production';
export const person = (login: string): Account => ({ login, type: 'User' });
export const aRun = (given: Partial<WorkflowRun> = {}): WorkflowRun => ({
  url: 'https://github.com/octo-org/workflows/actions/runs/7', id: '7', event: 'workflow_dispatch', ref: 'refs/heads/main', workflowFile: 'mwaa-migrate.yml', startedBy: ['starter'], commit: undefined, pullRequest: undefined, ...given,
});

type Workflow = Readonly<{ gate?: Partial<Inputs['workflow']['gate']>; chain?: Partial<Inputs['workflow']['chain']> }>;
const workflowOf = ({ gate, chain }: Workflow): Inputs['workflow'] => {
  const standard = someWorkflowInputs();
  return someWorkflowInputs({ gate: { ...standard.gate, ...gate }, chain: { ...standard.chain, ...chain } });
};

/** One repository with one migration. Its workflow run is number 7 unless a call says otherwise. */
export class AGate {
  readonly world = new World();
  file: MigrationFile = aMigrationFile({ approvers: ['mona', 'hubot'] });
  run: WorkflowRun = aRun();
  /** undefined: the job gives no token. */
  caller: Partial<Caller> | undefined = { permissions: { actions: 'read' } };

  constructor(readonly github: GithubStandIn) {
    github.state.environments.clear();
    github.state.runs.clear();
    github.state.defaultBranch = 'main';
    github.state.reviewOrder = 'oldest-first';
  }

  environment(given: Partial<Environment> = {}): Environment {
    return this.github.addEnvironment({ name: GATE, reviewers: [person('mona'), person('hubot')], preventSelfReview: true, adminsMayBypass: false, branches: ['main'], ...given });
  }
  /** Reviews as GitHub keeps them: of a run, whatever attempt of it. */
  reviews(...given: readonly (readonly [state: Review['state'], login: string, comment?: string, environment?: Environment])[]): Run {
    const gate = this.github.state.environments.get(GATE);
    const list = given.map(([state, login, comment = '', environment = gate]): Review => ({ environmentId: environment?.id ?? 0, state, by: person(login), comment }));
    const known = this.github.state.runs.get(Number(this.run.id));
    if (!known) return this.github.addRun({ id: Number(this.run.id), reviews: list });
    known.reviews.push(...list);
    return known;
  }

  private context(inputs: Partial<Inputs>, workflow: Workflow) {
    const context = this.world.context({ ...inputs, workflow: workflowOf(workflow) }, this.file);
    const token = this.caller && this.github.token(this.caller);
    const gatekeeper = token === undefined ? undefined : openGatekeeper(openGithubApi({ apiUrl: this.github.url, token, clock: { now: () => new Date(), sleep: () => Promise.resolve() }, purpose: GATE_PURPOSE }), 'octo-org/workflows', this.run.id);
    return { ...context, github: { ...context.github, gatekeeper, run: () => Promise.resolve(this.run) } };
  }
  start = (workflow: Workflow = {}) => startWorkflow(this.context({ phase: 'start' }, workflow));
  ask = (inputs: Partial<Inputs> = {}, workflow: Workflow = {}) => passGate(this.context({ phase: 'gate', gateMode: 'ask', ...inputs }, workflow));
  record = (inputs: Partial<Inputs> = {}, workflow: Workflow = {}) => passGate(this.context({ phase: 'gate', gateMode: 'record', ...inputs }, workflow));

  /** Copies resources, creates the target and exports. @param people who start the workflow run of the exports */
  async exported(modes: readonly ('rehearsal' | 'final')[] = ['rehearsal'], people: readonly string[] = ['starter']): Promise<this> {
    this.world.people = people;
    if (!this.world.journalValue) for (const given of READY) await runPhase(this.world, given, this.file);
    for (const mode of modes) await runPhase(this.world, { phase: 'export', mode }, this.file);
    return this;
  }
  /** What job ask hands on. */
  async shown(workflow: Workflow = {}): Promise<Pick<Inputs, 'approvedPlan' | 'approvedManifest' | 'attempt'>> {
    const { outputs } = await this.ask({}, workflow);
    return { approvedPlan: outputs['plan-digest'], approvedManifest: outputs['manifest-digest'], attempt: Number(outputs['attempt']) };
  }
  steps(attempt: number, name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.world.journalValue?.attempts.find(({ number }) => number === attempt)?.steps.filter((step) => step.name === name).map(({ data }) => data ?? {}) ?? [];
  }
  /** Everything a person could see change. */
  traces(): string {
    const { world } = this;
    return JSON.stringify({ keys: [...world.buckets.keys()].map((name) => [name, world.keys(name)]), dags: [[...world.dags.source], [...world.dags.target]], journal: world.journalValue, lock: world.lockedBy });
  }
}
