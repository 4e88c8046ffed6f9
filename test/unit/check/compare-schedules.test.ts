import { describe, expect, it } from '@jest/globals';
import { compareSchedules, sameOnBoth, seedsOf, withoutKnown, type Comparison } from '../../../src/check/compare-schedules.js';
import type { Loaded } from '../../../src/check/load-dags.js';
import type { LoadedDag, LoadedFile } from '../../../src/check/load-messages.js';
import type { Run } from '../../../src/check/load-runs.js';
import { aCheckedDag, aFinding, aLoadedDag, aLoadedFile } from './values.js';

const DAY: Run = ['2026-03-11T00:00:00Z', '2026-03-10T00:00:00Z', '2026-03-11T00:00:00Z'];
const EXACT: Run = ['2026-03-11T00:00:00Z', '2026-03-11T00:00:00Z', '2026-03-11T00:00:00Z'];
const LATER: Run = ['2026-03-11T06:00:00Z', '2026-03-10T00:00:00Z', '2026-03-11T06:00:00Z'];
const NIGHT: Run = ['2026-10-25T02:00:00Z', '2026-10-25T01:00:00Z', '2026-10-25T02:00:00Z'];

const loaded = (...files: readonly Partial<LoadedFile>[]): Loaded => ({ files: files.map(({ file = 'sales.py' }) => file), left: 0, isLate: false, loaded: files.map(aLoadedFile), plugins: undefined, problem: undefined });
/** A DAG with these runs from each seed. */
const running = (runs: readonly (readonly Run[])[], given: Partial<LoadedDag> = {}): LoadedDag =>
  aLoadedDag({ schedule: '0 0 * * *', runs, nextRun: runs[0]?.[0]?.[0] ?? null, interval: runs[0]?.[0] === undefined ? null : `${runs[0][0][1]}/${runs[0][0][2]}`, catchup: true, ...given });
const compare = (before: LoadedDag, after: LoadedDag, configuration: Comparison['configuration'] = {}) =>
  compareSchedules([aCheckedDag({ schedule: { source: undefined, target: after.schedule }, nextRun: { source: undefined, target: after.nextRun }, interval: { source: undefined, target: after.interval }, catchup: { source: undefined, target: after.catchup } })],
    { source: loaded({ dags: [before] }), target: loaded({ dags: [after] }), versions: { source: '2.7.2', target: '3.3.1' }, folder: 'dags', configuration });

describe('runs of both sides', () => {
  it('says nothing where they are the same, by whatever words, and gives both to the report', () => {
    const { findings, notChecked, dags } = compare(running([[DAY]], { schedule: '8 hours' }), running([[DAY]], { schedule: '8:00:00' }));
    expect({ findings, notChecked }).toEqual({ findings: [], notChecked: [] });
    expect(dags).toMatchObject([{ schedule: { source: '8 hours', target: '8:00:00' }, nextRun: { source: DAY[0], target: DAY[0] }, interval: { source: `${DAY[1]}/${DAY[2]}` }, catchup: { source: true, target: true } }]);
  });

  it.each<readonly [string, readonly (readonly Run[])[], readonly (readonly Run[])[], RegExp]>([
    ['another time', [[DAY]], [[LATER]], /runs on Airflow 2\.7\.2 at 2026-03-11T00:00:00Z, and at 2026-03-11T06:00:00Z on 3\.3\.1/u],
    ['another interval of the same time', [[DAY]], [[EXACT]], /data interval 2026-03-10T00:00:00Z to 2026-03-11T00:00:00Z on Airflow 2\.7\.2 and 2026-03-11T00:00:00Z on 3\.3\.1/u],
    ['a DAG that runs no more', [[DAY]], [[]], /never by itself on 3\.3\.1/u],
    ['a DAG that begins to run', [[]], [[DAY]], /never runs by itself on Airflow 2\.7\.2, and at 2026-03-11T00:00:00Z on 3\.3\.1/u],
    ['the night in which the clocks change', [[DAY], [DAY, NIGHT]], [[DAY], [DAY, LATER]], /at 2026-10-25T02:00:00Z, and at 2026-03-11T06:00:00Z/u],
  ])('tells %s', (_, before, after, what) => {
    const { findings } = compare(running(before), running(after));
    expect(findings).toMatchObject([{ code: 'schedule-differs', level: 'warning', file: 'dags/sales.py', dagId: 'sales', what: expect.stringMatching(what) }]);
    expect(findings[0]?.why).toBeTruthy();
    expect(findings[0]?.fix).toBeTruthy();
  });

  it('tells of the logical date where the interval moves', () => expect(compare(running([[DAY]]), running([[EXACT]])).findings[0]?.why).toContain('logical date of that run is 2026-03-10T00:00:00Z on the source and 2026-03-11T00:00:00Z on the target'));
  it('names the clocks where only that night differs', () => expect(compare(running([[DAY], [NIGHT]]), running([[DAY], [LATER]])).findings[0]?.why).toContain('change of the clocks'));
  // How far a release looks there depends on where its runs begin, and some do not get over the change.
  it('takes no shorter list around a change of the clocks for a difference', () => expect(compare(running([[DAY], [DAY, NIGHT]]), running([[DAY], [DAY]])).findings).toEqual([]));
  it('says once of a DAG what differs first', () => expect(compare(running([[DAY], [NIGHT]]), running([[LATER], [LATER]])).findings).toHaveLength(1));
  it('names options of the migration file that may be why, and how to take them back', () => {
    const [finding] = compare(running([[DAY]]), running([[EXACT]]), { 'scheduler.create_cron_data_intervals': 'False', 'core.parallelism': '4' }).findings;
    expect(finding?.why).toContain('target.configuration names scheduler.create_cron_data_intervals;');
    expect(finding?.fix).toContain('out of target.configuration');
  });
});

it.each<readonly [string, Partial<LoadedFile>, number]>([['was loaded alike', {}, 1], ['needed a stand-in there only', { standIn: '1' }, 0]])('knows DAGs of the source by a file that %s', (_, given, seen) =>
  expect(compareSchedules([], { source: loaded({ dags: [aLoadedDag({ dagId: 'sales_1' })], ...given }), target: loaded({ dags: [] }), versions: { source: '2.7.2', target: '3.3.1' }, folder: 'dags', configuration: {} }).seen).toHaveLength(seen));

describe('DAGs without a clock', () => {
  it.each([['None', 'Never, external triggers only'], ['Dataset', 'Asset'], ['@once', '@once'], ['1 Events', '1 events']])('takes %s for %s', (before, after) => expect(compare(running([[]], { schedule: before }), running([[]], { schedule: after })).findings).toEqual([]));
  it('tells where something else would start them', () => expect(compare(running([[]], { schedule: 'Dataset' }), running([[]], { schedule: 'None' })).findings).toMatchObject([{ code: 'schedule-differs', what: expect.stringContaining('"Dataset" on Airflow 2.7.2 and "None" on 3.3.1') }]));
});

describe('catching up', () => {
  const two = [aCheckedDag({ dagId: 'a' }), aCheckedDag({ dagId: 'b' })];
  it('is told where it differs in effect, of all DAGs at once', () => {
    const of = (catchup: boolean) => loaded({ dags: [running([[DAY]], { dagId: 'a', catchup }), running([[DAY]], { dagId: 'b', catchup })] });
    const { findings } = compareSchedules(two, { source: of(true), target: of(false), versions: { source: '2.7.2', target: '3.3.1' }, folder: 'dags', configuration: { 'scheduler.catchup_by_default': 'False' } });
    expect(findings).toMatchObject([{ code: 'catchup-differs', level: 'warning', file: undefined, what: 'catchup is on with Airflow 2.7.2 and off with 3.3.1 for 2 DAGs: "a", "b".', why: expect.stringContaining("what the source's own environment sets is not known") }]);
  });
  it('tells each direction of its own DAGs', () => {
    const of = (catchup: boolean) => loaded({ dags: [running([[DAY]], { dagId: 'a', catchup }), running([[DAY]], { dagId: 'b', catchup: !catchup })] });
    const { findings } = compareSchedules(two, { source: of(true), target: of(false), versions: { source: '2.7.2', target: '3.3.1' }, folder: 'dags', configuration: {} });
    expect(findings.map(({ dagId, what }) => [dagId, /catchup is \w+/u.exec(what)?.[0]])).toEqual([['a', 'catchup is on'], ['b', 'catchup is off']]);
  });
  it('names the DAG where it is one', () => expect(compare(running([[DAY]], { catchup: false }), running([[DAY]])).findings).toMatchObject([{ code: 'catchup-differs', file: 'dags/sales.py', dagId: 'sales', what: expect.stringContaining('off with Airflow 2.7.2 and on with 3.3.1') }]));
});

describe('what was not compared', () => {
  const versions = { source: '2.7.2', target: '3.3.1' };
  it('is files that do not load on the source: their number, and no finding', () => {
    const error = { file: 'new.py', line: 1, place: undefined, text: "ModuleNotFoundError: No module named 'airflow.sdk'", always: true, again: true };
    const { findings, notChecked, dags } = compareSchedules([aCheckedDag({ file: 'dags/new.py' })], { source: loaded({ file: 'new.py', errors: [error] }), target: loaded({ file: 'new.py', dags: [running([[DAY]])] }), versions, folder: 'dags', configuration: {} });
    expect(findings).toEqual([]);
    expect(notChecked).toEqual([expect.stringMatching(/^Schedules of 1 DAG file were not compared with Airflow 2\.7\.2: .*dags\/new\.py\.$/u)]);
    expect(dags[0]?.schedule.source).toBeUndefined();
  });
  it('is no file that the target does not load either: that is a finding', () => {
    const broken = loaded({ file: 'gone.py', errors: [{ file: 'gone.py', line: 1, place: undefined, text: 'ImportError: gone', always: true, again: true }] });
    expect(compareSchedules([], { source: broken, target: broken, versions, folder: 'dags', configuration: {} }).notChecked).toEqual([]);
  });
  it('is files that only the target looks at', () => expect(compareSchedules([aCheckedDag()], { source: loaded(), target: loaded({ dags: [running([[DAY]])] }), versions, folder: 'dags', configuration: {} }).notChecked).toEqual([expect.stringContaining('dags/sales.py')]));
  it('is DAGs whose next run could not be had', () => expect(compare(running([[DAY]]), running([], { nextRun: undefined })).notChecked).toEqual([expect.stringContaining('Schedules of 1 DAG ')]));
  it('leaves parts of other DAGs alone: nothing but those starts them', () => {
    const { findings, seen } = compare(running([[DAY]], { isSubDag: true }), running([[]], { catchup: false }));
    expect({ findings, seen }).toEqual({ findings: [], seen: [] });
  });
});

it('names the DAGs that the source shows', () => expect(compare(running([[DAY]]), running([[DAY]])).seen).toEqual([{ dagId: 'sales', file: 'dags/sales.py' }]));
it('hands on from where the source would go on, whatever a DAG is called', () => {
  const seeds = [{ at: DAY[1], last: [DAY[1], DAY[2]] }] as const;
  expect(JSON.stringify(seedsOf(loaded({ dags: [aLoadedDag({ dagId: '__proto__', seeds }), aLoadedDag({ dagId: 'silent' })] })))).toBe(`{"sales.py":{"__proto__":${JSON.stringify(seeds)}}}`);
});
it('takes the target for the source where both are one release', () => expect(sameOnBoth(aCheckedDag({ nextRun: { source: undefined, target: DAY[0] } }))).toMatchObject({ schedule: { source: '@daily' }, nextRun: { source: DAY[0] } }));
it('does not say again what a rule has said with its line', () => {
  const known = aFinding({ code: 'schedule-default-changed', dagId: 'sales' }), again = aFinding({ code: 'schedule-differs', dagId: 'sales' }), other = aFinding({ code: 'schedule-differs', dagId: 'other' });
  expect(withoutKnown([known], [again, other])).toEqual([known, other]);
  expect(withoutKnown([{ ...known, level: 'notice' }], [again])).toHaveLength(2);
});
