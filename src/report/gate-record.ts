/** Report of phase gate, mode record: who approved what, and what that allows. */
import type { FreshReviews } from '../gate/reviews.js';
import type { AttemptMode } from '../journal/journal.js';
import { code, list, table, text, type Part, type Report } from './document.js';

export type RecordFacts = Readonly<{
  data: Readonly<{ by: readonly string[]; how: 'environment' | 'dispatch' | 'unprotected'; environment: string | undefined; planDigest: string; scope: string }>;
  /** False: it was in the journal before this run. */
  isNew: boolean;
  fresh: FreshReviews | undefined;
  warnings: readonly string[];
  attempt: number;
  mode: AttemptMode;
  /** The second gate: what is approved is the cutover of what was imported. */
  isCutover: boolean;
  source: string;
  /** Logins of who started this workflow run. */
  startedBy: readonly string[];
}>;

/** Characters of a comment; the rest stands in the workflow run. */
const MAX_COMMENT = 500;

export function recordReport({ data, isNew, fresh, warnings, attempt, mode, isCutover, source, startedBy }: RecordFacts): Report {
  const self = data.how === 'environment' ? data.by.filter((login) => startedBy.some((one) => one.toLowerCase() === login.toLowerCase())) : [];
  const care = [...warnings, ...(self.length > 0 ? [`${self.join(', ')} also started this workflow run.`] : [])];
  return {
    verdict: data.how === 'unprotected' ? [`Attempt ${attempt} goes on, and nobody was asked`] : [`${isCutover ? 'The cutover of attempt' : 'Attempt'} ${attempt} ${isNew ? 'is' : 'was'} approved by `, ...names(data.by)],
    isGood: true, needsCare: care.length > 0,
    sections: [
      {
        title: 'What was approved', importance: 1, blocks: [table(['What', 'Value'], [
          ['Approved by', names(data.by)], ['How', howInWords(data)],
          ['Attempt', `${attempt}, a ${mode === 'final' ? 'final export' : 'rehearsal'}`], ['Plan digest', code(data.planDigest)], ['Manifest digest', code(data.scope)],
        ])],
      },
      ...(care.length > 0 ? [{ title: 'Take note', importance: 1 as const, blocks: [list(care)] }] : []),
      ...(fresh && fresh.comments.length > 0 ? [{ title: 'What they wrote', importance: 2 as const, blocks: [list(fresh.comments.map(({ by, comment }) => [code(by), ': ', code(comment.length > MAX_COMMENT ? `${comment.slice(0, MAX_COMMENT)}…` : comment)]))] }] : []),
      ...(fresh && fresh.rejectedBy.length > 0 ? [{ title: 'Rejected before, in an earlier attempt of this workflow run', importance: 2 as const, blocks: [text(...names(fresh.rejectedBy))] }] : []),
    ],
    next: [isCutover
      ? ['The cutover of attempt ', String(attempt), ' follows: the target takes over the schedule, ', code(source), ' stays paused.']
      : mode === 'final'
      ? ['The import of attempt ', String(attempt), ' follows; ', code(source), ' stays paused.']
      : ['The final export follows: it pauses ', code(source), '. It may differ from attempt ', String(attempt), ' by rows only; a further rehearsal or final export makes this approval void.']],
  };
}

function howInWords({ how, environment }: RecordFacts['data']): Part | readonly Part[] {
  if (how === 'dispatch') return 'by starting the workflow again (gate: dispatch)';
  return how === 'environment' ? ['a review of GitHub environment ', code(environment ?? '')] : ['allow-unprotected-gate: environment ', code(environment ?? ''), ' has no required reviewers'];
}

const names = (logins: readonly string[]): readonly Part[] => logins.flatMap((login, at) => [...(at > 0 ? [', '] : []), code(login)]);
