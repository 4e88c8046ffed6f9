import type { ActiveDag } from '../airflow/protocol.js';
import type { Order, SourceEnvironment } from '../ports.js';

/** Makes exactly the recorded DAGs active again. @returns those that the source no longer has */
export async function restoreSource(source: Pick<SourceEnvironment, 'run' | 'listActiveDagIds'>, order: Order, active: readonly ActiveDag[]): Promise<readonly string[]> {
  // A drain that aborted put everything back by itself: another DAG file, and minutes of waiting for it, are not needed.
  const now = new Set(await source.listActiveDagIds());
  if (active.every(({ dagId }) => now.has(dagId))) return [];
  const { missing } = await source.run('restore', order);
  return missing;
}
