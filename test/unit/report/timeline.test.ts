import { describe, expect, it } from '@jest/globals';
import type { Journal } from '../../../src/journal/journal.js';
import { renderHtml } from '../../../src/report/html.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { lasting, pausesOf, timelineSections } from '../../../src/report/timeline.js';
import { toldJournal } from '../../builders/told-migration.js';

const NOW = '2026-11-22T14:00:00Z';
const report = (journal: Journal) => ({ verdict: 'v', isGood: true, next: [], sections: timelineSections(journal, NOW) });
/** The lines between the fences, without indent. */
const gantt = (journal: Journal): readonly string[] => (/```mermaid\n([\s\S]*?)\n```/u.exec(renderMarkdown(report(journal)))?.[1] ?? '').split('\n').map((line) => line.trim());
const withStep = (journal: Journal, name: string, at: string): Journal => ({ ...journal, attempts: journal.attempts.map((one) => (one.number === 2 ? { ...one, steps: [...one.steps, { name, at, by: 'x' }] } : one)) });

describe('the timeline of a migration', () => {
  it('draws what took a while as a bar, and what happened as a moment, in UTC as it is written', () => {
    const lines = gantt(toldJournal());
    for (const line of [
      'dateFormat YYYY-MM-DD HH:mm:ss', 'axisFormat %H:%M', 'section Before', 'Target ready :milestone, done, 2026-11-22 12:02:40, 1s', 'section Attempt 1, rehearsal', 'Rehearsal :done, 2026-11-22 12:04:00, 2026-11-22 12:06:12',
      'Approved :milestone, done, 2026-11-22 12:58:03, 1s', 'Drain :done, 2026-11-22 13:02:32, 2026-11-22 13:09:14', 'Export :done, 2026-11-22 13:09:14, 2026-11-22 13:10:21', 'Import :done, 2026-11-22 13:12:02, 2026-11-22 13:13:20',
      'Cutover :done, 2026-11-22 13:17:02, 2026-11-22 13:21:47', 'Paused until the cutover :crit, 2026-11-22 13:02:32, 2026-11-22 13:21:47',
    ]) expect(lines).toContain(line);
  });

  it('draws what has not ended up to now', () => {
    const lines = gantt(toldJournal(['activated', 'activation-begun', 'verified', 'secrets-removed', 'imported']));
    expect(lines).toContain('Import, not ended :active, 2026-11-22 13:12:02, 2026-11-22 14:00:00');
    expect(lines).toContain('Paused, and still is :crit, 2026-11-22 13:02:32, 2026-11-22 14:00:00');
  });

  it('holds nothing that could break the chart or the page, whatever the journal holds', () => {
    const bad = '```\n<script>alert(1)</script>\nsection x: y;#';
    const journal = toldJournal();
    const hostile: Journal = { ...journal, migrationId: bad, finished: [{ phase: bad, at: bad, by: bad }], attempts: journal.attempts.map((one) => ({ ...one, startedAt: bad, steps: [...one.steps.map((step) => ({ ...step, by: bad })), { name: bad, at: bad, by: bad }, { name: 'approved', at: bad, by: bad }, { name: 'import-begun', at: `2026-11-22T13:00:00Z${bad}`, by: bad }] })) };
    const markdown = renderMarkdown(report(hostile)), html = renderHtml(report(hostile), 't');
    expect(markdown.match(/```/gu)).toHaveLength(2);
    for (const line of gantt(hostile).slice(4)) expect(line).toMatch(/^(?:section [A-Za-z0-9 ,]+|[A-Za-z ,]+ :(?:(?:milestone|done|active|crit), )+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, (?:1s|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d))$/u);
    expect(`${markdown}${html}`).not.toMatch(/<script|alert/u);
  });

  it('draws nothing at a time that is not written as the journal writes it, though JavaScript could read it', () => {
    const journal = toldJournal(['import-begun', 'imported']);
    expect(gantt(withStep(journal, 'import-begun', '2026-11-22 (alert)')).join('\n')).not.toMatch(/Import/u);
    expect(gantt(withStep(journal, 'import-begun', '2026-11-22T13:12:02.5Z')).join('\n')).toMatch(/Import, not ended :active, 2026-11-22 13:12:02,/u);
  });

  it('is no section where nothing has happened', () => expect(timelineSections({ ...toldJournal(), finished: [], attempts: [] }, NOW)).toEqual([]));

  it('shows the newest of very many attempts', () => {
    const journal = toldJournal();
    const many: Journal = { ...journal, attempts: Array.from({ length: 300 }, (_, at) => ({ ...journal.attempts[0], number: at + 1 }) as Journal['attempts'][number]) };
    expect(gantt(many).filter((line) => line.startsWith('section'))).toEqual(['section Attempt 295, rehearsal', 'section Attempt 296, rehearsal', 'section Attempt 297, rehearsal', 'section Attempt 298, rehearsal', 'section Attempt 299, rehearsal', 'section Attempt 300, rehearsal']);
  });

  it('is a list with times on the page, whole without its bars', () => {
    const html = renderHtml(report(toldJournal()), 't');
    expect(html).toContain('<span class="what">Drain</span> <span class="when">2026-11-22 13:02:32 – 13:09:14, 6 min 42 s</span><svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"');
    const places = [...html.matchAll(/<rect class="(?:done|pause|open|bad)" x="(\d+)" width="(\d+)"/gu)].map(([, x, width]) => Number(x) + Number(width));
    expect(places.length).toBeGreaterThan(8);
    for (const end of places) expect(end).toBeLessThanOrEqual(1000);
  });
});

describe('how long the source stood still', () => {
  it('is from the drain to the cutover, or to the way back, or to now', () => {
    expect(pausesOf(toldJournal())).toEqual([{ since: '2026-11-22T13:02:32Z', until: '2026-11-22T13:21:47Z', endedBy: 'cutover' }]);
    const stopped = toldJournal(['activated', 'activation-begun']);
    expect(pausesOf(stopped)).toEqual([{ since: '2026-11-22T13:02:32Z', until: undefined, endedBy: undefined }]);
    expect(pausesOf(withStep(stopped, 'restored', '2026-11-22T13:40:00Z'))).toEqual([{ since: '2026-11-22T13:02:32Z', until: '2026-11-22T13:40:00Z', endedBy: 'rollback' }]);
    expect(pausesOf(withStep(toldJournal(), 'restored', '2026-11-22T18:00:00Z'))).toEqual([{ since: '2026-11-22T13:02:32Z', until: '2026-11-22T13:21:47Z', endedBy: 'cutover' }]);
  });

  it('is one pause over several final exports', () => {
    const journal = toldJournal(['activated', 'activation-begun']);
    const again: Journal = { ...journal, attempts: [...journal.attempts, { number: 3, mode: 'final', startedAt: '2026-11-22T15:00:00Z', steps: [{ name: 'drain-begun', at: '2026-11-22T15:00:10Z', by: 'x' }, { name: 'activated', at: '2026-11-22T15:30:00Z', by: 'x' }] }] };
    expect(pausesOf(again)).toEqual([{ since: '2026-11-22T13:02:32Z', until: '2026-11-22T15:30:00Z', endedBy: 'cutover' }]);
  });

  it.each([['2026-11-22T13:00:00Z', '0 s'], ['2026-11-22T13:00:59Z', '59 s'], ['2026-11-22T13:04:00Z', '4 min'], ['2026-11-22T14:12:30Z', '1 h 12 min'], ['2026-11-25T16:00:00Z', '3 d 3 h'], ['2026-11-22T12:00:00Z', '0 s']])('until %s: %s', (to, said) => expect(lasting('2026-11-22T13:00:00Z', to)).toBe(said));
});
