import { expect, it } from '@jest/globals';
import { checkSections } from '../../../src/report/check-sections.js';
import { aCheckReport, aCheckedDag } from '../check/values.js';

const NEXT = '2026-03-11T00:00:00Z', OTHER = '2026-03-11T06:00:00Z';
const same = aCheckedDag({ dagId: 'same', schedule: { source: '8 hours', target: '8:00:00' }, nextRun: { source: NEXT, target: NEXT }, interval: { source: `${NEXT}/${NEXT}`, target: `${NEXT}/${NEXT}` }, catchup: { source: true, target: true } });
const titles = (...dags: readonly ReturnType<typeof aCheckedDag>[]) => checkSections(aCheckReport({ findings: [], dags })).map(({ title }) => title).filter((title) => /Schedules/u.test(title));

it('has no table of schedules where both sides agree, or only one is known', () => {
  expect(titles(same, aCheckedDag({ nextRun: { source: undefined, target: NEXT }, interval: { source: undefined, target: `${NEXT}/${NEXT}` }, catchup: { source: undefined, target: true } }), aCheckedDag())).toEqual([]);
  expect(titles(aCheckedDag({ schedule: { source: 'Dataset', target: 'Asset' }, nextRun: { source: null, target: null } }))).toEqual([]);
});

it.each([
  ['the next run', aCheckedDag({ ...same, nextRun: { source: NEXT, target: OTHER } })], ['a run that is none', aCheckedDag({ ...same, nextRun: { source: NEXT, target: null } })], ['the interval', aCheckedDag({ ...same, interval: { source: `${NEXT}/${NEXT}`, target: `${NEXT}/${OTHER}` } })],
  ['catching up', aCheckedDag({ ...same, catchup: { source: true, target: false } })], ['what starts it', aCheckedDag({ ...same, nextRun: { source: null, target: null }, schedule: { source: 'Dataset', target: 'None' } })],
])('lists a DAG for which the sides differ in %s', (_, dag) => expect(titles(same, dag)).toEqual(['Schedules that mean something else (1)']));
