/** The last job's summary: what each job did, where the migration stands, what to do next. Also without a journal or a way into AWS. Pure. */
import type { GateReview } from '../gatekeeper.js';
import type { Journal } from '../journal/journal.js';
import { code, counted, table, text, type Cell, type Part, type Report, type Section } from './document.js';
import { adviceFor, firstBroken, JOBS, type Outcome } from './finish-advice.js';
import type { JobSeen, JobsSeen } from './job-results.js';
import { whereItStands } from './stand.js';
import { statusReport, type StatusFacts } from './status-report.js';
import { lasting, pausesOf } from './timeline.js';

export type FinishFacts = Readonly<{
  id: string;
  source: string;
  jobs: JobsSeen;
  /** undefined: AWS could not be asked; `unknown` says why. */
  status: StatusFacts | undefined;
  unknown: Readonly<{ what: string; why: string; fix: string }> | undefined;
  run: string | undefined;
  /** Where a gate was not passed: reviews of this run that said no. Hostile text. */
  rejections?: readonly GateReview[];
  /** ISO 8601. */
  now: string;
}>;

export function finishReport(facts: FinishFacts): Report {
  const { id, jobs, status, unknown, now } = facts;
  const journal = status?.journal, outcome = outcomeOf(facts), broken = firstBroken(jobs);
  const base = status && statusReport(status);
  const stands: readonly Part[] = unknown ? ['where it stands could not be read'] : [outcome.stand?.stand ?? (journal?.cleaned === true ? 'it is over and cleaned up' : 'it has not begun')];
  const paused = outcome.pause;
  return {
    verdict: ['Migration ', code(id), ': ', ...(broken ? ['job ', code(broken.id), broken.result === 'cancelled' ? ' was cancelled; ' : ' failed; '] : []), ...stands, ...(outcome.waiting && !broken && !jobs.planned?.includes('gate') && ran(jobs, 'ask') ? [', waits for a person to approve'] : [])],
    isGood: !broken && unknown === undefined && jobs.problem === undefined,
    needsCare: base?.needsCare === true || outcome.waiting !== undefined,
    isNextFirst: true,
    next: journal?.cleaned === true && base && !broken ? base.next : adviceFor(outcome),
    sections: [
      ...jobSections(jobs),
      ...rejectionSections(facts.rejections ?? []),
      ...(unknown ? [{ title: 'Where it stands could not be read', importance: 1 as const, blocks: [text(code(unknown.what)), text('Why: ', code(unknown.why)), text('Fix: ', code(unknown.fix)), text('What the jobs above say is true all the same. Whether the source is paused now can be seen in its Airflow.')] }] : []),
      ...(paused ? [{ title: 'How long the DAGs stood still', importance: 1 as const, blocks: [table(['Paused since', 'Until', 'For'], journal ? pausesOf(journal).map((one): readonly Cell[] => [code(one.since), one.until === undefined ? 'still paused' : [code(one.until), one.endedBy === 'cutover' ? ', by the cutover' : ', put back'], lasting(one.since, one.until ?? now)]) : [])] }] : []),
      ...(base?.sections ?? []),
    ],
  };
}

/** A re-run of failed jobs keeps the reviews of the earlier attempts of the run, so this is no proof of why a gate was not passed. */
function rejectionSections(rejections: readonly GateReview[]): readonly Section[] {
  if (rejections.length === 0) return [];
  return [{
    title: `Rejected in this workflow run (${rejections.length})`, importance: 1,
    blocks: [table(['By', 'Environment', 'What was said'], rejections.map(({ by, environment, comment }) => [code(by), code(environment), comment.trim() === '' ? 'nothing' : code(comment)]))],
  }];
}

const ran = ({ jobs }: JobsSeen, wanted: string): boolean => jobs.some(({ id, result }) => id === wanted && result === 'success');

function outcomeOf({ source, jobs, status, unknown, run, now }: FinishFacts): Outcome {
  const journal = status?.journal;
  const final = journal?.attempts.filter(({ mode }) => mode === 'final').at(-1);
  // An older one that was put back says nothing of a rehearsal that came after it.
  const did = (name: string) => final === journal?.attempts.at(-1) && (final?.steps.some((step) => step.name === name) ?? false);
  return {
    jobs, source, run, now, isJournalKnown: unknown === undefined,
    stand: journal && !journal.cleaned ? whereItStands(journal) : undefined,
    pause: journal && pausesOf(journal).at(-1),
    isRestored: did('restored'), isExpired: did('expired'), waiting: waitingOf(journal),
  };
}

function waitingOf(journal: Journal | undefined): Outcome['waiting'] {
  const newest = journal?.attempts.at(-1);
  const has = (name: string) => newest?.steps.some((step) => step.name === name) ?? false;
  if (!newest?.manifest || newest.mode !== 'rehearsal' || !has('exported') || has('approved')) return undefined;
  return { attempt: newest.number, planDigest: journal?.planDigest, scope: newest.manifest.scope };
}

function jobSections({ jobs, planned, problem }: JobsSeen): readonly Section[] {
  if (problem !== undefined) return [{ title: 'Jobs of this run', importance: 1, blocks: [text('What they did is not known: ', code(problem), '.')] }];
  const at = (id: string) => { const found = JOBS.findIndex((known) => known === id); return found < 0 ? JOBS.length : found; };
  const rows = [...jobs].sort((a, b) => at(a.id) - at(b.id)).map((job): readonly Cell[] => [code(job.id), RESULTS[job.result], whyOf(job, planned)]);
  const count = (result: JobSeen['result']) => jobs.filter((job) => job.result === result).length;
  return [{ title: `Jobs of this run: ${counted(count('success'), 'job')} ended well, ${count('failure')} failed, ${count('cancelled')} cancelled, ${count('skipped')} skipped`, importance: 1, blocks: [table(['Job', 'Result', 'What it means'], rows)] }];
}

const RESULTS: Readonly<Record<JobSeen['result'], string>> = { success: '✅ ended well', failure: '❌ failed', cancelled: '❌ cancelled', skipped: 'skipped' };

function whyOf({ id, result }: JobSeen, planned: readonly string[] | undefined): Cell {
  if (result !== 'skipped') return result === 'success' ? DONE[id] : 'its summary says why';
  if (id.endsWith('rollback')) return 'nothing had to be put back, or on-failure is stay';
  if (planned === undefined) return undefined;
  return planned.includes(id) ? 'a job before it did not end well' : 'not part of this run';
}

const BACK = 'the source is as it was, or there was nothing to put back';
const DONE: Readonly<Record<string, string>> = {
  start: 'inputs and gate are as they should be', check: 'DAGs and requirements were tried on the target\'s Airflow', plan: 'nothing blocks', resources: 'DAGs, plugins and requirements are in the target\'s bucket', create: 'the target is ready',
  'pause-first': 'the source is paused and exported', rehearse: 'exported; nothing was paused', ask: 'shown what is to be approved', gate: 'approved, and recorded', watch: 'the gate was answered, or the source was put back', export: 'the source is paused and exported', import: 'imported; exported secrets removed',
  verify: 'both sides agree', 'cutover-gate': 'approved a second time', 'cutover-watch': 'the second gate was answered, or the source was put back', cutover: 'the target has the schedule', 'watch-rollback': BACK, 'cutover-watch-rollback': BACK, rollback: BACK,
};
