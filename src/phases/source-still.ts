/** Whether the source stood still since the snapshot: what happened there afterwards would be lost. */
import { UserError } from '../errors.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Mwaa, SourceEnvironment } from '../ports.js';
import { listRuns, type RunSeen } from './runs-by-rest.js';

/** @throws {UserError} that names the DAGs that are active, or the runs that came after the manifest's snapshot */
export async function requireStill(source: Pick<SourceEnvironment, 'listActiveDagIds' | 'name'>, mwaa: Pick<Mwaa, 'rest'>, { snapshotAt, inFlight }: Pick<Manifest, 'snapshotAt' | 'inFlight'>, phase: string): Promise<void> {
  const active = await source.listActiveDagIds();
  if (active.length > 0)
    throw new UserError(
      `${active.length === 1 ? '1 DAG' : `${active.length} DAGs`} of ${source.name} ${active.length === 1 ? 'is' : 'are'} active again: ${shorten(active)}.`,
      'what runs there since the export would be missing on the target, or run on both sides.',
      `pause what is active and run phase export with mode: final again, then ${phase}.`,
    );
  const known = new Set(inFlight.map(nameOf));
  // A run that is triggered in a paused DAG has no start date: it stays queued for ever, and would be on neither side.
  const queued = (await namesOf(mwaa, source.name, { states: ['queued'] })).filter((run) => !known.has(run));
  const runs = [...new Set([...(await namesOf(mwaa, source.name, { start_date_gte: snapshotAt })), ...queued])];
  if (runs.length > 0)
    throw new UserError(
      `${runs.length === 1 ? '1 DAG run' : `${runs.length} DAG runs`} began or were queued on ${source.name} after the snapshot of ${snapshotAt}: ${shorten(runs)}.`,
      'the export does not hold them.',
      `stop what triggers them, then run phase export with mode: final again (or delete those runs), then ${phase}.`,
    );
}

const namesOf = async (mwaa: Pick<Mwaa, 'rest'>, environment: string, filter: Readonly<Record<string, unknown>>): Promise<readonly string[]> =>
  (await listRuns(mwaa, environment, filter)).runs.map(nameOf);

const nameOf = ({ dagId, runId }: RunSeen) => `${dagId} / ${runId}`;
const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
