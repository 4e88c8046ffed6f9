/** The user story of the switch: a source in the middle of its work is paused, moved and taken over; schedules, events and tasks go on as if nothing had been. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { activeDags } from '../oracle/by-sql.js';
import { query } from '../oracle/query.js';
import { until } from '../support/patience.js';
import type { Run } from '../support/runner.js';
import { SOURCE, TARGET } from '../support/world.js';
import { exceptionsIn } from './airflow-logs.js';
import { gapsIn, made, type MadeRun, nameOf, runsOf } from './created-runs.js';
import { CONSUMERS, DUE, IN_FLIGHT, PRODUCERS, SCHEDULED } from './dag-ids.js';
import { deferredLife, livesAfterCut } from './expected-lives.js';
import { entriesOf, livesOf, openAll } from './ledger.js';
import type { Pair } from './pair.js';
import { dayRuns, runStatesOf, setOffDatasets, setOffOnce, setOffQueued, setOffRuns, setOffSchedules, statesOf, triesOf, unpause, untilStates } from './setting-off.js';
import { missedIn, owedIn } from './summary.js';
import { lastDue } from './times.js';
import { CLONE, log, MINUTES, startSwitchWorld, type SwitchWorld } from './world.js';

const ACTIVE = [...SCHEDULED, 'by_hand', ...PRODUCERS, ...CONSUMERS, ...IN_FLIGHT].sort();

export const describeSwitch = (pair: Pair): void => describe(`the switch from Airflow ${pair.from} to ${pair.to}`, () => {
  let switching: SwitchWorld;
  let clone: RunningEnvironment;
  let exported: Run, cutover: Run;
  /** Of the source, from the moment of its export on. */
  let atExport: readonly MadeRun[];
  /** Intervals that ended before this moment were due before either side woke up. */
  let awake: Date;
  const { source, target } = { source: () => switching.source, target: () => switching.target };
  const lives = (dagId: string) => livesOf(entriesOf(switching.folder), dagId);

  beforeAll(async () => {
    switching = await startSwitchWorld(pair, { retrySeconds: { source: 900, target: 2 }, cutover: { canary: ['cut_midway', 'each_minute'] } });
    await setOffSchedules(switching);
    await setOffOnce(switching);
    await setOffRuns(switching, 'manual__1');
    await setOffQueued(switching, 'manual__1');
    await setOffDatasets(switching);
    exported = await switching.phase('export', { mode: 'final' });
    const paused = new Date();
    atExport = await runsOf(source());
    // The oracle: what the source's own version makes of the same database.
    const cloning = switching.world.sandbox.cloneOf(SOURCE, CLONE);
    await Promise.all([switching.phase('import'), cloning]);
    clone = await cloning;
    await switching.phase('verify');
    // Every schedule of DUE has had an interval that ended since the pause, and the five-minute ones are not about to have another.
    await until('an interval of every schedule to end behind the pause', async () => {
      const now = new Date(), five = lastDue(now, 5, switching.times.minuteOfFive);
      return five > paused && lastDue(now, 2, 1) > paused && switching.times.onceAt < now && now.getTime() - five.getTime() < 3 * MINUTES;
    }, { seconds: 420, everyMs: 1000 });
    openAll(switching.folder);
    for (const dagId of SCHEDULED) await unpause(clone, dagId);
    awake = new Date();
    cutover = await switching.phase('cutover');
  }, 20 * MINUTES);
  afterAll(async () => {
    await switching?.close();
  }, 2 * MINUTES);

  describe('what runs next', () => {
    it('is what the source itself would have run: the same intervals of the same DAGs, no more and no less', async () => {
      const sets = async () => ({
        target: made(await runsOf(target(), SCHEDULED), atExport, awake), clone: made(await runsOf(clone, SCHEDULED), atExport, awake),
      });
      // Without catchup a slow cutover may come an interval after the clone's waking: then, and only then, cutover names the clone's as missed.
      const missed = missedIn(cutover, 'newest_only', 5).map((date) => `newest_only ${date} scheduled`);
      const common = ({ clone: theirs }: Awaited<ReturnType<typeof sets>>) => theirs.filter((name) => !missed.includes(name));
      let found = await sets();
      // Both have come to the present when they have made a run of an interval that ended behind the comparison.
      await until('both sides to come to the present', async () => {
        found = await sets();
        const isThere = async (environment: RunningEnvironment) => (await runsOf(environment, ['each_minute', 'by_timedelta'])).filter(({ intervalEnd }) => new Date(intervalEnd ?? 0) > awake).length >= 2;
        return (await isThere(target())) && (await isThere(clone)) && JSON.stringify(found.target) === JSON.stringify(common(found));
      }, { seconds: 150, everyMs: 2000 }).catch((error: unknown) => log?.(String(error)));
      expect(found.target).toEqual(common(found));
      // Nothing is proved by DAGs that had nothing to do.
      for (const dagId of DUE) expect(found.clone.filter((name) => name.startsWith(`${dagId} `)).length).toBeGreaterThan(0);
      // On a machine so slow that its time came before the pause, the source has run it already.
      expect(found.clone.filter((name) => name.startsWith('once_later '))).toHaveLength(atExport.some(({ dagId }) => dagId === 'once_later') ? 0 : 1);
    }, 4 * MINUTES);

    it('leaves alone what had run once, what is due another day and what people start', async () => {
      const known = new Set(atExport.map(nameOf));
      const more = (await runsOf(target(), ['shape', 'by_hand', 'daily', 'monthly'])).map(nameOf).filter((name) => !known.has(name));
      expect(more).toEqual([]);
    }, MINUTES);

    it('runs the consumer of each dataset once, wherever its event came', async () => {
      for (const dagId of CONSUMERS) {
        await until(`${dagId} to have run`, async () => Promise.resolve(Object.values(lives(dagId)).flat().some((line) => line.endsWith(' ok'))), { seconds: 90, everyMs: 1000 });
        const tries = Object.values(lives(dagId));
        expect({ dagId, tries: tries.map((life) => life.map((line) => line.replace(/^\S+ /u, ''))) }).toEqual({ dagId, tries: [['1 begin', '1 ok']] });
        const rows = [...(await runsOf(source(), [dagId])), ...(await runsOf(target(), [dagId]))];
        expect(new Set(rows.map(({ runId }) => runId)).size).toBe(1);
      }
      // The late event came behind the deadline: only the target can have made this run.
      expect((await runsOf(source(), ['needs_a_and_late']))).toEqual([]);
      expect((await runsOf(target(), ['needs_a_and_late'])).map(({ type, state }) => ({ type, state }))).toEqual([{ type: 'dataset_triggered', state: 'success' }]);
      expect(await query(target().databaseUrl, 'SELECT target_dag_id FROM dataset_dag_run_queue')).toEqual([]);
      expect(owedIn(cutover)).toBe(pair.owedEvents);
    }, 4 * MINUTES);
  });

  describe('work in flight, cut by the drain at its deadline', () => {
    const resumed = ['cut_midway', 'waits_for_retry', 'looks_again', 'loses_a_task', 'mapped_work', 'one_after_another', 'only_queued', 'ordered_days'] as const;

    it('comes to its end on the target', async () => {
      for (const dagId of ['cut_midway', 'waits_for_retry', 'looks_again', 'loses_a_task', 'mapped_work', 'only_queued']) await untilStates(target(), dagId, { manual__1: 'success' }, { of: runStatesOf });
      await untilStates(target(), 'one_after_another', { manual__1: 'success', manual__1_next: 'success' }, { of: runStatesOf });
      // The first day had ended on the source; a filter may leave it out.
      await untilStates(target(), 'ordered_days', Object.fromEntries(dayRuns(switching.times.daysFrom, 4).slice(1).map((run) => [run, 'success'])), { of: runStatesOf });
    }, 8 * MINUTES);

    it.each(resumed)('%s: every try stands once in the ledger of both sides, and no retry was lost or given', (dagId) => {
      expect(lives(dagId)).toEqual(livesAfterCut(TARGET, switching.times)[dagId]);
    });

    it('counts tries on from where the source stopped, with as many left', async () => {
      for (const dagId of resumed) {
        const [before, now] = [await triesOf(source(), dagId), await triesOf(target(), dagId)];
        // The ledger says under which number each task instance came to its end; a filter may have left the first day on the source.
        const ended = Object.entries(lives(dagId)).flatMap(([key, life]) => (key in now ? [[key, Number(life.at(-1)?.split(' ')[1])] as const] : []));
        expect(ended.length).toBeGreaterThan(0);
        expect({ dagId, tries: Object.fromEntries(ended.map(([key]) => [key, now[key]?.tries])) }).toEqual({ dagId, tries: Object.fromEntries(ended) });
        const both = ended.map(([key]) => key).filter((key) => key in before);
        expect({ dagId, most: Object.fromEntries(both.map((key) => [key, now[key]?.most])) }).toEqual({ dagId, most: Object.fromEntries(both.map((key) => [key, before[key]?.most])) });
      }
    }, MINUTES);

    it('keeps conf, the results of finished tasks and the order of days', async () => {
      const entries = entriesOf(switching.folder);
      expect(entries.filter(({ dag, event }) => dag === 'one_after_another' && event === 'ok').map(({ run, conf }) => [run, conf])).toEqual([['manual__1', { answer: 41 }], ['manual__1_next', { answer: 42 }]]);
      expect(entries.filter(({ task, event }) => task === 'total' && event === 'ok').map(({ sum }) => sum)).toEqual([60]);
      expect(entries.filter(({ dag, event }) => dag === 'ordered_days' && event === 'ok').map(({ run }) => run)).toEqual(dayRuns(switching.times.daysFrom, 4));
    });

    it('shows a task that is gone from the file as removed, and runs it no more', async () => {
      expect(await statesOf(target(), 'loses_a_task')).toMatchObject({ 'manual__1 never_done': 'removed', 'manual__1 middle': 'success', 'manual__1 last': 'success' });
    }, MINUTES);

    it(`${pair.drain['resume-deferred'] ? 'begins the deferred task anew, as it was told to' : 'leaves the deferred task where it is, its run failed and named'}`, async () => {
      await untilStates(target(), 'deferred_work', { manual__1: pair.drain['resume-deferred'] ? 'success' : 'failed' }, { of: runStatesOf });
      expect(lives('deferred_work')).toEqual(deferredLife(TARGET, pair.drain['resume-deferred']));
      if (!pair.drain['resume-deferred']) {
        expect(exported.summary).toContain('deferred');
        expect(cutover.summary).toMatch(/deferred&#95;work[^\n]*manual/u);
      }
    }, 3 * MINUTES);

    it('never queues the backfill, and says how to finish it', async () => {
      const day = switching.times.backfillDay.toISOString().slice(0, 10), run = `backfill__${day}T00:00:00+00:00`;
      expect(await runStatesOf(target(), 'backfilled_days')).toMatchObject({ [run]: 'failed' });
      expect(lives('backfilled_days')[`${run} fill`]).toEqual([`${SOURCE} 1 begin`, `${SOURCE} 1 fail`]);
      expect(cutover.summary.replace(/&#(\d+);/gu, (_, code: string) => String.fromCodePoint(Number(code)))).toMatch(new RegExp(`dags backfill[^\\n]*${day}[^\\n]*backfilled_days`, 'u'));
    }, MINUTES);
  });

  describe('afterwards', () => {
    it('has on exactly what was on, on one side only', async () => {
      expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE);
      expect(await activeDags(source().databaseUrl)).toEqual([]);
    }, MINUTES);

    it('goes on hour after hour, for which minutes stand here: no interval twice, none left out, no run stuck', async () => {
      const enough = new Date(Math.max(awake.getTime() + MINUTES, Date.now()));
      const present = async () => (await runsOf(target(), ['by_timedelta', 'by_timetable', 'each_minute'])).filter(({ intervalEnd, state }) => state === 'success' && new Date(intervalEnd ?? 0) > enough);
      await until('each frequent schedule to have succeeded again', async () => new Set((await present()).map(({ dagId }) => dagId)).size === 3, { seconds: 240, everyMs: 2000 });
      const all = await runsOf(target());
      const of = (dagId: string) => all.filter((run) => run.dagId === dagId);
      const history = new Set(atExport.map(nameOf));
      const onTarget = (dagId: string) => [...atExport.filter((run) => run.dagId === dagId), ...of(dagId).filter((run) => !history.has(nameOf(run)))];
      expect([['each_minute', 1], ['by_timedelta', 1], ['by_timetable', 2], ['five_minutes_few', 5], ['five_minutes_many', 5]].flatMap(([dagId, minutes]) => gapsIn(onTarget(String(dagId)), Number(minutes)))).toEqual([]);
      expect(gapsIn(onTarget('with_a_hole'), 5)).toHaveLength(1); // the one that was there before
      // Without catchup only the newest that ended in the pause runs, here as on the source itself; every other one has to be named, and none that ran.
      const missed = missedIn(cutover, 'newest_only', 5).map((logicalDate) => ({ dagId: 'newest_only', type: 'scheduled', logicalDate }));
      expect(gapsIn([...onTarget('newest_only'), ...missed], 5)).toEqual(gapsIn(atExport.filter(({ dagId }) => dagId === 'newest_only'), 5));
      const newest = of('newest_only').filter((run) => !history.has(nameOf(run))).map(({ intervalEnd }) => Date.parse(intervalEnd ?? '')).sort((a, b) => a - b)[0];
      expect(newest).toBeGreaterThan(awake.getTime() - 5 * MINUTES);
      // Nothing that the target made is on the source too, and nothing it made is stuck: what is older than a minute has ended.
      const afterwards = (await runsOf(source())).filter((run) => !history.has(nameOf(run)));
      expect(afterwards).toEqual([]);
      expect(all.filter(({ state, intervalEnd, dagId }) => !['success', 'failed'].includes(state) && dagId !== 'backfilled_days' && new Date(intervalEnd ?? 0).getTime() < Date.now() - 2 * MINUTES)).toEqual([]);
      expect(all.filter(({ state }) => state === 'failed').map(({ dagId }) => dagId).filter((dagId) => dagId !== 'backfilled_days' && dagId !== 'deferred_work')).toEqual([]);
    }, 6 * MINUTES);

    it('left no exception in the logs of scheduler and triggerer', () => {
      expect([...exceptionsIn(target()), ...exceptionsIn(source())]).toEqual([]);
    });
  });
});
