import { isOwnDagFile } from '../airflow/own-dags.js';
import { UserError } from '../errors.js';
import { folderOf } from '../plan/placement.js';
import type { Bucket, Log, StoredObject } from '../ports.js';
import { isCopied, OWNER, type Copier } from './copy-objects.js';
import { inParallel } from './in-parallel.js';

/** Requests under way at once: enough to hide latency, far below S3's 3,500 writes per second and prefix. */
const LIMIT = 48;

export type DagCopy = Readonly<{
  /** Objects in the source's folder. */
  files: number;
  copied: readonly string[];
  unchanged: number;
  /** Written by us before, and gone from the source: removed from the target. */
  removed: readonly string[];
  /** In the target's folder, but neither on the source nor ours: left alone. */
  foreign: readonly string[];
}>;

/** The DAG folder, whole, without our own files. A second run copies nothing. With `isDry` nothing is written. */
export async function copyDags(
  { from, to, copier, log }: Readonly<{ from: Bucket; to: Bucket; copier: Copier; log: Pick<Log, 'info'> }>,
  folders: Readonly<{ source: string; target: string }>, migrationId: string, isDry: boolean,
): Promise<DagCopy> {
  const sourceFolder = `${folderOf(folders.source)}/`, targetFolder = `${folderOf(folders.target)}/`;
  const [wanted, there] = await Promise.all([listBelow(from, sourceFolder), listBelow(to, targetFolder)]);
  if (wanted.size === 0)
    throw new UserError(
      `There is no DAG file below s3://${from.name}/${sourceFolder}`,
      'an environment without DAGs would look as if the migration had lost them.',
      'check the source\'s DagS3Path, and that the source role may list that folder.',
    );
  let done = 0;
  const outcomes = await inParallel([...wanted], LIMIT, async ([path, object]) => {
    const isThere = await isCopied(to, object, there.get(path));
    if (!isThere && !isDry) await copier.copy({ key: object.key, etag: object.etag, bytes: object.bytes }, targetFolder + path);
    done += 1;
    if (done % 1000 === 0) log.info(`DAG folder: ${done} of ${wanted.size} objects are right`);
    return isThere ? undefined : path;
  });
  const copied = outcomes.filter((path) => path !== undefined);
  const extra = [...there].filter(([path]) => !wanted.has(path));
  const mine = await inParallel(extra, LIMIT, async ([path, { key }]) => {
    const isOurs = (await to.head(key))?.metadata[OWNER] === migrationId;
    if (isOurs && !isDry) await to.remove(key);
    return { path, isOurs };
  });
  return {
    files: wanted.size, copied, unchanged: wanted.size - copied.length,
    removed: mine.filter(({ isOurs }) => isOurs).map(({ path }) => path), foreign: mine.filter(({ isOurs }) => !isOurs).map(({ path }) => path),
  };
}

/** Path below the folder → object. Markers that consoles make for folders are no files. */
async function listBelow(bucket: Bucket, folder: string): Promise<ReadonlyMap<string, StoredObject>> {
  const found = new Map<string, StoredObject>();
  for await (const object of bucket.list(folder)) {
    const path = object.key.slice(folder.length);
    if (path !== '' && !path.endsWith('/') && !isOwnDagFile(object.key)) found.set(path, object);
  }
  return found;
}
