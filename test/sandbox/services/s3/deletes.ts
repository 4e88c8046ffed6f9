/** DeleteObject and DeleteObjects. */
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { present } from './access.js';
import { empty, xml, type BucketCall, type ObjectCall, type Store } from './calls.js';
import { sentChecksum } from './checksums.js';
import { checkDelete } from './conditions.js';
import { versionIdOf } from './object-reads.js';
import { checkContentMd5 } from './object-writes.js';
import { addVersion, removeVersion, type Bucket } from './state.js';
import { malformedXml, parseXml } from './xml.js';

export async function deleteObject(store: Store, { request, bucket, key }: ObjectCall): Promise<FrontResponse> {
  return empty(204, deletedHeaders(bucket, await deleteOne(store, { request, bucket, key }, versionIdOf(request), request.headers['if-match'])));
}

type Deleted = Readonly<{ isMarker: boolean; versionId: string | undefined }>;

const deletedHeaders = (bucket: Bucket, { isMarker, versionId }: Deleted): Readonly<Record<string, string>> => ({
  ...(isMarker ? { 'x-amz-delete-marker': 'true' } : {}), ...(versionId === undefined || bucket.versioning === undefined ? {} : { 'x-amz-version-id': versionId }),
});

/** Without a version id: a delete marker where there is versioning, else the object goes. A missing object is no error. */
async function deleteOne(store: Store, { request, bucket, key }: ObjectCall, versionId: string | undefined, match: string | undefined): Promise<Deleted> {
  const context = { ...present('s3:versionid', versionId), ...present('s3:if-match', match) };
  store.access.require({ request, action: versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion', bucket, key, context });
  if (match !== undefined && match.trim() !== '*') store.access.require({ request, action: 's3:GetObject', bucket, key });
  checkDelete(match, bucket, key);
  if (versionId !== undefined || bucket.versioning === undefined) {
    const removed = removeVersion(bucket, key, versionId ?? 'null');
    if (removed !== undefined) await store.blobs.release(removed.blobs);
    return { isMarker: removed?.isDeleteMarker ?? false, versionId };
  }
  const { added, replaced } = addVersion(bucket,
    { key, isDeleteMarker: true, modified: store.now(), etag: '', bytes: 0, blobs: [], metadata: {}, tags: new Map(), encryption: { algorithm: 'AES256' }, checksum: undefined, parts: undefined });
  for (const old of replaced) await store.blobs.release(old.blobs);
  return { isMarker: true, versionId: added.versionId };
}

/** Up to 1,000 keys, each with rights of its own: a refused one is an entry of a 200. */
export async function deleteObjects(store: Store, { request, bucket }: BucketCall): Promise<FrontResponse> {
  const { headers, body } = request;
  if (headers['content-md5'] === undefined && sentChecksum(headers) === undefined)
    throw new AwsError('InvalidRequest', 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*', 400);
  checkContentMd5(headers['content-md5'], body);
  const list = parseXml(body, 'Delete'), objects = list.list('Object'), isQuiet = list.text('Quiet') === 'true';
  if (objects.length === 0 || objects.length > 1000) throw malformedXml();
  const deleted: Record<string, string | boolean | undefined>[] = [], errors: Record<string, string | undefined>[] = [];
  for (const object of objects) {
    const key = object.text('Key'), versionId = object.text('VersionId') || undefined;
    if (key === undefined || key === '') throw malformedXml();
    try {
      const { isMarker, versionId: id } = await deleteOne(store, { request, bucket, key }, versionId, object.text('ETag'));
      if (!isQuiet) deleted.push({ Key: key, VersionId: versionId, DeleteMarker: isMarker || undefined, DeleteMarkerVersionId: isMarker ? id : undefined });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      errors.push({ Key: key, VersionId: versionId, Code: error.code, Message: error.message });
    }
  }
  return xml('DeleteResult', { Deleted: deleted, Error: errors });
}
