/** Report of phase start: which jobs of the workflow run, which do not and why, and what the gate will ask for. */
import { WHAT_JOBS_DO, type Chain } from '../gate/chain.js';
import type { GateStand } from '../gate/protection.js';
import type { WorkStand } from '../gate/work-environment.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { WorkflowInputs } from '../workflow-inputs.js';
import { code, counted, list, table, text, type Block, type Part, type Report } from './document.js';

/** undefined: this run does not have that gate. */
export type Gates = Readonly<{ first?: GateStand | undefined; /** Before cutover. */ second?: GateStand | undefined; /** Of the jobs that change things. */ work?: WorkStand | undefined }>;

export type StartFacts = Readonly<{
  file: MigrationFile;
  chain: Chain;
  workflow: Pick<WorkflowInputs, 'gate' | 'chain'>;
  isChanging: boolean;
  gates: Gates;
}>;

export function startReport({ file, chain, workflow, isChanging, gates: { first, second, work } }: StartFacts): Report {
  const pausing = chain.jobs.find((job) => job === 'pause-first' || job === 'export');
  return {
    verdict: ['Migration ', code(file.id), `: ${counted(chain.jobs.length, 'job runs', 'jobs run')}, ${isChanging ? (pausing ? `job ${pausing} pauses the source` : 'none pauses the source') : 'none changes anything'}`],
    isGood: true, needsCare: [first, second, work].some((stand) => (stand?.warnings.length ?? 0) > 0),
    sections: [
      { title: 'Jobs that run', importance: 1, blocks: [table(['Job', 'What it does'], chain.jobs.map((job) => [job, WHAT_JOBS_DO[job]])), text('Job rollback runs by itself where one of them fails while the source is paused, and job finish at the end in any case.')] },
      ...(first ? [{ title: 'The gate', importance: 1 as const, blocks: gateBlocks(workflow, first) }] : []),
      ...(second ? [{ title: 'The gate before cutover', importance: 1 as const, blocks: [text(...who(second, workflow.gate.cutoverEnvironment ?? ''), ` The source is paused meanwhile, for ${workflow.gate.timeoutMinutes} minutes from the end of verify at most; then job cutover-watch puts it back.`), ...notes(second)] }] : []),
      ...(work && work.warnings.length > 0 ? [{ title: 'The jobs that change things', importance: 1 as const, blocks: [text('GitHub environment ', code(work.environment), ':'), list(work.warnings)] }] : []),
      ...(chain.leftOut.length > 0 ? [{ title: `Jobs that do not run (${chain.leftOut.length})`, importance: 2 as const, isFolded: true, blocks: [table(['Job', 'Why not'], chain.leftOut.map(({ job, because }) => [job, because]))] }] : []),
    ],
    next: chain.jobs.includes('gate') && first?.isProtected && workflow.gate.by === 'environment'
      ? ['Read the summary of job ask when it is done, then approve or reject job gate on the page of this run.']
      : workflow.gate.by === 'dispatch' && chain.jobs.includes('ask') ? ['Read the summary of job ask when it is done: it says how another person approves.'] : [],
  };
}

function gateBlocks({ gate, chain }: StartFacts['workflow'], stand: GateStand): readonly Block[] {
  const pause = chain.pause === 'before-gate' ? `The source is paused before that, for ${gate.timeoutMinutes} minutes at most; then job watch puts it back.` : 'Nothing is paused before that.';
  const people: readonly Part[] = gate.by === 'dispatch' ? ['One of these people starts the workflow again: ', ...names(stand.reviewers), '. Nobody approves an export that they started.'] : who(stand, gate.environment);
  return [text(...people, ' ', pause), ...notes(stand)];
}

const who = ({ isProtected, reviewers }: GateStand, environment: string): readonly Part[] =>
  isProtected ? ['One of these people or teams approves in GitHub environment ', code(environment), ': ', ...names(reviewers), '.'] : ['Nobody is asked.'];
const notes = ({ warnings }: GateStand): readonly Block[] => (warnings.length > 0 ? [list(warnings)] : []);
const names = (logins: readonly string[]): readonly Part[] => logins.flatMap((login, at) => [...(at > 0 ? [', '] : []), code(login)]);
