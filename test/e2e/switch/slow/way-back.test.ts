/** The user story: at every point of the switch somebody decides to go back, and the source goes on as if nothing had been. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activeDags } from '../../oracle/by-sql.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { until } from '../../support/patience.js';
import { exceptionsIn } from '../airflow-logs.js';
import { runsOf } from '../created-runs.js';
import { livesAfterCut } from '../expected-lives.js';
import { breakOn, closeAll, entriesOf, livesOf, livesOfRun as livesOfRunIn, openAll as openAllIn } from '../ledger.js';
import { TO_2_10 } from '../pair.js';
import { CUT, runStatesOf, setOffOnce, setOffRuns, setOffSchedules, untilStates } from '../setting-off.js';
import { readable } from '../summary.js';
import { datesThatRan, switchByHand } from '../way-back.js';
import { MINUTES, startSwitchWorld, type SwitchWorld } from '../world.js';

const AT_ONCE = { 'timeout-minutes': 0, 'task-minutes': 0, 'resume-deferred': false } as const;

describe(`the way back from the switch, Airflow ${TO_2_10.from} to ${TO_2_10.to}`, () => {
  let switching: SwitchWorld;
  let active: readonly string[];
  const { source, target } = { source: () => switching.source, target: () => switching.target };

  /** Work in flight behind closed gates, in runs of this id. */
  const begin = async (run: string, leftover: 'resume' | 'fail' | 'abort', cutover: Readonly<Record<string, unknown>> = {}) => {
    closeAll(switching.folder);
    await setOffRuns(switching, run);
    switching.migrationFile({ drain: { ...AT_ONCE, leftover }, cutover });
    active = await activeDags(source().databaseUrl);
    expect(active.length).toBeGreaterThan(10);
  };
  const openAll = () => openAllIn(switching.folder);
  const livesOfRun = (dagId: string, run: string) => livesOfRunIn(entriesOf(switching.folder), dagId, run);
  /** All runs of this id end on the source by themselves, and the ledger says of each try where it was. */
  const endsBySource = async (run: string, dagIds: readonly string[] = CUT) => {
    for (const dagId of dagIds) await untilStates(source(), dagId, { [run]: 'success' }, { of: runStatesOf });
    for (const dagId of dagIds) expect({ dagId, lives: livesOfRun(dagId, run) }).toEqual({ dagId, lives: livesAfterCut(SOURCE, switching.times, run)[dagId] });
  };
  const isAsBefore = async () => {
    expect(await activeDags(source().databaseUrl)).toEqual(active);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
  };
  const refused = async (phase: string, environment: Readonly<{ databaseUrl: string }>, name: string) => {
    await switchByHand(environment, 'by_hand', false);
    const run = await switching.world.run(phase);
    await switchByHand(environment, 'by_hand', true);
    expect({ phase, name, code: run.code, named: readable(run).includes('by_hand') }).toEqual({ phase, name, code: 1, named: true });
  };

  beforeAll(async () => {
    switching = await startSwitchWorld(TO_2_10, { retrySeconds: { source: 120, target: 2 } });
    await setOffSchedules(switching);
  }, 8 * MINUTES);
  afterAll(async () => {
    await switching?.close();
  }, 2 * MINUTES);

  it('abort: the source goes on as before, and nothing was ended', async () => {
    await begin('manual__abort', 'abort');
    const before = entriesOf(switching.folder).length;
    const run = await switching.world.run('export', { mode: 'final' });
    expect({ code: run.code, said: readable(run).includes('still in flight') }).toEqual({ code: 1, said: true });
    await isAsBefore();
    expect(entriesOf(switching.folder)).toHaveLength(before);
    openAll();
    for (const dagId of CUT) await untilStates(source(), dagId, { manual__abort: 'success' }, { of: runStatesOf });
    expect(livesOfRun('cut_midway', 'manual__abort')['manual__abort middle']).toEqual([`${SOURCE} 1 begin`, `${SOURCE} 1 fail`, `${SOURCE} 2 begin`, `${SOURCE} 2 ok`]);
    expect(livesOfRun('loses_a_task', 'manual__abort')['manual__abort middle']).toEqual([`${SOURCE} 1 begin`, `${SOURCE} 1 ok`]);
  }, 15 * MINUTES);

  it('after an export with leftover: fail', async () => {
    await setOffOnce(switching);
    await begin('manual__fail', 'fail');
    const exported = await switching.phase('export', { mode: 'final' });
    expect(readable(exported)).toContain('stays failed');
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    await switching.phase('rollback');
    await isAsBefore();
    openAll();
    await endsBySource('manual__fail');
    await until('ordered_days to have run its days', async () => (await runsOf(source(), ['ordered_days'])).filter(({ state }) => state === 'success').length === 4, { seconds: 240, everyMs: 1000 });
    expect(livesOf(entriesOf(switching.folder), 'ordered_days')).toEqual(livesAfterCut(SOURCE, switching.times)['ordered_days']);
    // Its trigger waits on the source itself, so nothing begins anew.
    await untilStates(source(), 'deferred_work', { manual__1: 'success' }, { of: runStatesOf });
    expect(livesOf(entriesOf(switching.folder), 'deferred_work')).toEqual({ 'manual__1 submit': [`${SOURCE} 1 begin`, `${SOURCE} 1 ok`] });
  }, 15 * MINUTES);

  it('after an import; a DAG that somebody activated by hand had been refused before it and before cutover', async () => {
    await begin('manual__import', 'resume');
    await switching.phase('export', { mode: 'final' });
    await refused('import', source(), SOURCE);
    await refused('import', target(), TARGET);
    await switching.phase('import');
    await refused('cutover', source(), SOURCE);
    await refused('cutover', target(), TARGET);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
    await switching.phase('rollback');
    await isAsBefore();
    openAll();
    await endsBySource('manual__import');
    expect(entriesOf(switching.folder).filter(({ side }) => side === TARGET)).toEqual([]);
  }, 15 * MINUTES);

  it('after a canary that failed, which stopped everything behind it', async () => {
    await begin('manual__canary', 'resume', { canary: ['cut_midway'], 'canary-minutes': 5 });
    breakOn(switching.folder, TARGET, 'cut_midway');
    await switching.phase('export', { mode: 'final' });
    await switching.phase('import');
    openAll();
    const cutover = await switching.world.run('cutover');
    expect({ code: cutover.code, named: readable(cutover).includes('cut_midway') }).toEqual({ code: 1, named: true });
    expect(await activeDags(target().databaseUrl)).toEqual(['cut_midway']);
    expect(new Set(entriesOf(switching.folder).filter(({ side }) => side === TARGET).map(({ dag }) => dag))).toEqual(new Set(['cut_midway']));
    const back = await switching.phase('rollback');
    await isAsBefore();
    expect(readable(back)).toContain('manual__canary');
    await endsBySource('manual__canary', CUT.filter((dagId) => dagId !== 'cut_midway'));
    // It went on over there: only a person can say what became of it, so it stays failed, and nothing of it runs twice.
    expect(await runStatesOf(source(), 'cut_midway')).toMatchObject({ manual__canary: 'failed' });
    expect(livesOfRun('cut_midway', 'manual__canary')).toEqual({
      'manual__canary first': [`${SOURCE} 1 begin`, `${SOURCE} 1 ok`],
      'manual__canary middle': [`${SOURCE} 1 begin`, `${TARGET} 1 begin`, `${TARGET} 1 fail`, `${TARGET} 2 begin`, `${TARGET} 2 fail`],
    });
  }, 15 * MINUTES);

  it('after a whole cutover: no interval and no task of the target runs again', async () => {
    await begin('manual__whole', 'resume');
    await switching.phase('export', { mode: 'final' });
    const atExport = new Set(await datesThatRan(source(), 'each_minute'));
    await switching.phase('import');
    openAll();
    await switching.phase('cutover');
    const resumed = CUT.filter((dagId) => dagId !== 'cut_midway'); // still broken over there
    for (const dagId of resumed) await untilStates(target(), dagId, { manual__whole: 'success' }, { of: runStatesOf });
    await until('the target to have run a minute of its own', async () => (await datesThatRan(target(), 'each_minute')).some((date) => !atExport.has(date)), { seconds: 180, everyMs: 1000 });
    await switching.phase('rollback');
    await isAsBefore();
    const byTarget = (await datesThatRan(target(), 'each_minute')).filter((date) => !atExport.has(date));
    await until('the source to have run two minutes of its own', async () => (await datesThatRan(source(), 'each_minute')).filter((date) => !atExport.has(date)).length >= 2, { seconds: 300, everyMs: 1000 });
    const bySource = (await datesThatRan(source(), 'each_minute')).filter((date) => !atExport.has(date));
    expect(bySource.filter((date) => byTarget.includes(date))).toEqual([]);
    const all = [...byTarget, ...bySource].map((date) => Date.parse(`${date}Z`)).sort((a, b) => a - b);
    expect(all.slice(1).filter((date, at) => date - (all[at] ?? 0) !== MINUTES)).toEqual([]);
    for (const dagId of resumed) expect({ dagId, lives: livesOfRun(dagId, 'manual__whole') }).toEqual({ dagId, lives: livesAfterCut(TARGET, switching.times, 'manual__whole')[dagId] });
    // They succeeded over there, which the source is told: nobody has to decide anything.
    for (const dagId of resumed) expect({ dagId, runs: await runStatesOf(source(), dagId) }).toMatchObject({ dagId, runs: { manual__whole: 'success' } });
  }, 15 * MINUTES);

  it('left no exception in the logs of scheduler and triggerer', () => {
    expect([...exceptionsIn(source()), ...exceptionsIn(target())]).toEqual([]);
  });
});
