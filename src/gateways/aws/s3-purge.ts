/** Removes everything below a prefix for good: versions, delete markers, parts of unfinished uploads. */
import { AbortMultipartUploadCommand, DeleteObjectsCommand, ListMultipartUploadsCommand, ListObjectVersionsCommand, type ObjectIdentifier } from '@aws-sdk/client-s3';
import { UserError } from '../../errors.js';
import { unless, type Caller } from './call.js';
import type { Here, S3 } from './s3-bucket.js';

/** Versions that could not be deleted named in the message; the rest is counted. */
const NAMED = 3;

/** @returns versions, markers and uploads that went */
export async function purgePrefix(client: S3, call: Caller, here: Here, prefix: string): Promise<number> {
  const resource = `s3://${here.Bucket}/${prefix}`;
  let gone = 0;
  for await (const found of versionsBelow(client, call, here, prefix)) {
    if (found.length > 0) await deleteAll(client, call, here, found, resource);
    gone += found.length;
  }
  for await (const { Key, UploadId } of uploadsBelow(client, call, here, prefix)) {
    await call({ action: 's3:AbortMultipartUpload', resource: `s3://${here.Bucket}/${Key}` }, () => unless(['NoSuchUpload'], client.send(new AbortMultipartUploadCommand({ ...here, Key, UploadId }))));
    gone += 1;
  }
  return gone;
}

/** @returns versions, markers and uploads that are there */
export async function countBelow(client: S3, call: Caller, here: Here, prefix: string): Promise<number> {
  let count = 0;
  for await (const found of versionsBelow(client, call, here, prefix)) count += found.length;
  for await (const upload of uploadsBelow(client, call, here, prefix)) count += upload.Key ? 1 : 0;
  return count;
}

/** Page by page: at most 1,000 entries, which is also what DeleteObjects takes. */
async function* versionsBelow(client: S3, call: Caller, here: Here, prefix: string): AsyncGenerator<ObjectIdentifier[]> {
  let keyMarker: string | undefined;
  let versionMarker: string | undefined;
  do {
    const page = await call({ action: 's3:ListBucketVersions', resource: `s3://${here.Bucket}/${prefix}` }, () =>
      client.send(new ListObjectVersionsCommand({ ...here, Prefix: prefix, ...(keyMarker ? { KeyMarker: keyMarker } : {}), ...(versionMarker ? { VersionIdMarker: versionMarker } : {}) })),
    );
    yield [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].flatMap(({ Key, VersionId }) => (Key === undefined ? [] : [{ Key, ...(VersionId ? { VersionId } : {}) }]));
    keyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
    versionMarker = page.IsTruncated ? page.NextVersionIdMarker : undefined;
  } while (keyMarker);
}

async function deleteAll(client: S3, call: Caller, here: Here, objects: ObjectIdentifier[], resource: string): Promise<void> {
  const answer = await call({ action: 's3:DeleteObjectVersion', resource }, () => client.send(new DeleteObjectsCommand({ ...here, Delete: { Objects: objects, Quiet: true } })));
  const failed = answer.Errors ?? [];
  if (failed.length === 0) return;
  const named = failed.slice(0, NAMED).map(({ Key, Code }) => `${Key ?? '?'} (${Code ?? 'no code'})`).join(', ');
  throw new UserError(
    `${failed.length} of ${objects.length} object versions below ${resource} could not be deleted.`,
    `S3 refused ${named}${failed.length > NAMED ? ', …' : ''}; exported data would stay behind.`,
    'allow s3:DeleteObject and s3:DeleteObjectVersion there, look for an object lock or legal hold, and run the phase again.',
  );
}

async function* uploadsBelow(client: S3, call: Caller, here: Here, prefix: string): AsyncGenerator<Readonly<{ Key: string; UploadId: string }>> {
  let keyMarker: string | undefined;
  let uploadMarker: string | undefined;
  do {
    const page = await call({ action: 's3:ListBucketMultipartUploads', resource: `s3://${here.Bucket}/${prefix}` }, () =>
      client.send(new ListMultipartUploadsCommand({ ...here, Prefix: prefix, ...(keyMarker ? { KeyMarker: keyMarker } : {}), ...(uploadMarker ? { UploadIdMarker: uploadMarker } : {}) })),
    );
    for (const { Key, UploadId } of page.Uploads ?? []) if (Key !== undefined && UploadId !== undefined) yield { Key, UploadId };
    keyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
    uploadMarker = page.IsTruncated ? page.NextUploadIdMarker : undefined;
  } while (keyMarker);
}
