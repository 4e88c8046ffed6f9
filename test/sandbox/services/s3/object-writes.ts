/** PutObject, and what every operation that creates an object shares. */
import { createHash, randomBytes } from 'node:crypto';
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { requestTags, writeContext } from './access.js';
import { empty, quoted, versionHeader, type ObjectCall, type Store } from './calls.js';
import { checksumHeader, checksumOf, sentChecksum, type Checksum } from './checksums.js';
import { beginWrite } from './conditions.js';
import { encryptionHeaders } from './encryption.js';
import { metadataOf } from './object-headers.js';
import { addVersion, type Bucket, type Encryption, type ObjectVersion, type Tags } from './state.js';
import { tagsOfHeader } from './tags.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_SINGLE_BYTES = 5 * 1024 ** 3;

/** Rights of every operation that creates an object. If-Match reads, so it needs the right to read. */
export function requireWrite({ access }: Store, { request, bucket, key }: ObjectCall, tags: Tags, creates: boolean): void {
  const { account } = request.principal.kind === 'anonymous' ? bucket : request.principal;
  const context = { ...writeContext(request.headers, bucket.region, account, tags), 's3:objectcreationoperation': [String(creates)] };
  access.require({ request, action: 's3:PutObject', bucket, key, context });
  if (tags.size > 0) access.require({ request, action: 's3:PutObjectTagging', bucket, key, context: requestTags(tags) });
  if (request.headers['x-amz-acl'] !== undefined) access.require({ request, action: 's3:PutObjectAcl', bucket, key, context });
  if (request.headers['if-match'] !== undefined) access.require({ request, action: 's3:GetObject', bucket, key });
}

/** MD5 of the bytes, except under SSE-KMS: nobody may rely on it being one. */
export const etagOf = (bytes: Buffer, encryption: Encryption): string =>
  (encryption.algorithm === 'AES256' ? createHash('md5').update(bytes).digest('hex') : randomBytes(16).toString('hex'));

/** @throws AwsError BadDigest, InvalidDigest when Content-MD5 says something else than the bytes */
export function checkContentMd5(header: string | undefined, body: Buffer): void {
  if (header === undefined) return;
  if (Buffer.from(header, 'base64').length !== 16) throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.', 400, { 'Content-MD5': header });
  const calculated = createHash('md5').update(body).digest('base64');
  if (calculated !== header) throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400, { ExpectedDigest: header, CalculatedDigest: calculated });
}

export async function putObject(store: Store, call: ObjectCall): Promise<FrontResponse> {
  const { request: { headers, body }, request, bucket, key } = call;
  const tags = tagsOfHeader(headers['x-amz-tagging']);
  requireWrite(store, call, tags, true);
  const metadata = metadataOf(request);
  if (body.length > MAX_SINGLE_BYTES) throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400, { ProposedSize: body.length, MaxSizeAllowed: MAX_SINGLE_BYTES });
  checkContentMd5(headers['content-md5'], body);
  const encryption = store.encryption.forWrite(request, bucket, key);
  const write = beginWrite(headers, bucket, key);
  const checksum: Checksum = { ...(sentChecksum(headers) ?? { algorithm: 'CRC64NVME', value: checksumOf('CRC64NVME', body) }), type: 'FULL_OBJECT' };
  const blob = await store.blobs.write(body);
  const added = await commit(store, bucket, write.confirm,
    { key, isDeleteMarker: false, modified: store.now(), etag: etagOf(body, encryption), bytes: body.length, blobs: [blob], metadata, tags, encryption, checksum, parts: undefined });
  return empty(200, { etag: quoted(added.etag), ...versionHeader(bucket, added), ...encryptionHeaders(encryption), [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': 'FULL_OBJECT' });
}

/** Makes written bytes an object, or lets them go when the condition failed meanwhile. */
export async function commit(store: Store, bucket: Bucket, confirm: () => void, version: Omit<ObjectVersion, 'versionId'>): Promise<ObjectVersion> {
  try {
    confirm();
  } catch (error) {
    await store.blobs.release(version.blobs);
    throw error;
  }
  const { added, replaced } = addVersion(bucket, version);
  for (const old of replaced) await store.blobs.release(old.blobs);
  return added;
}
