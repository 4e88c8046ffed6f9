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
