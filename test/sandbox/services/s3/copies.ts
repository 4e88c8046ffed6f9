/** CopyObject, and the source of every server-side copy. */
import { createHash, randomBytes } from 'node:crypto';
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { existingTags } from './access.js';
import { copySourceOf } from './address.js';
import { expectOwner } from './buckets.js';
import { quoted, versionHeader, xml, type ObjectCall, type Store } from './calls.js';
import { checksumAlgorithm, checksumElement, digestOf, type Checksum } from './checksums.js';
import { beginWrite, checkRead } from './conditions.js';
import { encryptionHeaders } from './encryption.js';
import { metadataOf } from './object-headers.js';
import { GET_OBJECT, readableVersion } from './object-reads.js';
import { commit, MAX_SINGLE_BYTES, requireWrite } from './object-writes.js';
import type { Bucket, Encryption, ObjectVersion } from './state.js';
import { tagsOfHeader } from './tags.js';

export type Source = Readonly<{ bucket: Bucket; version: ObjectVersion; versionId: string | undefined }>;

/** The source of CopyObject and UploadPartCopy, with the rights to read it. */
export function findSource(store: Store, { request }: ObjectCall): Source {
  const { bucket: name, key, versionId } = copySourceOf(request.headers['x-amz-copy-source']!);
  const bucket = store.buckets.get(name);
  if (bucket === undefined) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: name });
  const expected = request.headers['x-amz-source-expected-bucket-owner'];
  if (expected !== undefined) expectOwner(bucket, expected, 'x-amz-source-expected-bucket-owner');
  let version: ObjectVersion;
  try {
    version = readableVersion(store, { request, bucket, key, versionId }, GET_OBJECT);
  } catch (error) {
    if (error instanceof AwsError && error.status === 405) throw new AwsError('InvalidRequest', 'The source of a copy request may not specifically refer to a delete marker by version id.', 400);
    throw error;
  }
  checkRead(request.headers, version, 'x-amz-copy-source-');
  store.encryption.forRead(request, bucket, version.encryption);
  return { bucket, version, versionId };
}

export const sourceHeaders = ({ bucket, version }: Source): Readonly<Record<string, string>> =>
  (bucket.versioning === undefined ? {} : { 'x-amz-copy-source-version-id': version.versionId });

export async function copyObject(store: Store, call: ObjectCall): Promise<FrontResponse> {
  const { request: { headers }, request, bucket, key } = call;
  const source = findSource(store, call), from = source.version;
  const directive = directiveOf(headers, 'x-amz-metadata-directive'), tagDirective = directiveOf(headers, 'x-amz-tagging-directive');
  if (from.bytes > MAX_SINGLE_BYTES) throw new AwsError('InvalidRequest', `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_BYTES}`, 400);
  if (tagDirective === 'COPY' && from.tags.size > 0)
    store.access.require({ request, action: source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging', bucket: source.bucket, key: from.key, context: existingTags(from.tags) });
  const tags = tagDirective === 'COPY' ? from.tags : tagsOfHeader(headers['x-amz-tagging']);
  requireWrite(store, call, tags, true);
  const sent = metadataOf(request);
  // The source's storage class stays behind: a copy is STANDARD unless it says otherwise.
  const kept = Object.fromEntries(Object.entries(from.metadata).filter(([name]) => name !== 'x-amz-storage-class'));
  const storageClass = sent['x-amz-storage-class'];
  const metadata = directive === 'REPLACE' ? sent : { ...kept, ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }) };
  const onItself = source.bucket === bucket && from.key === key && source.versionId === undefined;
  if (onItself && directive === 'COPY' && storageClass === undefined && headers['x-amz-server-side-encryption'] === undefined && headers['x-amz-website-redirect-location'] === undefined)
    throw new AwsError('InvalidRequest', "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.", 400);
  const encryption = store.encryption.forWrite(request, bucket, key);
  const write = beginWrite(headers, bucket, key);
  const { checksum, etag } = await copiedDigests(store, from, headers['x-amz-checksum-algorithm'], encryption);
  store.blobs.keep(from.blobs);
  const added = await commit(store, bucket, write.confirm,
    { key, isDeleteMarker: false, modified: store.now(), etag, bytes: from.bytes, blobs: from.blobs, metadata, tags, encryption, checksum, parts: undefined });
  return xml('CopyObjectResult', { LastModified: added.modified, ETag: quoted(etag), [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type },
    { ...versionHeader(bucket, added), ...sourceHeaders(source), ...encryptionHeaders(encryption) });
}

function directiveOf(headers: Readonly<Record<string, string>>, name: string): 'COPY' | 'REPLACE' {
  const value = headers[name] ?? 'COPY';
  if (value !== 'COPY' && value !== 'REPLACE') throw new AwsError('InvalidArgument', `Unknown ${name === 'x-amz-metadata-directive' ? 'metadata' : 'tagging'} directive.`, 400, { ArgumentName: name, ArgumentValue: value });
  return value;
}

/** A copy is one object whatever its source was: MD5 and checksum are of the whole, not of parts. */
async function copiedDigests(store: Store, from: ObjectVersion, wanted: string | undefined, encryption: Encryption): Promise<Readonly<{ checksum: Checksum; etag: string }>> {
  const algorithm = wanted === undefined ? from.checksum?.algorithm ?? 'CRC64NVME' : checksumAlgorithm(wanted);
  const known = from.checksum?.type === 'FULL_OBJECT' && from.checksum.algorithm === algorithm ? from.checksum.value : undefined;
  const md5 = createHash('md5'), digest = digestOf(algorithm);
  for await (const piece of store.blobs.stream(from.blobs)) {
    md5.update(piece);
    if (known === undefined) digest.update(piece);
  }
  const etag = encryption.algorithm === 'AES256' ? md5.digest('hex') : randomBytes(16).toString('hex');
  return { etag, checksum: { algorithm, type: 'FULL_OBJECT', value: known ?? digest.base64() } };
}
