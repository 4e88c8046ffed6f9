/**
 * The page as a browser reads it, by a parser that is not ours. What a parser cannot see (that nothing overlaps, axe-core's rules) is looked at
 * in Chromium by scripts/page-screenshots, by hand, because a fresh machine has no browser.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { examplePage } from '../../../scripts/page-screenshots/example.js';
import { ensureTools } from '../../../scripts/python.mjs';
import { pageOf } from '../../../src/page/page.js';
import { finishReport } from '../../../src/report/finish-report.js';
import { text } from '../../../src/report/document.js';
import { readJobs } from '../../../src/report/job-results.js';
import { storySections } from '../../../src/report/story-sections.js';
import { aManifestTable, HIDDEN_VALUE } from '../../builders/values.js';
import { toldJournal, toldManifest, toldNeeds, toldStory } from '../../builders/told-migration.js';

type Element = Readonly<{ name: string; attributes: Readonly<Record<string, string>>; text: string }>;
type Page = Readonly<{ errors: readonly string[]; elements: readonly Element[] }>;

const HERE = path.dirname(fileURLToPath(import.meta.url));
const HOSTILE = '</code></td></table><script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:x">y</a> \u202E"\'`&lt;';

function read(html: string): Page {
  const { status, stdout, stderr } = spawnSync(path.join(ensureTools(), 'python'), [path.join(HERE, 'read_page.py')], { input: html, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Page;
}

/** Everything that Airflow, AWS, GitHub or the bucket could put there. */
function hostilePage(): string {
  const journal = toldJournal();
  const story = toldStory({
    journal: {
      ...journal, migrationId: HOSTILE, source: { ...journal.source, environment: HOSTILE },
      finished: [{ phase: HOSTILE, at: HOSTILE, by: HOSTILE }],
      attempts: journal.attempts.map((one) => ({ ...one, steps: one.steps.map((step) => ({ ...step, by: HOSTILE, ...(step.name === 'approved' ? { data: { by: [HOSTILE], how: HOSTILE, planDigest: HOSTILE, scope: HOSTILE } } : {}), ...(step.name === 'activated' ? { data: { left: [{ dagId: HOSTILE, reason: HOSTILE }] } } : {}) })) })),
    },
    manifest: toldManifest({ tables: [aManifestTable('dag_run', { leftOut: { [HOSTILE]: 3 } }), aManifestTable(HOSTILE)] }),
    missing: [HOSTILE],
    verified: { attempt: 2, at: HOSTILE, problems: [HOSTILE], tables: new Map() },
  });
  const status = { id: HOSTILE, journal: story.journal, location: HOSTILE, lock: { owner: HOSTILE, since: HOSTILE, expiresAt: HOSTILE, token: HOSTILE }, now: '2026-11-22T14:00:00Z', active: { source: HOSTILE, target: HOSTILE }, more: storySections(story) };
  return pageOf(HOSTILE, finishReport({ id: HOSTILE, source: HOSTILE, jobs: readJobs(toldNeeds({ gate: 'failure' })), unknown: undefined, run: `https://example.org/"><script>`, now: '2026-11-22T14:00:00Z', status }), '2026-11-22T14:00:00Z');
}

/** Attributes that make a browser ask for something by itself. */
const ASKING = ['src', 'srcset', 'poster', 'data', 'background', 'action', 'formaction', 'ping', 'xlink:href', 'style'];
const NAMES = ['html', 'head', 'meta', 'title', 'style', 'body', 'main', 'section', 'p', 'h1', 'h2', 'h3', 'ul', 'ol', 'li', 'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'code', 'span', 'svg', 'rect', 'details', 'summary', 'a'];

describe.each([['an example', examplePage], ['hostile names', hostilePage]] as const)('the page with %s', (_, make) => {
  let page: Page;
  let html: string;
  beforeAll(() => {
    html = make();
    page = read(html);
  });

  it('is proper HTML of known elements only', () => {
    expect(page.errors).toEqual([]);
    expect([...new Set(page.elements.map(({ name }) => name.replace(/^\{.*\}/u, '')))].filter((name) => !NAMES.includes(name))).toEqual([]);
  });

  it('asks for nothing and runs nothing', () => {
    for (const { attributes } of page.elements) {
      expect(Object.keys(attributes).filter((name) => ASKING.includes(name) || name.startsWith('on'))).toEqual([]);
      if (attributes['href'] !== undefined) expect(attributes['href']).toMatch(/^https:\/\/github\.com\/[\w./-]+$/u);
    }
    expect(page.elements.find(({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy')?.attributes['content']).toBe("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'");
    expect(html).not.toMatch(/url\(|@import|<link|\u202E/u);
  });

  it('has a language, a title, one main, headings in order, and tables with heads that a keyboard reaches', () => {
    const named = (name: string) => page.elements.filter((one) => one.name === name);
    expect(named('html')[0]?.attributes['lang']).toBe('en');
    expect(named('title')[0]?.text).toMatch(/^Migration .+ to Amazon MWAA$/u);
    expect(named('main')).toHaveLength(1);
    const levels = page.elements.flatMap(({ name }) => (/^h[1-6]$/u.test(name) ? Number(name[1]) : []));
    expect(levels[0]).toBe(1);
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    levels.forEach((level, at) => { if (at > 0) expect(level).toBeLessThanOrEqual((levels[at - 1] ?? 0) + 1); });
    expect(page.elements.filter(({ attributes }) => attributes['class'] === 'scroll').every(({ attributes }) => attributes['tabindex'] === '0' && attributes['aria-label'])).toBe(true);
    expect(named('table').length).toBe(page.elements.filter(({ attributes }) => attributes['class'] === 'scroll').length);
    expect(named('th').every(({ attributes }) => attributes['scope'] === 'col')).toBe(true);
  });
});

describe('the page', () => {
  it('tells the whole migration', () => {
    const { elements } = read(examplePage());
    const words = elements.find(({ name }) => name === 'main')?.text ?? '';
    for (const said of ['What to do next', 'Re-run failed jobs', 'Paused until the cutover', '19 min 15 s', 'omar', '1,204,377', '2,214,790', 'reports.weekly', 'core.dag_concurrency', 'both sides agree', 'Made at 2026-11-22T13:24:05Z']) expect(words).toContain(said);
  });

  it('holds no hidden value, and no lock token', () => {
    const story = toldStory(), plan = story.plan as NonNullable<typeof story.plan>;
    const html = pageOf('m', finishReport({ id: 'm', source: 's', jobs: readJobs(toldNeeds()), unknown: undefined, run: undefined, now: '2026-11-22T14:00:00Z', status: { id: 'm', journal: story.journal, location: 'l', lock: { owner: 'o', since: 's', expiresAt: 'e', token: 'lock-token-1' }, now: '2026-11-22T14:00:00Z', more: storySections({ ...story, plan }) } }), '2026-11-22T14:00:00Z');
    for (const secret of [HIDDEN_VALUE, 'lock-token-1']) expect(html).not.toContain(secret);
  });

  it('stays one that a phone can load: the least important sections go, and are named', () => {
    const long = (title: string, importance: 1 | 3) => ({ title, importance, blocks: [text('x'.repeat(1_600_000))] });
    const html = pageOf('m', { verdict: 'v', isGood: true, next: ['Act.'], sections: [long('Kept', 1), long('Dropped', 3)] }, '2026-11-22T14:00:00Z');
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(3_000_000);
    expect(['<h2>Kept</h2>', '<h2>Dropped</h2>', 'It would be too long with: Dropped.', 'Act.'].map((said) => html.includes(said))).toEqual([true, false, true, true]);
  });

  it('tells of a migration with very many attempts, tables and DAGs what fits', () => {
    const long = Array.from({ length: 5000 }, (_, at) => ({ dagId: `${HOSTILE}_${at}`, reason: HOSTILE.repeat(10) })), journal = toldJournal();
    const story = toldStory({
      journal: { ...journal, attempts: Array.from({ length: 200 }, (_, at) => ({ ...journal.attempts[1], number: at + 1, steps: (journal.attempts[1]?.steps ?? []).map((step) => (step.name === 'activated' ? { ...step, data: { ...step.data, left: long } } : step)) }) as (typeof journal.attempts)[number]) },
      manifest: toldManifest({ attempt: 200, tables: Array.from({ length: 300 }, (_, at) => aManifestTable(`t${at}`, { leftOut: Object.fromEntries(Array.from({ length: 50 }, (__, n) => [`${HOSTILE} ${n}`, 1])) })) }),
    });
    const html = pageOf('m', finishReport({ id: 'm', source: 's', jobs: readJobs(toldNeeds()), unknown: undefined, run: undefined, now: '2026-11-22T14:00:00Z', status: { id: 'm', journal: story.journal, location: 'l', lock: undefined, now: '2026-11-22T14:00:00Z', more: storySections(story) } }), '2026-11-22T14:00:00Z');
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(3_000_000);
    expect(['Table by table', 'Attempt 200, a final export', 'Attempt 171,', 'Attempt 170,'].map((said) => html.includes(said))).toEqual([true, true, true, false]);
  });
});

describe('its colours', () => {
  const themes = [...examplePage().matchAll(/\{color-scheme:light dark;([^}]*)\}|prefers-color-scheme:dark\)\{:root\{([^}]*)\}/gu)].map(([, light, dark]) => Object.fromEntries((light ?? dark ?? '').split(';').filter(Boolean).map((pair) => pair.split(':').map((one) => one.trim().replace(/^--/u, '')) as [string, string])));
  /** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance, #dfn-contrast-ratio */
  const luminance = (colour: string): number => {
    const hex = colour.slice(1), wide = hex.length === 3 ? [...hex].map((one) => one + one).join('') : hex;
    const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => Number.parseInt(wide.slice(at, at + 2), 16) / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one = '', other = ''): number => {
    const [high = 0, low = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };

  it.each([['light', 0], ['dark', 1]] as const)('can be read: %s', (_, at) => {
    const theme = themes[at] ?? {};
    for (const text of ['text', 'soft', 'link']) for (const ground of ['ground', 'inset']) expect([text, ground, contrast(theme[text], theme[ground]) >= 4.5]).toEqual([text, ground, true]);
    for (const bar of ['done', 'open', 'pause', 'bad']) for (const ground of ['ground', 'inset']) expect([bar, ground, contrast(theme[bar], theme[ground]) >= 3]).toEqual([bar, ground, true]);
  });
});
