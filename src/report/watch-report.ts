/** How the watch beside a gate ended, where it did not have to roll back. */
import { code, text, type Report, type Text } from './document.js';
import { lasting } from './timeline.js';

/** 'left': the gate does not wait any more, and the reviews do not say why (an administrator let it through, or the run was cancelled). */
export type WatchEnd = 'approved' | 'rejected' | 'left' | 'rolled-back';
/** `pausedSince`, `now`: ISO 8601; undefined: the source was not paused. */
export type WatchFacts = Readonly<{ source: string; attempt: number; environment: string; end: WatchEnd; pausedSince: string | undefined; now: string }>;

export function watchReport({ source, attempt, environment, end, pausedSince, now }: WatchFacts): Report {
  const paused = pausedSince === undefined || end === 'rolled-back' ? undefined : lasting(pausedSince, now);
  return {
    verdict: ['The gate of attempt ', String(attempt), ...VERDICTS[end], ...(paused === undefined ? [] : [`; `, code(source), ` has been paused for ${paused}`])],
    isGood: true, needsCare: end === 'rejected' || end === 'left',
    sections: [{ title: 'What was watched', importance: 1, blocks: [
      text('GitHub environment ', code(environment), '. ', WORDS[end]),
      ...(pausedSince === undefined || paused === undefined ? [] : [text(code(source), ' is paused since ', code(pausedSince), '.')]),
    ] }],
    next: NEXT[end],
  };
}

const VERDICTS: Readonly<Record<WatchEnd, readonly string[]>> = {
  approved: [' was answered in time: it is approved'], rejected: [' was answered in time: it is rejected'], left: [' does not wait any more'], 'rolled-back': [' has nothing to wait for: it was rolled back'],
};
const WORDS: Readonly<Record<WatchEnd, string>> = {
  approved: 'Nothing is left to watch.',
  rejected: 'The source stays paused until it is rolled back.',
  left: 'The reviews of this run do not say why: an administrator let the job through, or the run was cancelled. Job gate decides what becomes of it.',
  'rolled-back': 'The source was put back, so an approval that comes now does nothing.',
};
const NEXT: Readonly<Record<WatchEnd, readonly Text[]>> = {
  approved: ['Nothing: the next jobs go on by themselves.'],
  rejected: ['Nothing, with on-failure: rollback, for the source is put back by job rollback. Else run phase rollback.'],
  left: ['Look at job gate. If it failed and the source stays paused, run phase rollback.'],
  'rolled-back': ['When you want another try, start the workflow again from its export.'],
};
