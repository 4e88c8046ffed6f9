import type { ActiveDag, RestoreData } from '../airflow/protocol.js';
import type { Order, SourceEnvironment } from '../ports.js';

/**
 * Makes exactly the recorded DAGs active again, and puts back what the drain has ended.
 * @param mayHaveEnded false: no task was ended, so that nothing is left to do once every DAG is active
 */
export async function restoreSource(source: Pick<SourceEnvironment, 'run' | 'listActiveDagIds'>, order: Order, active: readonly ActiveDag[], mayHaveEnded: boolean): Promise<RestoreData> {
  // A drain that aborted put everything back by itself: another DAG file, and minutes of waiting for it, are not needed.
  if (!mayHaveEnded) {
    const now = new Set(await source.listActiveDagIds());
    if (active.every(({ dagId }) => now.has(dagId))) return { activated: [], missing: [], putBack: 0, standIns: [], leftFailed: [] };
  }
  return await source.run('restore', order);
}
