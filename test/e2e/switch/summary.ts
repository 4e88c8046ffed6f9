/** What a run of the action tells a person, read as that person reads it. */
import type { Run } from '../support/runner.js';

/** Log and summary, names as they are: the summary writes what could be markup as entities. */
export const readable = ({ log, summary }: Pick<Run, 'log' | 'summary'>): string => `${log}\n${decoded(summary)}`;

/**
 * Logical dates of the intervals of one DAG that cutover says were missed while both sides were paused, as runsOf() writes them.
 * @param minutes between two intervals: the summary names the first, the last and how many there are
 */
export function missedIn({ summary }: Pick<Run, 'summary'>, dagId: string, minutes: number): readonly string[] {
  const row = new RegExp(`<code>${dagId}</code> \\| (\\d+) \\| <code>([^<]+)</code> \\| <code>([^<]+)</code> \\| (?:queued|not run) \\|`, 'u').exec(decoded(summary));
  if (!row) return [];
  const [, count = '', first = '', last = ''] = row;
  const dates = Array.from({ length: Number(count) }, (_, at) => new Date(Date.parse(first) + at * minutes * 60_000).toISOString().replace('.000Z', '.000000Z'));
  if (Date.parse(dates.at(-1) ?? '') !== Date.parse(last)) throw new Error(`The summary names ${count} missed intervals of ${dagId} from ${first} to ${last}, which does not fit its ${minutes} minutes.`);
  return dates;
}

/** Dataset events that cutover queued for consumers which were paused when they came. */
export const owedIn = ({ summary }: Pick<Run, 'summary'>): number => Number(/Dataset events queued for their consumers \| (\d+) \|/u.exec(decoded(summary))?.[1] ?? NaN);

const decoded = (summary: string): string => summary.replace(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)));
