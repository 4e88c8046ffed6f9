/** GetObject, HeadObject, GetObjectAttributes. */
import { AwsError, type FrontRequest, type FrontResponse } from '../../front/contract.js';
import { existingTags, present, type Context } from './access.js';
import { invalidArgument, noSuchKey, quoted, versionHeader, xml, type ObjectCall, type Store } from './calls.js';
import { checksumElement } from './checksums.js';
import { checkRead } from './conditions.js';
import { refuseEncryptionHeaders } from './encryption.js';
import { objectHeaders, rangeOf } from './object-headers.js';
import type { Bucket, ObjectVersion } from './state.js';

type Wanted = Readonly<{ request: FrontRequest; bucket: Bucket; key: string; versionId: string | undefined }>;
/** Actions without and with a version id. */
export type ReadAction = readonly [plain: string, ofVersion: string];
export const GET_OBJECT: ReadAction = ['s3:GetObject', 's3:GetObjectVersion'];

/** The versionId of the query. @throws AwsError InvalidArgument for an empty one */
export function versionIdOf({ query }: FrontRequest): string | undefined {
  const versionId = query.get('versionId') ?? undefined;
  if (versionId === '') throw invalidArgument('versionId', '', 'Version id cannot be the empty string');
  return versionId;
}

/**
 * Authorises a read and finds the version. Rights come first, so a missing object is no secret channel: without s3:ListBucket it is a 403.
 * @throws AwsError AccessDenied, NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker by its id)
 */
export function readableVersion({ access }: Store, { request, bucket, key, versionId }: Wanted, actions: ReadAction): ObjectVersion {
  const versions = bucket.versions.get(key) ?? [];
  const found = versionId === undefined ? versions[0] : versions.find((version) => version.versionId === versionId);
  const context: Context = { ...existingTags(found?.tags), ...present('s3:versionid', versionId) };
  access.require({ request, action: versionId === undefined ? actions[0] : actions[1], bucket, key, context });
  if (versionId !== undefined) {
    if (versionId !== 'null' && !/^[A-Za-z0-9._]{32}$/u.test(versionId)) throw invalidArgument('versionId', versionId, 'Invalid version id specified');
    if (found === undefined) throw access.missing(request, bucket, new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, { Key: key, VersionId: versionId }));
    if (found.isDeleteMarker) throw new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, { Method: request.method, ResourceType: 'DeleteMarker', [MARKER]: found });
    return found;
  }
  if (found === undefined) throw access.missing(request, bucket, noSuchKey(key));
  if (found.isDeleteMarker) throw access.missing(request, bucket, new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key, [MARKER]: found }));
  return found;
}

/** Member of an error whose answer has to show that a delete marker is in the way; not rendered into the body. */
export const MARKER = '#deleteMarker';

export function markerHeaders(error: AwsError): Readonly<Record<string, string>> {
  const marker = error.members[MARKER] as ObjectVersion | undefined;
  if (marker === undefined) return {};
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker.versionId, ...(error.status === 405 ? { allow: 'DELETE', 'last-modified': marker.modified.toUTCString() } : {}) };
}

export async function getObject(store: Store, call: ObjectCall): Promise<FrontResponse> {
  return readObject(store, call, async (version, start, end) => store.blobs.read(version.blobs, start, end));
}

/** The same headers without the bytes; KMS is asked only when the checksum is wanted, for only that is decrypted. */
export async function headObject(store: Store, call: ObjectCall): Promise<FrontResponse> {
  return readObject(store, call, () => Promise.resolve(''));
}

async function readObject(store: Store, { request, bucket, key }: ObjectCall, bodyOf: (version: ObjectVersion, start: number, end: number) => Promise<Buffer | string>): Promise<FrontResponse> {
  refuseEncryptionHeaders(request.headers);
  const version = readableVersion(store, { request, bucket, key, versionId: versionIdOf(request) }, GET_OBJECT);
  if (checkRead(request.headers, version) === 'not-modified')
    return { status: 304, headers: { etag: quoted(version.etag), 'last-modified': version.modified.toUTCString(), ...versionHeader(bucket, version) } };
  if (request.method === 'GET' || request.headers['x-amz-checksum-mode'] === 'ENABLED') store.encryption.forRead(request, bucket, version.encryption);
  if (request.principal.kind === 'anonymous' && [...request.query.keys()].some((name) => name.startsWith('response-')))
    throw new AwsError('InvalidRequest', 'Request specific response headers cannot be used for anonymous GET requests.', 400);
  const part = request.query.get('partNumber');
  const range = part === null ? rangeOf(request.headers.range, version.bytes) : partRange(version, part);
  const { start, end } = range ?? { start: 0, end: version.bytes };
  const tagCount = version.tags.size > 0 && store.access.allows({ request, bucket, key, action: 's3:GetObjectTagging' }) ? { 'x-amz-tagging-count': String(version.tags.size) } : {};
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...objectHeaders(bucket, version, request), ...tagCount, 'content-length': String(end - start),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${version.bytes}` }),
      ...(part !== null && version.parts !== undefined ? { 'x-amz-mp-parts-count': String(version.parts.length) } : {}),
    },
    body: await bodyOf(version, start, end),
  };
}

/** @returns undefined for part 1 of an object that came in one piece: the whole object, 200. */
function partRange(version: ObjectVersion, text: string): Readonly<{ start: number; end: number }> | undefined {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 10_000) throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive');
  if (version.parts === undefined && number === 1) return undefined;
  let start = 0;
  // Parts are counted as they lie in the object, whatever numbers they were uploaded under.
  for (const [index, { bytes }] of (version.parts ?? []).entries()) {
    if (index + 1 === number) return { start, end: start + bytes };
    start += bytes;
  }
  throw new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416, { PartNumberRequested: number, ActualPartCount: version.parts?.length ?? 1 });
}

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

export function getObjectAttributes(store: Store, { request, bucket, key }: ObjectCall): FrontResponse {
  refuseEncryptionHeaders(request.headers);
  const versionId = versionIdOf(request);
  const wanted = (request.headers['x-amz-object-attributes'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
  const unknown = wanted.find((name) => !ATTRIBUTES.includes(name));
  if (wanted.length === 0 || unknown !== undefined) throw invalidArgument('x-amz-object-attributes', unknown ?? '', 'Invalid attribute name specified.');
  readableVersion(store, { request, bucket, key, versionId }, GET_OBJECT);
  const version = readableVersion(store, { request, bucket, key, versionId }, ['s3:GetObjectAttributes', 's3:GetObjectVersionAttributes']);
  checkRead(request.headers, version);
  store.encryption.forRead(request, bucket, version.encryption);
  const has = (name: string) => wanted.includes(name), { checksum, parts } = version;
  return xml('GetObjectAttributesResponse', {
    ETag: has('ETag') ? version.etag : undefined,
    Checksum: has('Checksum') && checksum !== undefined ? { [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type } : undefined,
    ObjectParts: has('ObjectParts') && parts !== undefined ? {
      PartsCount: parts.length,
      ...(checksum?.type === 'COMPOSITE' ? {
        PartNumberMarker: 0, MaxParts: 1000, IsTruncated: parts.length > 1000,
        Part: parts.slice(0, 1000).map((part) => ({ PartNumber: part.number, Size: part.bytes, [checksumElement(checksum.algorithm)]: part.checksum })),
      } : {}),
    } : undefined,
    StorageClass: has('StorageClass') ? version.metadata['x-amz-storage-class'] ?? 'STANDARD' : undefined,
    ObjectSize: has('ObjectSize') ? version.bytes : undefined,
  }, { 'last-modified': version.modified.toUTCString(), ...versionHeader(bucket, version) });
}
