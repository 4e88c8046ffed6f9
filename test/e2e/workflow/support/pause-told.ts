/** For how long a summary says that the source was paused, held against the journal. */
import { type JournalAttempt, stepOf } from './journal.js';

export type PauseTold = Readonly<{ from: string | undefined; to: string | undefined; /** How far its length is from what its two times say. */ secondsOff: number }>;

/** @param summary of a job that went back: rollback, watch, cutover-watch */
export function pauseTold(summary: string | undefined): PauseTold {
  // Markdown has the colons as entities.
  const [, length = '', from, to] = /Time for which the source was paused \| (.+?), from <code>(.+?)<\/code> to <code>(.+?)<\/code>/u.exec(summary?.replaceAll('&#58;', ':') ?? '') ?? [];
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+) min)? ?(?:(\d+) s)?$/u.exec(length) ?? ['', 'no', 'time'];
  return { from, to, secondsOff: Math.abs(Number(minutes) * 60 + Number(seconds) - (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000) };
}

/** What pauseTold must find for an attempt that was put back. */
export const pauseOf = (attempt: JournalAttempt | undefined): Pick<PauseTold, 'from' | 'to'> => ({ from: stepOf(attempt, 'drain-begun')?.at, to: stepOf(attempt, 'restored')?.at });
