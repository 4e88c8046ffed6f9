/** Headers that travel with an object: kept on a write, given back on a read. */
import { AwsError, type FrontRequest } from '../../front/contract.js';
import { checksumHeader } from './checksums.js';
import { quoted, versionHeader } from './calls.js';
import { encryptionHeaders } from './encryption.js';
import type { Bucket, Metadata, ObjectVersion } from './state.js';

const KEPT = ['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires', 'x-amz-website-redirect-location'];
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const MAX_USER_METADATA_BYTES = 2048;
const STORAGE_CLASSES = ['STANDARD', 'REDUCED_REDUNDANCY', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER', 'DEEP_ARCHIVE', 'GLACIER_IR'];

/** @throws AwsError MetadataTooLarge, InvalidStorageClass, AccessControlListNotSupported, NotImplemented */
export function metadataOf({ headers }: Pick<FrontRequest, 'headers'>): Metadata {
  const user = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  const bytes = user.reduce((sum, [name, value]) => sum + Buffer.byteLength(name.slice('x-amz-meta-'.length)) + Buffer.byteLength(value), 0);
  if (bytes > MAX_USER_METADATA_BYTES)
    throw new AwsError('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', 400, { Size: bytes, MaxSizeAllowed: MAX_USER_METADATA_BYTES });
  const storageClass = headers['x-amz-storage-class'] ?? 'STANDARD';
  if (!STORAGE_CLASSES.includes(storageClass)) throw new AwsError('InvalidStorageClass', 'The storage class you specified is not valid', 400, { StorageClassRequested: storageClass });
  if ((headers['x-amz-acl'] ?? 'bucket-owner-full-control') !== 'bucket-owner-full-control' && headers['x-amz-acl'] !== 'private' || Object.keys(headers).some((name) => name.startsWith('x-amz-grant-')))
    throw new AwsError('AccessControlListNotSupported', 'The bucket does not allow ACLs', 400);
  const lock = Object.keys(headers).find((name) => name.startsWith('x-amz-object-lock-'));
  if (lock !== undefined) throw new AwsError('InvalidRequest', 'Bucket is missing Object Lock Configuration', 400);
  const kept = KEPT.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
  const { 'content-encoding': encoding, ...rest } = Object.fromEntries(kept);
  const withoutChunks = encoding?.split(',').map((part) => part.trim()).filter((part) => part !== 'aws-chunked' && part !== '').join(',');
  return {
    'content-type': 'binary/octet-stream', ...rest, ...(withoutChunks ? { 'content-encoding': withoutChunks } : {}), ...Object.fromEntries(user),
    ...(storageClass === 'STANDARD' ? {} : { 'x-amz-storage-class': storageClass }),
  };
}

/** What GET and HEAD say of a version, without length and range. */
export function objectHeaders(bucket: Bucket, version: ObjectVersion, request: FrontRequest): Readonly<Record<string, string>> {
  const shown = request.headers['x-amz-checksum-mode'] === 'ENABLED' && request.headers.range === undefined && !request.query.has('partNumber') ? version.checksum : undefined;
  const overrides = [...request.query].filter(([name]) => name.startsWith('response-')).map(([name, value]) => [name.slice('response-'.length), value] as const);
  return {
    ...version.metadata, ...Object.fromEntries(overrides), 'accept-ranges': 'bytes', etag: quoted(version.etag), 'last-modified': version.modified.toUTCString(),
    ...versionHeader(bucket, version), ...encryptionHeaders(version.encryption),
    ...(shown === undefined ? {} : { [checksumHeader(shown.algorithm)]: shown.value, 'x-amz-checksum-type': shown.type }),
  };
}

export type ByteRange = Readonly<{ start: number; end: number }>;

/** @returns start and exclusive end; undefined: the whole object, also for a header that makes no sense (RFC 9110). @throws AwsError InvalidRange 416 */
export function rangeOf(header: string | undefined, bytes: number): ByteRange | undefined {
  const found = /^bytes=(\d*)-(\d*)$/u.exec(header?.trim() ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const unsatisfiable = () => new AwsError('InvalidRange', 'The requested range is not satisfiable', 416, { RangeRequested: header!, ActualObjectSize: bytes });
  if (found[1] === '') {
    const last = Number(found[2]);
    if (last === 0 || bytes === 0) throw unsatisfiable();
    return { start: Math.max(0, bytes - last), end: bytes };
  }
  const start = Number(found[1]), end = found[2] === '' ? bytes : Number(found[2]) + 1;
  if (found[2] !== '' && end <= start) return undefined;
  if (start >= bytes) throw unsatisfiable();
  return { start, end: Math.min(end, bytes) };
}
