/** Whether the source stood still since the snapshot: what happened there afterwards would be lost. */
import type { LookData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Mwaa, SourceEnvironment } from '../ports.js';
import { listRuns, type RunSeen } from './runs-by-rest.js';

/** @throws {UserError} that names the DAGs that are active, or the runs that came after the manifest's snapshot */
export async function requireStill(source: Pick<SourceEnvironment, 'listActiveDagIds' | 'lookInside' | 'name'>, mwaa: Pick<Mwaa, 'rest'>, { snapshotAt, inFlight }: Pick<Manifest, 'snapshotAt' | 'inFlight'>, phase: string): Promise<void> {
  const seen = source.lookInside ? await source.lookInside(snapshotAt) : await lookByRest(source, mwaa, snapshotAt);
  // A dry run of an environment that is only asked from inside; its log says that nobody has looked.
  if (!seen) return;
  const active = seen.activeDags;
  if (active.length > 0)
    throw new UserError(
      `${active.length === 1 ? '1 DAG' : `${active.length} DAGs`} of ${source.name} ${active.length === 1 ? 'is' : 'are'} active again: ${shorten(active)}.`,
      'what runs there since the export would be missing on the target, or run on both sides.',
      `pause what is active and run phase export with mode: final again, then ${phase}.`,
    );
  const known = new Set(inFlight.map(nameOf));
  // A run that is triggered in a paused DAG has no start date: it stays queued for ever, and would be on neither side.
  const queued = seen.queued.map(nameOf).filter((run) => !known.has(run));
  const runs = [...new Set([...seen.began.map(nameOf), ...queued])];
  if (runs.length > 0)
    throw new UserError(
      `${runs.length === 1 ? '1 DAG run' : `${runs.length} DAG runs`} began or were queued on ${source.name} after the snapshot of ${snapshotAt}: ${shorten(runs)}.`,
      'the export does not hold them.',
      `stop what triggers them, then run phase export with mode: final again (or delete those runs), then ${phase}.`,
    );
}

async function lookByRest(source: Pick<SourceEnvironment, 'listActiveDagIds' | 'name'>, mwaa: Pick<Mwaa, 'rest'>, since: string): Promise<LookData> {
  const activeDags = await source.listActiveDagIds();
  // What is active decides already, and says more.
  if (activeDags.length > 0) return { activeDags, began: [], queued: [] };
  const { runs: queued } = await listRuns(mwaa, source.name, { states: ['queued'] });
  return { activeDags, queued, began: (await listRuns(mwaa, source.name, { start_date_gte: since })).runs };
}

const nameOf = ({ dagId, runId }: RunSeen) => `${dagId} / ${runId}`;
const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
