/** Whether the source stood still since the snapshot: what happened there afterwards would be lost. */
import { isOwnDagId } from '../airflow/own-dags.js';
import { UserError } from '../errors.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Mwaa, SourceEnvironment } from '../ports.js';

const PAGE = 100;

/** @throws {UserError} that names the DAGs that are active, or the runs that came after the manifest's snapshot */
export async function requireStill(source: Pick<SourceEnvironment, 'listActiveDagIds' | 'name'>, mwaa: Pick<Mwaa, 'rest'>, { snapshotAt, inFlight }: Pick<Manifest, 'snapshotAt' | 'inFlight'>, phase: string): Promise<void> {
  const active = await source.listActiveDagIds();
  if (active.length > 0)
    throw new UserError(
      `${active.length === 1 ? '1 DAG' : `${active.length} DAGs`} of ${source.name} ${active.length === 1 ? 'is' : 'are'} active again: ${shorten(active)}.`,
      'what runs there since the export would be missing on the target, or run on both sides.',
      `pause what is active and run phase export with mode: final again, then ${phase}.`,
    );
  const known = new Set(inFlight.map(({ dagId, runId }) => nameOf(dagId, runId)));
  // A run that is triggered in a paused DAG has no start date: it stays queued for ever, and would be on neither side.
  const queued = (await listRuns(mwaa, source.name, { states: ['queued'] })).filter((run) => !known.has(run));
  const runs = [...new Set([...(await listRuns(mwaa, source.name, { start_date_gte: snapshotAt })), ...queued])];
  if (runs.length > 0)
    throw new UserError(
      `${runs.length === 1 ? '1 DAG run' : `${runs.length} DAG runs`} began or were queued on ${source.name} after the snapshot of ${snapshotAt}: ${shorten(runs)}.`,
      'the export does not hold them.',
      `stop what triggers them, then run phase export with mode: final again (or delete those runs), then ${phase}.`,
    );
}

/** `<dag> / <run>`, without our own DAG. POST, because a list over all DAGs by GET cannot be filtered within 64 characters of path. */
async function listRuns(mwaa: Pick<Mwaa, 'rest'>, environment: string, filter: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const found: string[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const { status, body } = await mwaa.rest(environment, { path: '/dags/~/dagRuns/list', method: 'POST', body: { ...filter, page_limit: PAGE, page_offset: offset } });
    if (status !== 200)
      throw new UserError(`Airflow of ${environment} answered ${status} when asked for its newest DAG runs.`, 'whether the source stood still since the export cannot be told.', 'look whether the environment is healthy and the role\'s Airflow role may read DAG runs, then run this phase again.');
    const runs = isRecord(body) && Array.isArray(body.dag_runs) ? (body.dag_runs as readonly unknown[]) : [];
    for (const run of runs) if (isRecord(run) && typeof run.dag_id === 'string' && !isOwnDagId(run.dag_id)) found.push(nameOf(run.dag_id, String(run.dag_run_id)));
    if (runs.length < PAGE) return found;
  }
}

const nameOf = (dagId: string, runId: string) => `${dagId} / ${runId}`;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
