/** `<n>/deactivate/ran.json`: what the target ran between cutover and rollback; the result of `deactivate` names its version. */
import type { ObjectRef, RanOnTarget } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { sha256 } from '../plan/canonical.js';
import type { Bucket } from '../ports.js';

/** @throws {UserError} when the object is gone, or not the one that was written */
export async function readRan(bucket: Bucket, { key, versionId, sha256: expected }: ObjectRef): Promise<RanOnTarget> {
  const found = await bucket.read(key, versionId);
  const value = found && sha256(found.body) === expected ? (JSON.parse(found.body.toString('utf8')) as Partial<RanOnTarget>) : undefined;
  if (Array.isArray(value?.runs)) return { runs: value.runs, ...(value.events ? { events: value.events } : {}) };
  throw new UserError(`s3://${bucket.name}/${key} is ${found ? 'damaged: it is not what was written' : 'missing'}.`, 'it is the only record of what the target ran, which the source must not run again.', 'restore the version that the journal names (the bucket is versioned), then run phase rollback again.');
}
