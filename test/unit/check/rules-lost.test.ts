import { describe, expect, it } from '@jest/globals';
import { findLostDags, readWrittenIds } from '../../../src/check/rules-lost.js';
import type { CheckedDag } from '../../../src/check/check-report.js';
import { aCheckedDag } from './values.js';

const aDag = (dagId: string): CheckedDag => aCheckedDag({ dagId, file: 'dags/any.py' });
/** The source was not loaded. */
const UNSEEN = { seen: [], version: '' };
const WRITTEN = { ids: { 'dags/a.py': ['one', 'two'], 'dags/broken.py': ['three'], 'dags/stock.py': ['four'] }, leftOut: ['dags/stock.py'] };

it('tells a DAG that is written and does not appear, with the worst for a file that .airflowignore means by another reading', () => {
  const lost = findLostDags(WRITTEN, [aDag('one')], new Set(['dags/broken.py']), UNSEEN);
  expect(lost.map(({ code, level, file, dagId }) => [code, level, file, dagId])).toEqual([['dag-lost', 'warning', 'dags/a.py', 'two'], ['dag-lost', 'error', 'dags/stock.py', 'four']]);
  expect(lost[1]?.why).toContain('.airflowignore');
});

it('does not ask in which file a DAG appears: a helper may make it', () => expect(findLostDags(WRITTEN, ['one', 'two', 'three', 'four'].map(aDag), new Set(), UNSEEN)).toEqual([]));

describe('a DAG that the source shows', () => {
  const seen = [{ dagId: 'two', file: 'dags/a.py' }, { dagId: 'made_by_name', file: 'dags/factory.py' }, { dagId: 'three', file: 'dags/broken.py' }, { dagId: 'one', file: 'dags/a.py' }, { dagId: 'four', file: 'dags/stock.py' }];
  const lost = findLostDags(WRITTEN, [aDag('one')], new Set(['dags/broken.py']), { seen, version: '2.7.2' });

  it('is lost for certain where the target does not, also if no file names it; once each, and not where the file does not load', () =>
    expect(lost.map(({ level, file, dagId }) => [level, file, dagId])).toEqual([['error', 'dags/a.py', 'two'], ['error', 'dags/stock.py', 'four'], ['error', 'dags/factory.py', 'made_by_name']]));
  it('is said to appear there', () => expect(lost.map(({ what }) => what)).toEqual(expect.arrayContaining(['DAG "made_by_name" of dags/factory.py appears on Airflow 2.7.2 and does not appear on the target.'])));
  it('keeps the reason of a line of .airflowignore', () => expect(lost[1]?.why).toContain('.airflowignore'));
  it('is not the only one told: what is written and appears on neither stays a warning', () => expect(findLostDags(WRITTEN, [aDag('one')], new Set(['dags/broken.py']), { seen: seen.slice(1, 2), version: '2.7.2' })[0]).toMatchObject({ level: 'warning', dagId: 'two' }));
});

it.each([
  ['no JSON', 'Traceback …'], ['no object', '[]'], ['no ids', '{}'], ['ids that are no object', '{"ids": null}'],
])('takes %s for no answer', (_, text) => expect(readWrittenIds(text)).toBeUndefined());

it('leaves out what is no id', () => expect(readWrittenIds(JSON.stringify({ ids: { 'dags/a.py': ['x', 1, 'y'.repeat(251)], 'dags/b.py': 'x' }, leftOut: [{}] }))).toEqual({ ids: { 'dags/a.py': ['x'], 'dags/b.py': [] }, leftOut: [] }));
