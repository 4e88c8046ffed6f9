/** `<n>/active-dags.json`: which DAGs were active on the source before anything was paused. Asked later, that has only wrong answers. */
import type { ActiveDag } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Bucket } from '../ports.js';

const SCHEMA = 1;
const keyOf = (prefix: string, attempt: number) => `${prefix}${attempt}/active-dags.json`;

/**
 * Written once per attempt; what an earlier try wrote stands.
 * @param earlier attempts that paused the source and did not put it back, the newest first: their DAGs are not seen as active now
 */
export async function rememberActiveDags(bucket: Bucket, prefix: string, attempt: number, seen: readonly ActiveDag[], earlier: readonly number[]): Promise<readonly ActiveDag[]> {
  const known = new Map(seen.map((dag) => [dag.dagId, dag]));
  for (const number of earlier) for (const dag of await readActiveDags(bucket, prefix, number)) if (!known.has(dag.dagId)) known.set(dag.dagId, dag);
  const dags = [...known.values()].sort((a, b) => (a.dagId < b.dagId ? -1 : 1));
  const outcome = await bucket.writeOnce(keyOf(prefix, attempt), `${JSON.stringify({ schema: SCHEMA, attempt, dags }, undefined, 1)}\n`);
  return outcome === 'written' ? dags : await readActiveDags(bucket, prefix, attempt);
}

/** @throws {UserError} when it is missing or damaged */
export async function readActiveDags(bucket: Bucket, prefix: string, attempt: number): Promise<readonly ActiveDag[]> {
  const key = keyOf(prefix, attempt);
  const found = await bucket.read(key);
  let value: unknown;
  try {
    value = found && JSON.parse(found.body.toString('utf8'));
  } catch {
    value = undefined; // The same message as for a missing one: what to do is the same.
  }
  const dags = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>).dags : undefined;
  if (Array.isArray(dags) && dags.every((dag) => typeof (dag as { dagId?: unknown } | null)?.dagId === 'string')) return dags as readonly ActiveDag[];
  throw new UserError(`s3://${bucket.name}/${key} is ${found ? 'damaged' : 'missing'}.`, 'it is the only record of which DAGs were active before the source was paused.', 'restore its first version (the bucket is versioned), then run this phase again.');
}
