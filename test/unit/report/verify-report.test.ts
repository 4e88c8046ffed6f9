import { expect, it } from '@jest/globals';
import { judge } from '../../../src/metadata/verification.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { verifyReport, type Counts } from '../../../src/report/verify-report.js';
import { aManifest, verifyData } from '../../builders/values.js';

const counts = (given: Partial<Counts['source']> = {}): Counts['source'] => ({ dags: 3, dagRuns: 10, taskInstances: 100, pools: 2, ...given });
const said = (target: Counts['source']) => {
  const manifest = aManifest(), found = verifyData(manifest);
  return renderMarkdown(verifyReport({ source: 'analytics', target: 'analytics-v2', judgement: judge(manifest, found, undefined, []), found, counts: { source: counts(), target }, isSwitched: false }));
};

const advice = (rows: Parameters<typeof verifyData>[1], isSwitched = false) => {
  const manifest = aManifest(), found = verifyData(manifest, rows);
  return renderMarkdown(verifyReport({ source: 'analytics', target: 'analytics-v2', judgement: judge(manifest, found, undefined, []), found, counts: { source: counts(), target: counts() }, isSwitched })).split('### What to do next')[1] ?? '';
};
const of = (given: Partial<ReturnType<typeof verifyData>['tables'][string]>) => ({ tables: { ...verifyData(aManifest()).tables, dag_run: { rows: 3, equal: 2, missing: 0, different: 0, rejected: 0, resumed: 0, ...given } } });

it.each([
  { found: of({ rejected: 1 }), says: /Runs that were refused: .*Delete their counterparts on the target, or take a new target environment; then run phase export with mode final again/, not: /phase import again|missing or different/, because: 'a refused run stands in the way' },
  { found: of({ missing: 1 }), says: /missing or different: .*run phase export with mode final again/, not: /phase import again|refused/, because: 'a finished import writes nothing more' },
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
