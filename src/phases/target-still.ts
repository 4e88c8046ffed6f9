/** Whether the target stood still until cutover: whoever is active there before has not got its parked runs, and maybe the wrong next run. */
import { UserError } from '../errors.js';
import type { Mwaa, TargetEnvironment } from '../ports.js';
import { listRuns, type RunSeen } from './runs-by-rest.js';

/** @throws {UserError} that names the DAGs that somebody has activated by hand */
export async function requireTargetPaused(target: Pick<TargetEnvironment, 'listActiveDagIds' | 'name'>, because: string, fix: string): Promise<void> {
  const active = await target.listActiveDagIds();
  if (active.length === 0) return;
  throw new UserError(
    `${active.length === 1 ? '1 DAG' : `${active.length} DAGs`} of ${target.name} ${active.length === 1 ? 'is' : 'are'} active: ${active.slice(0, 10).join(', ')}${active.length > 10 ? ', …' : ''}.`,
    because, fix,
  );
}

/**
 * Runs that began on the target after the import: of a DAG that was activated by hand and paused again, or triggered.
 * @param since ISO 8601, when the import had ended
 */
export async function runsSinceImport(mwaa: Pick<Mwaa, 'rest'>, environment: string, since: string): Promise<readonly RunSeen[]> {
  return (await listRuns(mwaa, environment, { start_date_gte: since }, 500)).runs;
}
