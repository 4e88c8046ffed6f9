/** The user story: twice a migration is given up half-way, and the third attempt into the same target is killed in the middle of its cutover; nothing is lost, nothing runs twice. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activeDags } from '../../oracle/by-sql.js';
import { until } from '../../support/patience.js';
import type { Run } from '../../support/runner.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { exceptionsIn } from '../airflow-logs.js';
import { gapsIn, runsOf } from '../created-runs.js';
import { TOLD } from '../dag-ids.js';
import { livesAfterCut } from '../expected-lives.js';
import { endAction, killTask, startWatched, type Watched } from '../killing.js';
import { closeAll, entriesOf, livesOfRun, openAll } from '../ledger.js';
import { type Pair, TO_2_11 } from '../pair.js';
import { CUT, runStatesOf, setOffQueued, setOffRuns, setOffSchedules, statesOf, unpause, untilStates } from '../setting-off.js';
import { missedIn } from '../summary.js';
import { datesThatRan } from '../way-back.js';
import { log, MINUTES, startSwitchWorld, type SwitchWorld } from '../world.js';

const PAIR: Pair = { ...TO_2_11, historyDays: 'all' };
const AT_ONCE = { 'timeout-minutes': 0, 'task-minutes': 0, leftover: 'resume' } as const;

describe(`a migration that is given up and done again, Airflow ${PAIR.from} to ${PAIR.to}`, () => {
  let switching: SwitchWorld;
  let active: readonly string[];
  const started: Watched[] = [];
  const { source, target } = { source: () => switching.source, target: () => switching.target };
  const entries = () => entriesOf(switching.folder);
  const onTarget = (run: string) => entries().filter((entry) => entry.side === TARGET && entry.run.startsWith(run));

  /** Work in flight behind shut gates, in runs of this id. */
  const begin = async (run: string, drain: Readonly<Record<string, unknown>> = {}, cutover: Readonly<Record<string, unknown>> = {}) => {
    closeAll(switching.folder);
    await setOffRuns(switching, run);
    switching.migrationFile({ drain: { ...AT_ONCE, ...drain }, cutover });
  };
  const noteActive = async () => {
    active = await activeDags(source().databaseUrl);
    expect(active.length).toBeGreaterThan(15);
  };
  const start = (phase: string, inputs: Readonly<Record<string, string>>, attempt = 1) => {
    const run = startWatched(switching.world, phase, inputs, { attempt, log });
    started.push(run);
    return run;
  };
  const isAsBefore = async () => {
    expect(await activeDags(source().databaseUrl)).toEqual(active);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
  };

  beforeAll(async () => {
    // A worker that is gone with its supervisor shows only by heartbeats that do not come: 300 s by default.
    switching = await startSwitchWorld(PAIR, { retrySeconds: { source: 180, target: 2 }, targetOptions: { 'scheduler.scheduler_zombie_task_threshold': '30' } });
    await setOffSchedules(switching);
    for (const dagId of TOLD) await unpause(source(), dagId);
  }, 8 * MINUTES);
  afterAll(async () => {
    for (const run of started) if (run.child.exitCode === null && run.child.signalCode === null) endAction(run, 'SIGKILL');
    await switching?.close();
  }, 2 * MINUTES);

  it('a drain that still waits stops for a rollback, and nothing was ended', async () => {
    await begin('manual__drain', { 'timeout-minutes': 60 });
    await noteActive();
    const drain = start('export', { mode: 'final' });
    await drain.says('DAGs are paused; in flight');
    await until('what rests to be paused', async () => (await activeDags(source().databaseUrl)).length < active.length);
    endAction(drain, 'SIGINT');
    expect((await drain.done).code).not.toBe(0);
    await switching.phase('rollback');
    await isAsBefore();
    // The deadline was not reached.
    for (const dagId of ['cut_midway', 'loses_a_task']) expect(await statesOf(source(), dagId)).toMatchObject({ 'manual__drain middle': 'running' });
    openAll(switching.folder);
    for (const dagId of CUT) await untilStates(source(), dagId, { manual__drain: 'success' }, { of: runStatesOf, seconds: 360 });
    await untilStates(source(), 'one_after_another', { manual__drain_next: 'success' }, { of: runStatesOf });
    const begun = entries().filter(({ run, event }) => run.startsWith('manual__drain') && event === 'begin').map(({ dag, run, task, map, tries }) => `${dag} ${run} ${task} ${map} ${tries}`);
    expect(begun).toHaveLength(new Set(begun).size);
  }, 15 * MINUTES);

  it('a cutover is given up while its runs are half done', async () => {
    await begin('manual__half');
    await noteActive();
    await switching.phase('export', { mode: 'final' });
    const atExport = new Set(await datesThatRan(source(), 'each_minute'));
    await switching.phase('import');
    await switching.phase('cutover');
    for (const dagId of ['cut_midway', 'loses_a_task']) await untilStates(target(), dagId, { 'manual__half middle': 'running' });
    await until('the target to have told a minute', () => Promise.resolve(entries().some(({ side, dag, event }) => side === TARGET && dag === 'told_minutes' && event === 'ok')), { seconds: 240 });
    // Time for what runs behind the gates, which open when its DAG is paused: it ends, and what stands behind it does not begin.
    switching.migrationFile({ drain: { ...AT_ONCE, 'task-minutes': 10 } });
    const rollback = start('rollback', {});
    await until('the target to be paused', async () => (await activeDags(target().databaseUrl)).length === 0, { seconds: 240 });
    openAll(switching.folder);
    const { code, log: said } = await rollback.done;
    expect({ code, end: code === 0 ? '' : said.slice(-4000) }).toEqual({ code: 0, end: '' });
    await isAsBefore();
    for (const dagId of ['cut_midway', 'loses_a_task']) {
      expect({ dagId, tasks: await statesOf(target(), dagId) }).not.toMatchObject({ tasks: { 'manual__half last': 'success' } });
      // Only a person can say what is to become of a run that is half done over there.
      expect({ dagId, runs: await runStatesOf(source(), dagId) }).toMatchObject({ dagId, runs: { manual__half: 'failed' } });
    }
    // Its second run had begun nowhere.
    await untilStates(source(), 'one_after_another', { manual__half_next: 'success' }, { of: runStatesOf });
    const byTarget = (await datesThatRan(target(), 'each_minute')).filter((date) => !atExport.has(date));
    expect(byTarget.length).toBeGreaterThan(0);
    expect((await datesThatRan(source(), 'each_minute')).filter((date) => byTarget.includes(date))).toEqual([]);
  }, 15 * MINUTES);

  describe('the third attempt', () => {
    let again: Run;
    let half: ReturnType<typeof onTarget>;
    /** Told by the source; of before the pause. */
    let toldBefore: readonly string[];
    const told = (dagId: string) => entries().filter(({ dag, event }) => dag === dagId && event === 'ok').map(({ run }) => run.slice('scheduled__'.length, 'scheduled__'.length + 19));

    it('ends when its cutover is killed in the middle: task with supervisor, task, action', async () => {
      await begin('manual__again', {}, { canary: ['cut_midway'], 'canary-minutes': 20, 'missed-intervals': 'run' });
      await setOffQueued(switching, 'manual__again');
      await noteActive();
      half = onTarget('manual__half');
      await switching.phase('export', { mode: 'final' });
      toldBefore = told('told_newest_minute').sort();
      await switching.phase('import');
      // The middle: the canary waits behind its gate, and nothing else is active.
      const inTheMiddle = async () => expect((await activeDags(target().databaseUrl)).filter((dagId) => dagId !== 'db_import')).toEqual(['cut_midway']);
      const killed: string[] = [];
      const first = start('cutover', {});
      await first.says('cut_midway waits for run manual__again');
      await inTheMiddle();
      killed.push(await killTask(target(), 'db_import', 'activate', { withSupervisor: true }));
      await first.says('cut_midway waits for run manual__again');
      await inTheMiddle();
      killed.push(await killTask(target(), 'db_import', 'activate', { withSupervisor: false }));
      await first.says('cut_midway waits for run manual__again');
      await inTheMiddle();
      endAction(first, 'SIGKILL');
      expect((await first.done).signal).toBe('SIGKILL');
      expect(killed.map((run) => run.replace(/^activate-\d+-/u, 'try '))).toEqual(['try 1', 'try 2']);
      const second = start('cutover', {}, 2);
      await second.says('activate runs already');
      openAll(switching.folder);
      again = await second.done;
      expect({ code: again.code, end: again.code === 0 ? '' : again.log.slice(-4000) }).toEqual({ code: 0, end: '' });
      expect(await activeDags(target().databaseUrl)).toEqual(active);
      expect(await activeDags(source().databaseUrl)).toEqual([]);
    }, 20 * MINUTES);

    it('carries its own work over, each try once', async () => {
      for (const dagId of [...CUT, 'only_queued']) await untilStates(target(), dagId, { manual__again: 'success' }, { of: runStatesOf });
      await untilStates(target(), 'one_after_another', { manual__again_next: 'success' }, { of: runStatesOf });
      for (const dagId of [...CUT, 'only_queued'])
        expect({ dagId, lives: livesOfRun(entries(), dagId, 'manual__again') }).toEqual({ dagId, lives: livesAfterCut(TARGET, switching.times, 'manual__again')[dagId] });
    }, 10 * MINUTES);

    it('runs every minute once, on one side or the other, also those that were missed in the pause', async () => {
      const missed = missedIn(again, 'told_newest_minute', 1).map((date) => date.slice(0, 19));
      expect(missed.length).toBeGreaterThan(0);
      const enough = new Date(Date.now()).toISOString().slice(0, 19);
      const gaps = (dagId: string, from: string) => gapsIn(told(dagId).filter((date) => date >= from).map((date) => ({ dagId, type: 'scheduled', logicalDate: `${date}Z` })), 1);
      const from = { told_minutes: '', told_newest_minute: toldBefore.at(-1) ?? 'none' };
      const state = () => TOLD.map((dagId) => ({ dagId, hasMore: told(dagId).some((date) => date >= enough), gaps: gaps(dagId, from[dagId]) }));
      // Runs of several minutes may end in another order than they began: looked at until it is whole.
      await until('both to have told the present, and all before it', () => Promise.resolve(state().every(({ hasMore, gaps: open }) => hasMore && open.length === 0)), { seconds: 480, everyMs: 1000 }).catch((error: unknown) => log?.(String(error)));
      expect(state()).toEqual(TOLD.map((dagId) => ({ dagId, hasMore: true, gaps: [] })));
      for (const dagId of TOLD) expect({ dagId, twice: told(dagId).filter((date, at, all) => all.indexOf(date) !== at) }).toEqual({ dagId, twice: [] });
      expect(told('told_minutes').sort()[0]).toBe(switching.times.toldFrom.toISOString().slice(0, 19));
      expect(told('told_newest_minute')).toEqual(expect.arrayContaining([...missed]));
      const runs = await runsOf(target());
      for (const [dagId, minutes] of [['each_minute', 1], ['by_timedelta', 1], ['by_timetable', 2], ['five_minutes_few', 5], ['five_minutes_many', 5]] as const)
        expect(gapsIn(runs.filter((run) => run.dagId === dagId), minutes)).toEqual([]);
    }, 10 * MINUTES);

    it('does not go on with what the second attempt had left half done', async () => {
      expect(half.length).toBeGreaterThan(0);
      expect(onTarget('manual__half')).toEqual(half);
      const open = (await runsOf(target())).filter(({ runId, state }) => /^manual__(?:half|drain)/u.test(runId) && !['success', 'failed'].includes(state));
      expect(open).toEqual([]);
      expect(entries().filter(({ side, dag, run, task }) => side === SOURCE && run === 'manual__half' && ['cut_midway', 'loses_a_task'].includes(dag) && task === 'last')).toEqual([]);
    });

    it('left no exception in the logs of scheduler and triggerer', () => {
      expect([...exceptionsIn(source()), ...exceptionsIn(target())]).toEqual([]);
    });
  });
});
