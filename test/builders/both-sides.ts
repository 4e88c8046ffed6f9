/** The two Airflows of a world, as far as the switch moves them: what is active, in flight, ended, parked, resumed. Keeps state as the real ones do. */
import type { ActivateData, BusyTask, Canary, DeactivateData, DrainData, InFlightRun, Job, OvertakenRun, RanOnTarget, RestoreData } from '../../src/airflow/protocol.js';

type Side = 'source' | 'target';
type Ran = RanOnTarget['runs'][number];
const keyOf = ({ dagId, runId }: Readonly<{ dagId: string; runId: string }>) => `${dagId} / ${runId}`;
const refill = <K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>) => {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
};

export class BothSides {
  /** dagId → paused. */
  readonly dags: Record<Side, Map<string, boolean>> = { source: new Map([['nightly_load', false], ['hourly', false], ['old', true]]), target: new Map([['nightly_load', true], ['hourly', true], ['old', true]]) };
  /** Runs of the source without a final state; `ended` is what a drain will have to end. */
  inFlight: readonly InFlightRun[] = [];
  /** Attempt → run → task instances that its drain has ended. */
  readonly ended = new Map<number, ReadonlyMap<string, number>>();
  /** Parked runs of the target: 'parked', 'queued' (nothing of it began) or 'resumed'. */
  readonly parked = new Map<string, 'parked' | 'queued' | 'resumed'>();
  /** Runs that the target's scheduler made by itself since cutover. */
  made: readonly Ran[] = [];
  /** Runs of DAGs that somebody had activated on the target by hand. */
  madeByHand: readonly Ran[] = [];
  /** What rollback wrote on the source. */
  readonly onSource = new Map<string, 'stand-in' | 'left failed' | 'success'>();
  /** Runs of DAGs that somebody had activated on the source before restore came there. */
  overtaken: readonly OvertakenRun[] = [];
  /** How the runs that went on at the target stand there when it is paused. */
  resumedAs = 'running';
  /** Attempts whose rollback has told the source what the target ran. */
  readonly settled = new Set<number>();
  /** DAGs of the target that its rollback has paused, by any try. */
  readonly pausedByUs = new Set<string>();
  /** Attempts that have activated something. */
  readonly switched = new Set<number>();
  /** What must never happen, in the order in which it did. */
  readonly accidents: string[] = [];

  copyInto(copy: BothSides): void {
    refill(copy.dags.source, this.dags.source);
    refill(copy.dags.target, this.dags.target);
    refill(copy.ended, this.ended);
    refill(copy.parked, this.parked);
    refill(copy.onSource, this.onSource);
    copy.inFlight = this.inFlight;
    copy.made = this.made;
    copy.madeByHand = this.madeByHand;
    copy.resumedAs = this.resumedAs;
    copy.overtaken = this.overtaken;
    for (const dagId of this.pausedByUs) copy.pausedByUs.add(dagId);
    for (const attempt of this.switched) copy.switched.add(attempt);
    for (const attempt of this.settled) copy.settled.add(attempt);
    copy.accidents.push(...this.accidents);
  }

  active(side: Side): readonly string[] {
    return [...this.dags[side]].filter(([, isPaused]) => !isPaused).map(([dagId]) => dagId).sort();
  }

  /** @returns whether it changed */
  private unpause(side: Side, dagId: string): boolean {
    const other = side === 'source' ? 'target' : 'source';
    if (this.dags[other].get(dagId) === false) this.accidents.push(`${dagId} is active on both sides`);
    const was = this.dags[side].get(dagId);
    this.dags[side].set(dagId, false);
    return was === true;
  }

  drain(job: Job): DrainData {
    const paused = this.active('source');
    for (const dagId of paused) this.dags.source.set(dagId, true);
    const before = [job.attempt, ...job.earlierAttempts].flatMap((attempt) => [...(this.ended.get(attempt) ?? [])]);
    const known = new Set(before.map(([run]) => run));
    const now = this.inFlight.filter((run) => run.ended > 0 && !known.has(keyOf(run))).map((run) => [keyOf(run), run.ended] as const);
    this.ended.set(job.attempt, new Map([...(this.ended.get(job.attempt) ?? []), ...now]));
    return { paused, leftover: this.inFlight, waitedSeconds: 12, ended: [...before, ...now].reduce((sum, [, count]) => sum + count, 0) };
  }

  import(): void {
    for (const run of this.inFlight) if (!this.parked.has(keyOf(run))) this.parked.set(keyOf(run), 'parked');
  }

  activate(job: Job, given: Readonly<{ left?: readonly Readonly<{ dagId: string; reason: string }>[]; canaries?: readonly Canary[] }>): ActivateData {
    if (job.activeDags.length > 0) this.switched.add(job.attempt);
    const failed = given.canaries?.find(({ state }) => state !== 'green');
    const stopped = failed ? `canary ${failed.dagId} ${failed.state === 'late' ? 'was not over in time' : 'failed'}` : null;
    const isCanary = (dagId: string) => job.cutover.canary.includes(dagId);
    const left = [...(given.left ?? []), ...(stopped === null ? [] : job.activeDags.filter(({ dagId }) => !isCanary(dagId)).map(({ dagId }) => ({ dagId, reason: stopped })))];
    const wanted = job.activeDags.map(({ dagId }) => dagId).filter((dagId) => !left.some((one) => one.dagId === dagId));
    const already = wanted.filter((dagId) => this.dags.target.get(dagId) === false);
    for (const dagId of wanted.filter((one) => !already.includes(one))) {
      // Queued in the transaction that activates: never the other way round.
      for (const run of this.inFlight) if (run.dagId === dagId && run.fate === 'resume' && this.parked.get(keyOf(run)) === 'parked') this.parked.set(keyOf(run), 'resumed');
      this.unpause('target', dagId);
    }
    const ours = this.inFlight.filter(({ dagId }) => wanted.includes(dagId));
    return {
      activated: wanted.filter((dagId) => !already.includes(dagId)), alreadyActive: already, left, canaries: given.canaries ?? [], stopped,
      resumed: ours.filter((run) => this.parked.get(keyOf(run)) !== 'parked').map(({ dagId, runId }) => ({ dagId, runId })),
      notResumed: ours.filter((run) => this.parked.get(keyOf(run)) === 'parked').map(({ dagId, runId, fate }) => ({ dagId, runId, fate: fate === 'resume' ? 'changed' : fate, command: fate === 'backfill' ? `airflow dags backfill ${dagId}` : null })),
      missed: [], queuedEvents: 0, next: wanted.map((dagId) => ({ dagId, nextDagrun: '2026-11-23T00:00:00Z', createAfter: '2026-11-24T00:00:00Z', why: 'continues the source\'s history' })),
    };
  }

  /** Tasks that run on the target, as its rows name them; at most 20. */
  busy(count: number): readonly BusyTask[] {
    return Array.from({ length: Math.min(count, 20) }, (_, at) => ({ dagId: 'hourly', runId: 'cut', taskId: `task_${at}`, mapIndex: at === 0 ? 3 : -1, since: '2026-11-22T09:58:00Z' }));
  }

  /** @param write writes ran.json and gives its reference */
  deactivate(job: Job, stillRunning: number, write: (ran: RanOnTarget) => DeactivateData['ran']): DeactivateData {
    for (const dagId of this.active('target')) this.pausedByUs.add(dagId);
    for (const dagId of this.pausedByUs) this.dags.target.set(dagId, true);
    const paused = [...this.pausedByUs].sort();
    const made = [...(this.switched.has(job.attempt) ? this.made : []), ...this.madeByHand];
    if ((!this.switched.has(job.attempt) && made.length === 0) || stillRunning > 0) return { paused, stillRunning, busy: this.busy(stillRunning), ran: null, runs: 0 };
    for (const [run, state] of this.parked) if (state === 'queued') this.parked.set(run, 'parked');
    const resumed = this.inFlight.filter((run) => this.parked.get(keyOf(run)) === 'resumed').map(({ dagId, runId, runType }): Ran =>
      ({ dagId, runId, kind: 'resumed', runType, state: this.resumedAs, logicalDate: '2026-11-22T00:00:00Z', intervalStart: null, intervalEnd: null, tasksEnded: 1, tasks: [{ taskId: 'last', mapIndex: -1, state: 'up_for_retry' }, { taskId: 'slow', mapIndex: 2, state: 'success' }], ...(this.resumedAs === 'running' ? { cut: true } : {}) }));
    const ran = { runs: [...made, ...resumed] };
    return { paused, stillRunning, ran: write(ran), runs: ran.runs.length };
  }

  restore(job: Job, ran: RanOnTarget | undefined): RestoreData {
    if (!ran && (this.switched.has(job.attempt) || this.madeByHand.length > 0) && !this.settled.has(job.attempt)) this.accidents.push('the source goes on without knowing what the target ran');
    const standIns = (ran?.runs ?? []).filter(({ kind, runType }) => kind === 'new' && runType === 'scheduled');
    const resumed = (ran?.runs ?? []).filter(({ kind }) => kind === 'resumed');
    const succeeded = resumed.filter(({ state }) => state === 'success'), leftFailed = resumed.filter(({ state }) => state !== 'success');
    this.settled.add(job.attempt);
    for (const run of standIns) this.onSource.set(keyOf(run), 'stand-in');
    for (const run of leftFailed) this.onSource.set(keyOf(run), 'left failed');
    for (const run of succeeded) this.onSource.set(keyOf(run), 'success');
    let putBack = 0;
    for (const attempt of [job.attempt, ...job.earlierAttempts]) {
      const ended = this.ended.get(attempt) ?? new Map<string, number>();
      for (const [run, count] of ended) putBack += this.onSource.has(run) ? 0 : count;
      this.ended.delete(attempt);
    }
    const there = job.activeDags.map(({ dagId }) => dagId).filter((dagId) => this.dags.source.has(dagId));
    const activated = there.filter((dagId) => this.unpause('source', dagId));
    const name = ({ dagId, runId }: Ran) => ({ dagId, runId });
    return { activated, missing: job.activeDags.map(({ dagId }) => dagId).filter((dagId) => !there.includes(dagId)), putBack, standIns: standIns.map(name), leftFailed: leftFailed.map(name), succeeded: succeeded.map(name), overtaken: ran ? this.overtaken : [], queuedEvents: ran?.events?.length ?? 0, unknownEvents: [] };
  }
}
