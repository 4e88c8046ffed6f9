/** A timeline as a list with a bar to each line: read aloud it is whole without the bars, and it fits a phone. No script. Pure. */
import type { Block, Span } from './document.js';
import { lasting } from './timeline.js';

type Timeline = Extract<Block, { kind: 'timeline' }>;

/** Width of the drawing, in its own units; a bar of less than LEAST is not seen. */
const WIDE = 1000, LEAST = 6;
const LOOKS = { done: 'done', open: 'has not ended', pause: 'source paused', bad: 'look at it' } as const satisfies Record<Span['look'], string>;

/** @param escape makes text inert */
export function timelineHtml({ title, groups }: Timeline, escape: (text: string) => string): string {
  const times = groups.flatMap(({ spans }) => spans.flatMap(({ from, to }) => [Date.parse(from), ...(to === undefined ? [] : [Date.parse(to)])]));
  const first = Math.min(...times), whole = Math.max(1, Math.max(...times) - first);
  const place = (at: string): number => Math.round(((Date.parse(at) - first) / whole) * WIDE);
  const bar = ({ from, to, look }: Span): string => {
    const begin = Math.min(place(from), WIDE - LEAST), width = Math.max(LEAST, (to === undefined ? begin : place(to)) - begin);
    return `<svg class="bar" viewBox="0 0 ${WIDE} 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="${WIDE}" height="10"/><rect class="${look}" x="${begin}" width="${width}" height="10"/></svg>`;
  };
  const line = (span: Span): string => `<li><span class="what">${escape(span.label)}</span> <span class="when">${escape(whenOf(span))}</span>${bar(span)}</li>`;
  return `<p>${escape(title)}. ${legend(groups.flatMap(({ spans }) => spans))}</p>\n${groups.map((group) => `<h3>${escape(group.title)}</h3>\n<ul class="timeline">${group.spans.map(line).join('')}</ul>`).join('\n')}`;
}

const legend = (spans: readonly Span[]): string => [...new Set(spans.map(({ look }) => look))].map((look) => `<span class="key"><span class="dot ${look}"></span>${LOOKS[look]}</span>`).join(' ');

function whenOf({ from, to }: Span): string {
  const day = from.slice(0, 10), time = (at: string) => at.slice(11, 19);
  if (to === undefined) return `${day} ${time(from)}`;
  return `${day} ${time(from)} – ${to.slice(0, 10) === day ? '' : `${to.slice(0, 10)} `}${time(to)}, ${lasting(from, to)}`;
}
