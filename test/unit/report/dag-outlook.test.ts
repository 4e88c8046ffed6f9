import { expect, it } from '@jest/globals';
import { dagSection, type DagLine } from '../../../src/report/dag-outlook.js';
import { renderMarkdown } from '../../../src/report/markdown.js';

const NOW = '2026-11-24T12:00:00Z';
const daily = { nextDagrun: '2026-11-20T00:00:00Z', nextDagrunDataIntervalStart: '2026-11-20T00:00:00Z', nextDagrunDataIntervalEnd: '2026-11-21T00:00:00Z', nextDagrunCreateAfter: '2026-11-21T00:00:00Z', catchup: false } as const;
const none = { nextDagrun: null, nextDagrunDataIntervalStart: null, nextDagrunDataIntervalEnd: null, nextDagrunCreateAfter: null, catchup: true } as const;
/** max_active_runs is reached. */
const full = { ...daily, nextDagrunCreateAfter: null } as const;
const line = (given: Partial<DagLine>): DagLine => ({ dagId: 'x', isActive: true, inFlight: [], next: daily, ...given });
const rendered = (lines: readonly DagLine[]) => renderMarkdown({ verdict: 'v', isGood: true, sections: [dagSection('DAGs', lines, 'Now', NOW)], next: [] }).replace(/<\/?code>/gu, '').replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point)));
const cells = (given: Partial<DagLine>) => rendered([line(given)]).split('\n').find((row) => row.startsWith('| x'))?.split(' | ').slice(1).join(' | ');

it.each([
  { given: {}, says: 'active | none | 2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | runs the newest interval that is over | about 3, from 2026-11-20T00:00:00Z |', because: 'no catchup' },
  { given: { next: { ...daily, catchup: true } }, says: 'active | none | 2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | runs what is due, in order | none |', because: 'catchup' },
  { given: { next: { ...daily, catchup: undefined }, inFlight: 2 }, says: 'active | 2 | 2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | runs what is due | unknown |', because: 'the REST list does not tell catchup' },
  { given: { next: none }, says: 'active | none | none | none | nothing by schedule: it was done, or is started by hand or by datasets | none |', because: '@once, manual or by datasets' },
  { given: { next: { ...none }, inFlight: 1 }, says: 'active | 1 | none | none | the next by schedule, if any, follows when its run in flight ends | none |', because: 'nothing on record, for no more runs were allowed when it was parsed' },
  { given: { next: full, inFlight: 1 }, says: 'active | 1 | 2026-11-20T00:00:00Z | none | the next by schedule, if any, follows when its run in flight ends | unknown |', because: 'as many runs as allowed are active, by REST' },
  { given: { next: full, inFlight: undefined }, says: 'active | unknown | 2026-11-20T00:00:00Z | none | the next by schedule, if any, follows when its run in flight ends | unknown |', because: 'the record says so where the runs cannot be had' },
  { given: { next: { ...full, catchup: true }, inFlight: [{ fate: 'resume' }] }, says: 'active | 1: 1 goes on | 2026-11-20T00:00:00Z | none | its runs in flight go on, and the next by schedule, if any, follows when one of them ends | none |', because: 'as many runs as allowed are active, in an export' },
  { given: { next: full, inFlight: [{ fate: 'left' }] }, says: 'active | 1: 1 stays failed | 2026-11-20T00:00:00Z | none | its run in flight stays failed, and what is due by schedule then follows | unknown |', because: 'the target has no run to wait for' },
  { given: { next: full, inFlight: [] }, says: 'active | none | 2026-11-20T00:00:00Z | none | the next by schedule, if any, follows the run that was active when this was recorded | unknown |', because: 'the run ended meanwhile' },
  { given: { isActive: false, inFlight: undefined }, says: 'paused | unknown | 2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | stays paused | none |', because: 'cutover does not touch it' },
  { given: { inFlight: [{ fate: 'resume' }, { fate: 'resume' }, { fate: 'left' }] as const }, says: 'active | 3: 2 go on; 1 stays failed | 2026-11-20T00:00:00Z | 2026-11-21T00:00:00Z | its runs in flight go on, then runs the newest interval that is over | about 3, from 2026-11-20T00:00:00Z |', because: 'runs in flight come first' },
] satisfies readonly Readonly<{ given: Partial<DagLine>; says: string; because: string }>[])('$because: $says', ({ given, says }) => expect(cells(given)).toBe(says));

it('shows 500 of 5,000 DAGs and says how many more there are', () => {
  const text = rendered(Array.from({ length: 5_000 }, (_, at) => line({ dagId: `x${at}` })));
  expect(text.split('\n').filter((row) => row.startsWith('| x'))).toHaveLength(500);
  expect(text).toContain('and 4,500 DAGs more');
});

it('names the column after the moment that it tells of', () => {
  const head = (seenAt: 'Now' | 'Before the drain') => renderMarkdown({ verdict: 'v', isGood: true, sections: [dagSection('DAGs', [line({})], seenAt, NOW)], next: [] });
  expect(head('Now')).toContain('| DAG | Now | In flight |');
  expect(head('Before the drain')).toContain('| DAG | Before the drain | In flight |');
});
