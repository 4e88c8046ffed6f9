/** The jobs of the reusable workflow: their order, which of them run, and which may begin in the middle. Pure; test/contract/gate holds migrate.yml to it. */
import { UserError } from '../errors.js';
import { didYouMean } from '../suggest.js';
import type { ChainInputs, GateInputs } from '../workflow-inputs.js';

/** Ids of the jobs that phase start chooses from, in the order in which they run. */
export const CHOSEN_JOBS = ['check', 'plan', 'resources', 'create', 'pause-first', 'rehearse', 'ask', 'gate', 'watch', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'] as const;
export type ChosenJob = (typeof CHOSEN_JOBS)[number];

/** Jobs that run by rules of their own: start always, the ways back after a failure (two of them beside a gate that still waits), finish at the end whatever happened. */
export const OWN_RULE_JOBS = ['start', 'watch-rollback', 'cutover-watch-rollback', 'rollback', 'finish'] as const;

/** Jobs that change nothing, neither at AWS nor in Airflow, and need nobody's approval. */
const LOOKING: readonly ChosenJob[] = ['check', 'plan'];

/** Jobs that there are only with a second gate. */
const OF_SECOND_GATE: readonly ChosenJob[] = ['cutover-gate', 'cutover-watch'];

export const WHAT_JOBS_DO: Readonly<Record<ChosenJob, string>> = {
  check: 'loads the DAGs on the target\'s Airflow, without credentials', plan: 'says what will be done', resources: 'copies DAGs, plugins and requirements', create: 'creates the target, or waits for yours',
  'pause-first': 'pauses the source and exports it', rehearse: 'exports without pausing anything', ask: 'shows what is to be approved', gate: 'waits for the approval and records it', watch: 'puts the source back when the approval takes too long',
  export: 'pauses the source and exports it', import: 'imports what was exported', verify: 'compares both sides', 'cutover-gate': 'waits for a second approval and records it', 'cutover-watch': 'puts the source back when the second approval takes too long', cutover: 'makes the target take over the schedule',
};

export type Chain = Readonly<{
  /** In order. */
  jobs: readonly ChosenJob[];
  /** Every other job, with the reason. */
  leftOut: readonly Readonly<{ job: ChosenJob; because: string }>[];
}>;

export const changesSomething = ({ jobs }: Pick<Chain, 'jobs'>): boolean => jobs.some((job) => !LOOKING.includes(job));
/** Whether somebody's approval is asked for or recorded in this run. */
export const needsGate = ({ jobs }: Pick<Chain, 'jobs'>): boolean => jobs.includes('ask') || jobs.includes('gate');

type Wanted = Readonly<{ chain: ChainInputs; gate: Pick<GateInputs, 'by' | 'cutoverEnvironment'> }>;

/** @throws UserError for a job that there is not, or that cannot run with these inputs; everything wrong at once */
export function chooseJobs({ chain, gate }: Wanted): Chain {
  const problems = [...(chain.from === undefined ? [] : wrongJob('from', chain.from, chain, gate.by)), ...chain.only.flatMap((name) => wrongJob('only', name, chain, gate.by))];
  if (chain.from !== undefined && chain.only.length > 0) problems.push('from, only: give one of them; "only" names every job by itself');
  if (gate.by === 'dispatch' && chain.pause === 'before-gate') problems.push('gate, pause: with "dispatch" the source would stand still until somebody starts the workflow again, and no job could end that wait; leave pause at "after-gate"');
  const because = (job: ChosenJob): string | undefined => notInMode(job, chain.pause) ?? (OF_SECOND_GATE.includes(job) && gate.cutoverEnvironment === undefined ? 'only with input cutover-environment' : undefined) ?? notChosen(job, chain) ?? ofOtherRun(job, chain, gate.by);
  const jobs = CHOSEN_JOBS.filter((job) => because(job) === undefined);
  if (problems.length === 0) problems.push(...brokenGate(jobs, chain, gate.by));
  if (problems.length > 0)
    throw new UserError(`These jobs cannot be run:\n  - ${problems.join('\n  - ')}`, 'a chain that begins or ends elsewhere than meant could pause production or pass the gate unseen, so nothing was begun.', 'correct the inputs of the workflow; docs/reference/gate.md names the jobs and their order.');
  return { jobs, leftOut: CHOSEN_JOBS.flatMap((job) => { const reason = because(job); return reason === undefined ? [] : [{ job, because: reason }]; }) };
}

function wrongJob(input: 'from' | 'only', name: string, { pause }: ChainInputs, by: GateInputs['by']): readonly string[] {
  const job = CHOSEN_JOBS.find((known) => known === name);
  if (job) {
    const reason = notInMode(job, pause);
    return reason === undefined ? [] : [`${input}: job "${job}" does not run here: ${reason}`];
  }
  if (name.endsWith('rollback') && OWN_RULE_JOBS.some((known) => known === name)) return [`${input}: "rollback" is a workflow of its own, rollback.yml; in this one it runs by itself`];
  if (OWN_RULE_JOBS.some((known) => known === name)) return [`${input}: job "${name}" runs in any case`];
  return [`${input}: there is no job "${name}"${didYouMean(name, CHOSEN_JOBS)}; known: ${CHOSEN_JOBS.filter((known) => notInMode(known, pause) === undefined && !(by === 'dispatch' && known === 'watch')).join(', ')}`];
}

function notInMode(job: ChosenJob, pause: ChainInputs['pause']): string | undefined {
  const only = job === 'pause-first' || job === 'watch' ? 'before-gate' : job === 'rehearse' || job === 'export' ? 'after-gate' : undefined;
  return only === undefined || only === pause ? undefined : `only with pause: ${only}`;
}

function notChosen(job: ChosenJob, { from, only }: ChainInputs): string | undefined {
  if (only.length > 0) return only.includes(job) ? undefined : 'not named in input only';
  if (from === undefined) return undefined;
  return CHOSEN_JOBS.indexOf(job) >= CHOSEN_JOBS.findIndex((known) => known === from) ? undefined : `before job ${from}, with which this run begins`;
}

/** With gate: dispatch one run ends with the question, and another one, started by the approver, begins with the answer. */
function ofOtherRun(job: ChosenJob, { from, only }: ChainInputs, by: GateInputs['by']): string | undefined {
  if (by !== 'dispatch' || only.length > 0) return undefined;
  const isAnswer = from !== undefined && after(from, 'ask');
  return !isAnswer && after(job, 'ask') ? 'in a second run, which the approver starts with from: gate' : undefined;
}

function brokenGate(jobs: readonly ChosenJob[], { pause }: ChainInputs, by: GateInputs['by']): readonly string[] {
  const has = (job: ChosenJob): boolean => jobs.includes(job);
  return [
    by === 'environment' && has('gate') && !has('ask') ? 'job "gate" runs only after job "ask" of the same run: whoever approves must see what is approved; begin with from: ask' : [],
    by === 'dispatch' && has('gate') && has('ask') ? 'with gate: dispatch jobs "ask" and "gate" are of two runs: who approves reads what ask shows and names it in a run of their own; run ask now, and start again with from: gate, approved-plan, approved-manifest and attempt' : [],
    pause === 'before-gate' && has('gate') !== has('watch') ? 'jobs "gate" and "watch" belong together: the source is paused while the gate waits, and watch ends that; begin with from: ask, or name both in only' : [],
    has('pause-first') && !has('gate') ? 'job "pause-first" pauses the source, and without "gate" and "watch" in the same run nothing would end that; name ask, gate and watch too, or leave "only" empty' : [],
    has('cutover-gate') !== has('cutover-watch') ? 'jobs "cutover-gate" and "cutover-watch" belong together: the source is paused while the second gate waits, and cutover-watch ends that; begin with from: cutover-gate, or name both in only' : [],
    jobs.length === 0 ? 'no job is left to run: cutover-gate needs input cutover-environment' : [],
  ].flat();
}

const after = (job: string, other: ChosenJob): boolean => CHOSEN_JOBS.findIndex((known) => known === job) > CHOSEN_JOBS.indexOf(other);
