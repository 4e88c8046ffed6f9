/** Whether the source stood still since the snapshot: what happened there afterwards would be lost. */
import { isOwnDagId } from '../airflow/own-dags.js';
import { UserError } from '../errors.js';
import type { Mwaa, SourceEnvironment } from '../ports.js';

const PAGE = 100;

/** @throws {UserError} that names the DAGs that are active, or the runs that began after `snapshotAt` (ISO 8601 UTC) */
export async function requireStill(source: Pick<SourceEnvironment, 'listActiveDagIds' | 'name'>, mwaa: Pick<Mwaa, 'rest'>, snapshotAt: string, phase: string): Promise<void> {
  const active = await source.listActiveDagIds();
  if (active.length > 0)
    throw new UserError(
      `${active.length} DAGs of ${source.name} are active again: ${shorten(active)}.`,
      'what they do since the export would be missing on the target, or run on both sides.',
      `pause them and run phase export with mode: final again, then ${phase}.`,
    );
  const runs = await runsSince(mwaa, source.name, snapshotAt);
  if (runs.length > 0)
    throw new UserError(
      `${runs.length} DAG runs began on ${source.name} after the snapshot of ${snapshotAt}: ${shorten(runs)}.`,
      'the export does not hold them.',
      `run phase export with mode: final again, then ${phase}.`,
    );
}

/** `<dag> / <run>`, without our own DAG. POST, because a list over all DAGs by GET cannot be filtered within 64 characters of path. */
async function runsSince(mwaa: Pick<Mwaa, 'rest'>, environment: string, snapshotAt: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const { status, body } = await mwaa.rest(environment, { path: '/dags/~/dagRuns/list', method: 'POST', body: { start_date_gte: snapshotAt, page_limit: PAGE, page_offset: offset } });
    if (status !== 200)
      throw new UserError(`Airflow of ${environment} answered ${status} when asked for its newest DAG runs.`, 'whether the source stood still since the export cannot be told.', 'look whether the environment is healthy and the role\'s Airflow role may read DAG runs, then run this phase again.');
    const runs = isRecord(body) && Array.isArray(body.dag_runs) ? (body.dag_runs as readonly unknown[]) : [];
    for (const run of runs) if (isRecord(run) && typeof run.dag_id === 'string' && !isOwnDagId(run.dag_id)) found.push(`${run.dag_id} / ${String(run.dag_run_id)}`);
    if (runs.length < PAGE) return found;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
