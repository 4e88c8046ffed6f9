import { expect, it } from '@jest/globals';
import type { Section } from '../../../src/report/document.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { missedOnSource, missedOnTarget } from '../../../src/report/missed-section.js';
import { rollbackReport } from '../../../src/report/rollback-report.js';

const said = (sections: readonly Section[]) => renderMarkdown({ verdict: 'v', isGood: true, sections, next: [] }).replace(/<\/?code>/gu, '').replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point)));
const late = { dagId: 'late', count: 4, first: '2026-11-22T20:48:00Z', last: '2026-11-22T20:54:00Z' };

it('lists after a rollback what neither side ran', () => {
  const markdown = said(missedOnSource({ missed: [late, { ...late, dagId: 'long', count: 10080, isMore: true }] }));
  expect(markdown).toContain('### Intervals that neither side ran (more than 10,084)');
  expect(markdown).toContain('| late | 4 | 2026-11-22T20:48:00Z | 2026-11-22T20:54:00Z |');
  expect(markdown).toContain('| long | more than 10,080 |');
  expect(markdown).toMatch(/runs only the newest\. Trigger on the source/u);
});

it('says of which DAGs it is not known', () => {
  expect(said(missedOnSource({ missed: [], missedUnknown: ['odd'] }))).toMatch(/### DAGs whose missed intervals are not known \(1\)[\s\S]*below 2\.2[\s\S]*- odd/u);
});

it('has nothing to say where nothing was missed, and after a restore by an earlier release', () => {
  expect([missedOnSource({ missed: [], missedUnknown: [] }), missedOnSource({}), missedOnTarget([])]).toEqual([[], [], []]);
});

it('says after a cutover whether they were queued', () => {
  expect(said(missedOnTarget([{ ...late, started: false }]))).toMatch(/ended while both sides were paused \(4\)[\s\S]*set cutover\.missed-intervals to run[\s\S]*\| not run \|/u);
  expect(said(missedOnTarget([{ ...late, started: true }]))).toMatch(/were queued, the oldest first[\s\S]*\| queued \|/u);
});

it('shows 300 of 5,000 DAGs and says how many more there are', () => {
  const many = Array.from({ length: 5_000 }, (_, at) => ({ ...late, dagId: `late${at}` }));
  expect(said(missedOnSource({ missed: many, missedUnknown: many.map(({ dagId }) => dagId) })).match(/and 4,700 more/gu)).toHaveLength(2);
});

it('stands in the summary of a rollback', () => {
  const restored = { activated: 1, missing: [], putBack: 0, standIns: [], leftFailed: [], missed: [late], missedUnknown: [] };
  const facts = { source: 'analytics', target: 'analytics-v2', attempt: 1, restoredAt: undefined, wanted: ['late'], now: ['late'], restored, side: { kind: 'asleep' }, isImported: true, paused: undefined, tidied: { sourceDag: false, targetDag: false, grants: false, keyGrants: 0, secrets: 0, keyPair: false, unreachable: undefined }, ran: undefined, problems: [] } as const;
  expect(renderMarkdown(rollbackReport(facts))).toContain('### Intervals that neither side ran (4)');
});
