import type { ActiveDag, RestoreData, RunName } from '../airflow/protocol.js';
import type { Order, SourceEnvironment } from '../ports.js';

/** What a restore left in the journal; a repeated rollback reports from it. */
export type Restored = Omit<RestoreData, 'activated'> & Readonly<{ activated: number }>;

const NOTHING = { activated: [], missing: [], putBack: 0, standIns: [], leftFailed: [] } as const satisfies RestoreData;

/**
 * Makes exactly the recorded DAGs active again, and puts back what the drain has ended.
 * @param mayHaveEnded false: no task was ended, so that nothing is left to do once every DAG is active
 */
export async function restoreSource(source: Pick<SourceEnvironment, 'run' | 'listActiveDagIds'>, order: Order, active: readonly ActiveDag[], mayHaveEnded: boolean): Promise<RestoreData> {
  // A drain that aborted put everything back by itself: another DAG file, and minutes of waiting for it, are not needed.
  if (!mayHaveEnded) {
    const now = new Set(await source.listActiveDagIds());
    if (active.every(({ dagId }) => now.has(dagId))) return NOTHING;
  }
  return await source.run('restore', order);
}

/** As the journal gives it back; an export that aborted has recorded less than a rollback does. */
export const restoredBefore = (data: Readonly<Record<string, unknown>> | undefined): Restored => ({ ...NOTHING, activated: 0, ...data });

/**
 * Tries those again that had no file on the source when it was put back. Airflow wakes most by itself when their file is back; it does not
 * where it had deleted them, or a person has paused them since. Where Airflow had deleted them, nothing of what the target ran could be
 * settled then: it is told again, so that the source runs none of it.
 * @param orderFor an order of `restore` for these DAGs, with what the target ran
 */
export async function restoreMissing(source: Pick<SourceEnvironment, 'run' | 'listActiveDagIds'>, active: readonly ActiveDag[], before: Restored, orderFor: (still: readonly ActiveDag[]) => Promise<Order>): Promise<Restored> {
  if (before.missing.length === 0) return before;
  const missing = new Set(before.missing), now = new Set(await source.listActiveDagIds());
  const still = active.filter(({ dagId }) => missing.has(dagId) && !now.has(dagId));
  if (still.length === 0) return { ...before, missing: [] };
  return withMissing(before, await source.run('restore', await orderFor(still)), new Set(still.map(({ dagId }) => dagId)));
}

/** What was said then of a DAG stays, for a person may have acted on it; of those tried now, what has become of them is added. */
function withMissing(before: Restored, found: RestoreData, tried: ReadonlySet<string>): Restored {
  const added = (then: readonly RunName[] = [], now: readonly RunName[] = []) => {
    const known = new Set(then.map(keyOf));
    return [...then, ...now.filter((run) => tried.has(run.dagId) && !known.has(keyOf(run)))];
  };
  return {
    ...before, activated: before.activated + found.activated.length, missing: found.missing,
    standIns: added(before.standIns, found.standIns), leftFailed: added(before.leftFailed, found.leftFailed), succeeded: added(before.succeeded, found.succeeded),
    // The newer list holds the older one: both are read from what the attempt keeps.
    ...(found.overtaken ? { overtaken: found.overtaken } : {}),
    queuedEvents: (before.queuedEvents ?? 0) + (found.queuedEvents ?? 0), unknownEvents: [...new Set([...(before.unknownEvents ?? []), ...(found.unknownEvents ?? [])])],
  };
}

const keyOf = ({ dagId, runId }: RunName): string => JSON.stringify([dagId, runId]);
