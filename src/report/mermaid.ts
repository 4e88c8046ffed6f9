/** A timeline as a Gantt chart in Mermaid, which GitHub draws in job summaries. Pure. https://mermaid.js.org/syntax/gantt.html */
import type { Block, Span } from './document.js';

type Timeline = Extract<Block, { kind: 'timeline' }>;

/** A bar narrower than this part of the chart is not seen; the texts beside it tell its true length. */
const LEAST_WIDTH = 1 / 200;
const HOUR = 3_600_000, DAY = 24 * HOUR;
const TAGS = { done: 'done, ', open: 'active, ', pause: 'crit, ', bad: 'crit, ' } as const satisfies Record<Span['look'], string>;

/**
 * Times are written without a zone and shown as they are written, so that every reader sees UTC, whatever the browser's own zone is.
 * @returns the text between the fences
 */
export function ganttOf({ title, groups }: Timeline): string {
  const times = groups.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [Date.parse(from), ...(to === undefined ? [] : [Date.parse(to)])]));
  const whole = times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
  const task = ({ label, from, to, look }: Span): string => {
    const begin = Date.parse(from), end = Math.max(to === undefined ? begin : Date.parse(to), begin + Math.max(1000, whole * LEAST_WIDTH));
    return to === undefined ? `    ${words(label)} :milestone, ${TAGS[look]}${wall(begin)}, 1s` : `    ${words(label)} :${TAGS[look]}${wall(begin)}, ${wall(end)}`;
  };
  return [
    'gantt', `    title ${words(title)}`, '    dateFormat YYYY-MM-DD HH:mm:ss', `    axisFormat ${whole > 2 * DAY ? '%d %b' : whole > 12 * HOUR ? '%d %b %H:%M' : whole > 5 * 60_000 ? '%H:%M' : '%H:%M:%S'}`,
    ...groups.flatMap((group) => [`    section ${words(group.title)}`, ...group.spans.map(task)]),
  ].join('\n');
}

/** 2026-11-22T11:00:00.123Z → 2026-11-22 11:00:00 */
const wall = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ');

/** A colon, semicolon, number sign or line end would end the name of a task. They are our own texts; a mistake of ours must not break the chart. */
const words = (text: string): string => text.replace(/[^A-Za-z0-9 ,.()/'-]/gu, ' ').trim() || 'unnamed';
