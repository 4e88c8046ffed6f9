import { describe, expect, it } from '@jest/globals';
import type { Difference } from '../../../src/airflow/protocol.js';
import { judge } from '../../../src/metadata/verification.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { verifyReport, type Counts } from '../../../src/report/verify-report.js';
import { aManifest, noneDoubled, verifyData } from '../../builders/values.js';

const counts = (given: Partial<Counts['source']> = {}): Counts['source'] => ({ dags: 3, dagRuns: 10, taskInstances: 100, pools: 2, ...given });
const said = (target: Counts['source']) => {
  const manifest = aManifest(), found = verifyData(manifest);
  return renderMarkdown(verifyReport({ source: 'analytics', target: 'analytics-v2', judgement: judge(manifest, found, undefined, []), found, counts: { source: counts(), target }, isSwitched: false }));
};

const advice = (rows: Parameters<typeof verifyData>[1], isSwitched = false) => {
  const manifest = aManifest(), found = verifyData(manifest, rows);
  return renderMarkdown(verifyReport({ source: 'analytics', target: 'analytics-v2', judgement: judge(manifest, found, undefined, []), found, counts: { source: counts(), target: counts() }, isSwitched })).split('### What to do next')[1] ?? '';
};
const of = (given: Partial<ReturnType<typeof verifyData>['tables'][string]>) => ({ tables: { ...verifyData(aManifest()).tables, dag_run: { rows: 3, equal: 2, missing: 0, different: 0, rejected: 0, resumed: 0, ...noneDoubled, ...given } } });

it.each([
  { found: of({ rejected: 1 }), says: /Runs that were refused: .*Delete their counterparts on the target, or take a new target environment; then run phase export with mode final again/, not: /phase import again|missing or different/, because: 'a refused run stands in the way' },
  { found: of({ missing: 1 }), says: /missing or different: .*run phase export with mode final again/, not: /phase import again|refused/, because: 'a finished import writes nothing more' },
  { found: of({ doubled: 1, equal: 3 }), says: /Rows that are doubled: .*delete what does not belong there/, not: /mode final|refused|missing or different/, because: 'an export would not take them away' },
  { found: { importErrors: ['x.py'] }, says: /DAG files that do not load/, not: /mode final/, because: 'no row is in question' },
  { found: { unpausedDags: ['hourly'] }, says: /pause them on the target/, not: /mode final|do not load/, because: 'no row is in question' },
])('the advice fits what was found: $because', ({ found, says, not }) => {
  expect(advice(found)).toMatch(says);
  expect(advice(found)).not.toMatch(not);
});

it('advises no export after cutover, which would be refused', () => {
  expect(advice(of({ missing: 1 }), true)).toMatch(/by hand, or go back with phase rollback/);
  expect(advice(of({ missing: 1 }), true)).not.toMatch(/mode final/);
});

it.each([
  { target: counts({ dagRuns: 9, taskInstances: 90 }), says: /Fewer on the target \(DAG runs, Task instances\)/, not: /More on the target/, because: 'a DAG whose file is gone has no entry on the target' },
  { target: counts({ dags: 4, dagRuns: 11 }), says: /More on the target \(DAGs, DAG runs\)/, not: /Fewer on the target/, because: 'our own DAG is there meanwhile' },
  { target: counts({ dags: 4, dagRuns: 9 }), says: /Fewer on the target \(DAG runs\)[\s\S]*More on the target \(DAGs\)/, not: /nothing/, because: 'both may be' },
  { target: counts(), says: /Row by row/, not: /on the target \(/, because: 'equal numbers need no words' },
  { target: counts({ pools: undefined }), says: /Row by row/, not: /on the target \(/, because: 'a number that could not be had is no difference' },
])('what the REST API counts is explained where it differs: $because', ({ target, says, not }) => {
  expect(said(target)).toMatch(says);
  expect(said(target)).not.toMatch(not);
});

describe('where the sides differ', () => {
  const place = (at: string | null, runId: string | null) => ({ at, runId });
  const difference = (given: Partial<Difference>): Difference => ({ dagId: 'load', missing: 1, different: 0, doubled: 0, first: place('2026-01-01T00:00:00Z', 'r1'), last: place('2026-01-09T00:00:00Z', 'r9'), names: [], ...given });
  const section = (differences: readonly Difference[], differentDags = differences.length) => {
    const manifest = aManifest(), found = verifyData(manifest, of({ missing: 1, differences, differentDags }));
    const report = verifyReport({ source: 'analytics', target: 'analytics-v2', judgement: judge(manifest, found, undefined, []), found, counts: { source: counts(), target: counts() }, isSwitched: false });
    return renderMarkdown(report).split('### Where they differ')[1]?.split('###')[0] ?? '';
  };
  it('names table, DAG, first and last run and how many rows, the most first', () => {
    const said = section([difference({}), difference({ dagId: 'big', missing: 0, different: 7, doubled: 2 })]);
    expect(said).toMatch(/dag&#95;run[^\n]*big[^\n]*r1[^\n]*r9[^\n]*\| 0 \| 7 \| 2 \|[\s\S]*load[^\n]*\| 1 \| 0 \| 0 \|/u);
  });
  it.each([
    { given: difference({ dagId: null, names: ['narrow', 'wide'] }), says: /narrow[^\n]*wide/u, because: 'pools belong to no DAG' },
    { given: difference({ dagId: null, first: place('2026-01-01T00:00:00Z', null), last: place(null, null) }), says: /of no DAG \| 2026-01-01T00:00:00Z \| – \|/u, because: 'some rows of the audit log belong to nothing' },
    { given: difference({ dagId: '<img src=x>|`a`', first: place(null, '[x](javascript:1)\n# y') }), says: /&#60;img src&#61;x&#62;/u, because: 'any text may be a DAG id in the audit log' },
  ])('$because', ({ given, says }) => {
    const said = section([given]);
    expect(said).toMatch(says);
    expect(said).not.toMatch(/<img|\]\(javascript|\n# y/u);
  });
  it('is not there where nothing differs, and cut where much does', () => {
    expect(section([])).toBe('');
    const said = section(Array.from({ length: 50 }, (_, at) => difference({ dagId: `dag-${at}` })), 4000);
    expect(said.match(/dag-\d/gu)).toHaveLength(30);
    expect(said).toContain('and 3,970 more');
  });
});
