/** `<n>/schedules.json`: the next run of every DAG that was active, as of the snapshot. The source's task wrote it; the manifest names its version. */
import type { ActiveDag } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Manifest } from '../metadata/manifest.js';
import { sha256 } from '../plan/canonical.js';
import type { Bucket } from '../ports.js';

export type Schedules = Readonly<{ dags: readonly ActiveDag[]; owedEvents: number }>;

/**
 * @returns undefined: the export wrote none
 * @throws {UserError} when the object is gone, or not the one that was exported
 */
export async function readSchedules(bucket: Bucket, { schedulesRef }: Pick<Manifest, 'schedulesRef'>): Promise<Schedules | undefined> {
  if (!schedulesRef) return undefined;
  const found = await bucket.read(schedulesRef.key, schedulesRef.versionId);
  const value = found && sha256(found.body) === schedulesRef.sha256 ? parse(found.body) : undefined;
  const dags = value?.dags;
  if (Array.isArray(dags) && dags.every((dag) => typeof (dag as { dagId?: unknown } | null)?.dagId === 'string'))
    return { dags: dags as readonly ActiveDag[], owedEvents: Array.isArray(value?.owedEvents) ? value.owedEvents.length : 0 };
  throw new UserError(`s3://${bucket.name}/${schedulesRef.key} is ${found ? 'damaged: it is not what was exported' : 'missing'}.`, 'it says what every DAG of the source would have run next.', 'restore the version that the manifest names (the bucket is versioned), or run phase export again.');
}

/** The DAGs of `active` with the next runs that the snapshot saw, where it saw them. */
export function asOfSnapshot(active: readonly ActiveDag[], seen: readonly ActiveDag[] | undefined): readonly ActiveDag[] {
  const known = new Map(seen?.map((dag) => [dag.dagId, dag]));
  return active.map((dag) => known.get(dag.dagId) ?? dag);
}

function parse(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // The caller says what to do, the same as for a missing one.
  }
}
