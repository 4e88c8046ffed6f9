/** What a person does next after a run of the workflow, whichever way it ended. Pure. */
import { code, link, type Part, type Text } from './document.js';
import { docsLink } from './docs-link.js';
import type { JobSeen, JobsSeen } from './job-results.js';
import type { Stand } from './status-switch.js';
import { lasting, type Pause } from './timeline.js';

export type Outcome = Readonly<{
  jobs: JobsSeen;
  /** undefined: there is no journal, or it could not be read. */
  stand: Stand | undefined;
  isJournalKnown: boolean;
  /** The newest; undefined: nothing was ever paused. */
  pause: Pause | undefined;
  /** Of the newest attempt, where it is a final export. */
  isRestored: boolean;
  isExpired: boolean;
  /** The newest attempt is a rehearsal that waits for its approval. */
  waiting: Readonly<{ attempt: number; planDigest: string | undefined; scope: string }> | undefined;
  source: string;
  /** Address of the workflow run; undefined: by hand. */
  run: string | undefined;
  /** ISO 8601. */
  now: string;
}>;

/** In the order in which they run; the ways back stand at its end, for they answer what went wrong before. */
export const JOBS = ['start', 'check', 'plan', 'resources', 'create', 'pause-first', 'rehearse', 'ask', 'gate', 'watch', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover', 'watch-rollback', 'cutover-watch-rollback', 'rollback'] as const;
const WAYS_BACK: readonly string[] = ['watch-rollback', 'cutover-watch-rollback', 'rollback'];

const isBroken = ({ result }: JobSeen): boolean => result === 'failure' || result === 'cancelled';

/** The first job that went wrong, before those that were skipped because of it. */
export const firstBroken = ({ jobs }: JobsSeen): JobSeen | undefined =>
  [...jobs].filter((job) => isBroken(job) && !WAYS_BACK.includes(job.id)).sort((a, b) => place(a.id) - place(b.id))[0] ?? jobs.find((job) => isBroken(job));
const place = (id: string): number => { const at = JOBS.findIndex((known) => known === id); return at < 0 ? JOBS.length : at; };

/** In order. Never empty: also "nothing" is said. */
export function adviceFor(outcome: Outcome): readonly Text[] {
  const broken = firstBroken(outcome.jobs);
  return [...aboutPause(outcome, broken), ...(broken?.result === 'cancelled' ? [whyCancelled(outcome, broken)] : []), ...(broken ? afterBroken(outcome, broken) : afterGreen(outcome))];
}

/** First of all: production stands still. */
function aboutPause({ pause, source, now, stand }: Outcome, broken: JobSeen | undefined): readonly Text[] {
  if (!pause || pause.until !== undefined || stand?.job === undefined) return [];
  const decide = broken ? ' Either go on or go back now: ' : ' ';
  return [['DAGs of ', code(source), ' are paused since ', code(pause.since), ` (${lasting(pause.since, now)}) and run nowhere.${decide}`, ...(broken ? ['to go back, start the workflow ', code('rollback.yml'), ' (', docsLink('docs/how-to/roll-back.md'), ').'] : [])]];
}

/** Jobs of the concurrency group, in which GitHub lets one wait and cancels it for the next that comes. */
const QUEUED: readonly string[] = ['resources', 'create', 'pause-first', 'rehearse', 'export', 'import', 'verify', 'cutover'];

/** GitHub does not say which of its reasons it was. */
function whyCancelled({ run }: Outcome, { id }: JobSeen): Text {
  return [
    'GitHub calls a job cancelled when somebody cancelled it, and when it lasted longer than ', code('job-timeout-minutes'),
    ...(QUEUED.includes(id) ? ['; also when it waited for its turn and a job of another run of this migration took its place, for only one can wait: start no second run before this one has ended'] : []),
    '. Look on ', pageOf(run), ' which of these it was.',
  ];
}

function afterBroken(outcome: Outcome, broken: JobSeen): readonly Text[] {
  const rolledBack = outcome.jobs.jobs.find(({ id }) => id === 'rollback');
  if (rolledBack && isBroken(rolledBack)) return wayBackFailed(outcome);
  const said: Part = code(broken.id);
  if (broken.result === 'cancelled' && !PAUSING.includes(broken.id)) return [['Job ', said, ' was cancelled. ', capital(rerun(outcome)), ': it goes on where it stopped.'].flat()];
  // Once the source was put back, the attempt is over: a re-run would only be refused.
  if (outcome.isRestored && PAUSING.includes(broken.id)) return afterWayBack(outcome, broken);
  const advice = ADVICE[broken.id];
  return advice ? advice(outcome) : [['Read the summary of job ', said, ', repair what it names, and ', ...rerun(outcome), '.']];
}

/** GitHub runs all failed jobs again, and what needs them, before this one: that would ask the gate anew or import, and go forward. */
function wayBackFailed({ run }: Outcome): readonly Text[] {
  return [[
    'The way back did not end. Read the summary of job ', code('rollback'), ', repair what it names, and start the workflow ', code('rollback.yml'), ': it goes on where the way back stopped (', docsLink('docs/how-to/roll-back.md'), '). Or run the one job ',
    code('rollback'), ' again on ', pageOf(run), '. Not Re-run failed jobs: what failed before would run again first, and the migration would go forward with a source that stands still.',
  ]];
}

/** Jobs that work while the source is paused, or pause it. */
const PAUSING: readonly string[] = ['pause-first', 'gate', 'watch', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'];

function afterWayBack(outcome: Outcome, broken: JobSeen): readonly Text[] {
  const why: Text = broken.id === 'gate'
    ? outcome.isExpired ? 'The gate was not answered in time.' : ['The gate was not passed: the summary of job ', code('gate'), ' or the review on the page of the run says why.']
    : ['Job ', code(broken.id), broken.result === 'cancelled' ? ' was cancelled.' : ' failed; its summary says what to repair.'];
  return [
    [...(Array.isArray(why) ? (why as readonly Part[]) : [why as Part]), ' The source was put back, so this export is over and an approval of it counts for nothing.'],
    ['For another try start the workflow again with input ', code('from'), ': ', code(outcome.stand?.job === 'pause-first' ? 'pause-first' : 'rehearse'), '; it makes a new export, which is approved anew.'],
    ...(outcome.stand?.care === true ? outcome.stand.next : []),
  ];
}

const ADVICE: Readonly<Record<string, (outcome: Outcome) => readonly Text[]>> = {
  start: () => [['Nothing was begun. The summary of job ', code('start'), ' names what is wrong with the inputs, the migration file or the protection of the gate; correct it and start the workflow again.']],
  check: () => [['Nothing was changed. The summary of job ', code('check'), ' names every finding with file and line: repair the DAGs or requirements.txt, merge, and start the workflow again.']],
  plan: () => [['Nothing was changed. The summary of job ', code('plan'), ' names what blocks and what to do about it. Repair it and start the workflow again.']],
  resources: (outcome) => [['Read the summary of job ', code('resources'), ' and repair what it names. Then ', ...rerun(outcome), ': what is copied is not copied again. The source was not touched.']],
  create: (outcome) => [['Read the summary of job ', code('create'), ': it names the reason that AWS gives. Then ', ...rerun(outcome), ': an environment that is being made is waited for, not made twice. The source was not touched.']],
  rehearse: (outcome) => [['Nothing was paused. Read the summary of job ', code('rehearse'), ', repair what it names, and ', ...rerun(outcome), '.']],
  ask: (outcome) => [['Read the summary of job ', code('ask'), ': it names what blocks, or what the gate lacks. Repair it and ', ...rerun(outcome), '. ', docsLink('docs/how-to/approve-a-migration.md'), ' shows how the gate is protected.']],
  gate: (outcome) => outcome.waiting
    ? [['The gate was not passed: the review on the page of the run, or the summary of job ', code('gate'), ', says why. Nothing was paused.'], ['After a rejection: repair what the reviewer names and start the workflow again with input ', code('from'), ': ', code('rehearse'), '. Where the gate itself refused, repair what its summary names and ', ...rerun(outcome), '.']]
    : [['The gate was not passed: the review on the page of the run, or the summary of job ', code('gate'), ', says why. To ask again, ', ...askAgain('ask'), '.']],
  watch: unwatched, 'cutover-watch': unwatched,
  'pause-first': goOn, export: goOn, import: goOn,
  'cutover-gate': () => [['The second gate was not passed: the review on the page of the run, or the summary of job ', code('cutover-gate'), ', says why. To ask again, ', ...askAgain('cutover-gate'), '.']],
  verify: (outcome) => [['The summary of job ', code('verify'), ' names every table that differs and what to do. To go on after the repair, ', ...rerun(outcome), '.']],
  cutover: (outcome) => [['The summary of job ', code('cutover'), ' names the canary or the DAGs that were left, with the reason. Repair it and ', ...rerun(outcome), ': only what is left is tried. Or go back with the workflow ', code('rollback.yml'), '.']],
};

function unwatched(outcome: Outcome): readonly Text[] {
  return [['Nobody watches how long the gate takes. Read the summary of job ', code(firstBroken(outcome.jobs)?.id ?? ''), ' and ', ...rerun(outcome), '.']];
}

function goOn(outcome: Outcome): readonly Text[] {
  const broken = firstBroken(outcome.jobs);
  return [['To go on, read the summary of job ', code(broken?.id ?? ''), ', repair what it names, and ', ...rerun(outcome), ': it goes on where it stopped, with the same approval.']];
}

function afterGreen(outcome: Outcome): readonly Text[] {
  const { waiting, stand, jobs } = outcome;
  const isAsked = jobs.jobs.some(({ id, result }) => id === 'ask' && result === 'success');
  if (waiting && isAsked && jobs.planned !== undefined && !jobs.planned.includes('gate'))
    return [
      ['A person named under ', code('approvers'), ' in the migration file, who did not start this export, reads the summary of job ', code('ask'), ' and, to approve, starts the workflow on the default branch with:'],
      [code('from'), ': ', code('gate'), ', ', code('attempt'), ': ', code(String(waiting.attempt)), ', ', code('approved-plan'), ': ', code(waiting.planDigest ?? '(output plan-digest of job ask)'), ', ', code('approved-manifest'), ': ', code(waiting.scope)],
    ];
  if (!outcome.isJournalKnown) return [['All jobs of this run ended well, but where the migration stands could not be read; run phase ', code('status'), ' with a role that may read the migration bucket.']];
  if (!stand) return [['Nothing has been changed yet. To begin, start the workflow without ', code('only'), '.']];
  if (stand.job === undefined) return stand.stand === 'cut over' ? DONE : stand.next;
  if (stand.care === true && stand.job === 'rollback') return [['Start the workflow ', code('rollback.yml'), ': only a rollback goes on from here (', docsLink('docs/how-to/roll-back.md'), ').']];
  const goOnFrom: Text = ['To go on, start the workflow with input ', code('from'), ': ', code(stand.job), '.'];
  // Back as before: what care means then is runs that a person has to look at.
  if (outcome.isRestored) return [...(stand.care === true ? stand.next.slice(0, 1) : ['Nothing has to be done: the source is active as before.']), goOnFrom];
  return [goOnFrom, ...(stand.care === true ? [['To go back, start the workflow ', code('rollback.yml'), '.'] satisfies Text] : [])];
}

const DONE: readonly Text[] = [
  ['Watch the first runs on the target. Until you are sure, keep the source as it is, paused: the workflow ', code('rollback.yml'), ' can go back (', docsLink('docs/how-to/roll-back.md'), ').'],
  'Then turn to what still names the source: deployments, alarms, callers of its API. The plan lists what was found.',
  'At last delete the source environment. The migration bucket keeps the exported history, without variables, until you delete it.',
];

/** "re-run the failed jobs of this run" with the address, where there is one. */
const rerun = ({ run }: Outcome): readonly Part[] => ['choose Re-run failed jobs on ', pageOf(run)];
/** A re-run would leave out the watch beside the gate, which ended well, so that nobody would end the wait. */
const askAgain = (from: 'ask' | 'cutover-gate'): readonly Part[] => ['start the workflow again with input ', code('from'), ': ', code(from), '. Re-run failed jobs would ask too, but nothing would put the source back if nobody answers'];
const pageOf = (run: string | undefined): Part => (run === undefined ? 'the page of the run' : link('the page of this run', run));
const capital = (parts: readonly Part[]): readonly Part[] => parts.map((part, at) => (at === 0 && typeof part === 'string' ? part.charAt(0).toUpperCase() + part.slice(1) : part));
