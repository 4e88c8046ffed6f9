import { UserError } from '../errors.js';
import type { Bucket } from '../ports.js';

/** Where values of variables and connections lie. With the dot: "variable." must not take "variable_history.csv.gz" along. */
export const secretPlaces = (prefix: string, attempts: readonly number[], tables: readonly string[]): readonly string[] => tables.flatMap((name) => attempts.map((attempt) => `${prefix}${attempt}/export/${name}.`));

/**
 * Removes the objects of the secret tables: every version, every delete marker, every open upload. A second pass and a listing prove it.
 * @param places of `secretPlaces`
 * @param phase that is run again where something came back
 * @returns versions, markers and uploads that went
 */
export async function removeSecrets(bucket: Bucket, places: readonly string[], phase: 'import' | 'rollback'): Promise<number> {
  let removed = 0;
  for (const below of places) {
    removed += await bucket.purge(below);
    const again = await bucket.purge(below);
    let left = 0;
    for await (const object of bucket.list(below)) left += object.key ? 1 : 0;
    if (again > 0 || left > 0)
      throw new UserError(
        `Exported secrets came back below s3://${bucket.name}/${below}: ${again + left} objects after they were removed.`,
        'somebody writes there; values of variables or connections must not stay in the bucket, encrypted as they are.',
        `find out who (replication, a second export), then run phase ${phase} again: it only removes what is left.`,
      );
  }
  return removed;
}
