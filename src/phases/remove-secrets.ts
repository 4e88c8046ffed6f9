import { UserError } from '../errors.js';
import type { Manifest } from '../metadata/manifest.js';
import type { Bucket } from '../ports.js';

/**
 * Removes the objects of the secret tables: every version, every delete marker, every open upload. A second pass and a listing prove it.
 * @param attempts also the final exports before the imported one: nobody else comes back for what they wrote
 * @returns versions, markers and uploads that went
 */
export async function removeSecrets(bucket: Bucket, prefix: string, attempts: readonly number[], manifest: Manifest): Promise<number> {
  let removed = 0;
  // With the dot: "variable." must not take "variable_history.csv.gz" along.
  const places = manifest.tables.filter(({ secret }) => secret).flatMap(({ name }) => attempts.map((attempt) => `${prefix}${attempt}/export/${name}.`));
  for (const below of places) {
    removed += await bucket.purge(below);
    const again = await bucket.purge(below);
    let left = 0;
    for await (const object of bucket.list(below)) left += object.key ? 1 : 0;
    if (again > 0 || left > 0)
      throw new UserError(
        `Exported secrets came back below s3://${bucket.name}/${below}: ${again + left} objects after they were removed.`,
        'somebody writes there; values of variables or connections must not stay in the bucket, encrypted as they are.',
        'find out who (replication, a second export), then run phase import again: it only removes what is left.',
      );
  }
  return removed;
}
