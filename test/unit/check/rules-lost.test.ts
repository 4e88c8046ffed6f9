import { expect, it } from '@jest/globals';
import { findLostDags, readWrittenIds } from '../../../src/check/rules-lost.js';
import type { CheckedDag } from '../../../src/check/check-report.js';

const aDag = (dagId: string): CheckedDag => ({ dagId, file: 'dags/any.py', schedule: { source: undefined, target: '@daily' }, nextRun: { source: undefined, target: undefined }, isPausedUponCreation: undefined });
const WRITTEN = { ids: { 'dags/a.py': ['one', 'two'], 'dags/broken.py': ['three'], 'dags/stock.py': ['four'] }, leftOut: ['dags/stock.py'] };

it('tells a DAG that is written and does not appear, with the worst for a file that .airflowignore means by another reading', () => {
  const lost = findLostDags(WRITTEN, [aDag('one')], new Set(['dags/broken.py']));
  expect(lost.map(({ code, level, file, dagId }) => [code, level, file, dagId])).toEqual([['dag-lost', 'warning', 'dags/a.py', 'two'], ['dag-lost', 'error', 'dags/stock.py', 'four']]);
  expect(lost[1]?.why).toContain('.airflowignore');
});

it('does not ask in which file a DAG appears: a helper may make it', () => expect(findLostDags(WRITTEN, ['one', 'two', 'three', 'four'].map(aDag), new Set())).toEqual([]));

it.each([
  ['no JSON', 'Traceback …'], ['no object', '[]'], ['no ids', '{}'], ['ids that are no object', '{"ids": null}'],
])('takes %s for no answer', (_, text) => expect(readWrittenIds(text)).toBeUndefined());

it('leaves out what is no id', () => expect(readWrittenIds(JSON.stringify({ ids: { 'dags/a.py': ['x', 1, 'y'.repeat(251)], 'dags/b.py': 'x' }, leftOut: [{}] }))).toEqual({ ids: { 'dags/a.py': ['x'], 'dags/b.py': [] }, leftOut: [] }));
