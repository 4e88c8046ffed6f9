/** Uploads in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
import { randomBytes } from 'node:crypto';
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { empty, invalidArgument, quoted, xml, type ObjectCall, type Store } from './calls.js';
import { checksumAlgorithm, checksumElement, checksumHeader, checksumOf, sentChecksum, type ChecksumAlgorithm, type ChecksumType } from './checksums.js';
import { findSource, sourceHeaders } from './copies.js';
import { encryptionHeaders } from './encryption.js';
import { metadataOf, rangeOf } from './object-headers.js';
import { checkContentMd5, etagOf, MAX_SINGLE_BYTES, requireWrite } from './object-writes.js';
import { canonicalId, type Upload, type UploadedPart } from './state.js';
import { tagsOfHeader } from './tags.js';

export const MAX_PARTS = 10_000;

export function createMultipartUpload(store: Store, call: ObjectCall): FrontResponse {
  const { request: { headers, principal }, request, bucket, key } = call;
  const tags = tagsOfHeader(headers['x-amz-tagging']);
  requireWrite(store, call, tags, false);
  const metadata = metadataOf(request);
  const encryption = store.encryption.forWrite(request, bucket, key);
  const { algorithm, type } = checksumsOfUpload(headers);
  const upload: Upload = {
    id: randomBytes(48).toString('base64url'), key, initiated: store.now(), owner: principal.kind === 'anonymous' ? 'anonymous' : canonicalId(principal.account),
    metadata, tags, encryption, checksumAlgorithm: algorithm, checksumType: type, parts: new Map(),
  };
  bucket.uploads.set(upload.id, upload);
  return xml('InitiateMultipartUploadResult', { Bucket: bucket.name, Key: key, UploadId: upload.id },
    { ...encryptionHeaders(encryption), ...(algorithm === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type! }) });
}

/** CRC64NVME knows whole objects only, SHA only checksums of checksums. */
function checksumsOfUpload(headers: Readonly<Record<string, string>>): Readonly<{ algorithm: ChecksumAlgorithm | undefined; type: ChecksumType | undefined }> {
  const name = headers['x-amz-checksum-algorithm'], wanted = headers['x-amz-checksum-type'];
  if (name === undefined) {
    if (wanted !== undefined) throw new AwsError('InvalidRequest', 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.', 400);
    return { algorithm: undefined, type: undefined };
  }
  const algorithm = checksumAlgorithm(name);
  const possible: readonly ChecksumType[] = algorithm === 'CRC64NVME' ? ['FULL_OBJECT'] : algorithm.startsWith('SHA') ? ['COMPOSITE'] : ['COMPOSITE', 'FULL_OBJECT'];
  const type = possible.find((one) => one === (wanted ?? possible[0]));
  if (type === undefined) throw new AwsError('InvalidRequest', `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`, 400);
  return { algorithm, type };
}

/** @throws AwsError NoSuchUpload 404, which also a finished or aborted upload answers */
export function uploadOf({ request, bucket, key }: ObjectCall): Upload {
  const id = request.query.get('uploadId') ?? '';
  const upload = bucket.uploads.get(id);
  if (upload === undefined || upload.key !== key)
    throw new AwsError('NoSuchUpload', 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.', 404, { UploadId: id });
  return upload;
}

function partNumberOf({ request: { query } }: ObjectCall): number {
  const text = query.get('partNumber') ?? '', number = Number(text);
  if (!/^\d+$/u.test(text) || number < 1 || number > MAX_PARTS) throw invalidArgument('partNumber', text, `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`);
  return number;
}

export async function uploadPart(store: Store, call: ObjectCall): Promise<FrontResponse> {
  const { request: { headers, body }, request, bucket } = call;
  requireWrite(store, call, new Map(), false);
  const number = partNumberOf(call), upload = uploadOf(call);
  checkContentMd5(headers['content-md5'], body);
  const sent = sentChecksum(headers);
  checkPartAlgorithm(upload, sent?.algorithm);
  store.encryption.forRead(request, bucket, upload.encryption);
  const part = await storePart(store, upload, number, body, upload.checksumAlgorithm === undefined ? undefined : sent?.value);
  return empty(200, { etag: quoted(part.etag), ...encryptionHeaders(upload.encryption), ...(sent === undefined ? {} : { [checksumHeader(sent.algorithm)]: sent.value }) });
}

/** An upload without an algorithm takes what SDKs send by default; one with checksums of checksums wants that of each part. */
function checkPartAlgorithm({ checksumAlgorithm, checksumType }: Upload, sent: ChecksumAlgorithm | undefined): void {
  if (checksumAlgorithm === undefined || sent === checksumAlgorithm || (sent === undefined && checksumType === 'FULL_OBJECT')) return;
  throw new AwsError('InvalidRequest', `Checksum Type mismatch occurred, expected checksum Type: ${checksumAlgorithm.toLowerCase()}, actual checksum Type: ${sent?.toLowerCase() ?? 'null'}`, 400);
}

async function storePart(store: Store, upload: Upload, number: number, bytes: Buffer, checksum: string | undefined): Promise<UploadedPart> {
  if (bytes.length > MAX_SINGLE_BYTES) throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', 400, { ProposedSize: bytes.length, MaxSizeAllowed: MAX_SINGLE_BYTES });
  const blob = await store.blobs.write(bytes);
  const part: UploadedPart = {
    number, blob, etag: etagOf(bytes, upload.encryption), modified: store.now(),
    checksum: checksum ?? (upload.checksumAlgorithm === undefined ? undefined : checksumOf(upload.checksumAlgorithm, bytes)),
  };
  const before = upload.parts.get(number);
  upload.parts.set(number, part);
  if (before !== undefined) await store.blobs.release([before.blob]);
  return part;
}

export async function uploadPartCopy(store: Store, call: ObjectCall): Promise<FrontResponse> {
  const { request: { headers }, request, bucket } = call;
  const source = findSource(store, call), { version } = source;
  requireWrite(store, call, new Map(), false);
  const number = partNumberOf(call), upload = uploadOf(call);
  const range = copyRange(headers['x-amz-copy-source-range'], version.bytes);
  if (range.end - range.start > MAX_SINGLE_BYTES) throw new AwsError('InvalidRequest', `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SINGLE_BYTES}`, 400);
  store.encryption.forRead(request, bucket, upload.encryption);
  const part = await storePart(store, upload, number, await store.blobs.read(version.blobs, range.start, range.end), undefined);
  return xml('CopyPartResult', { LastModified: part.modified, ETag: quoted(part.etag), ...partChecksum(upload, part) }, { ...sourceHeaders(source), ...encryptionHeaders(upload.encryption) });
}

/** Unlike a GET's, this range has to be whole and inside the source. */
function copyRange(header: string | undefined, bytes: number): Readonly<{ start: number; end: number }> {
  if (header === undefined) return { start: 0, end: bytes };
  const found = /^bytes=(\d+)-(\d+)$/u.exec(header);
  if (found === null) throw invalidArgument('x-amz-copy-source-range', header, 'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy');
  if (Number(found[2]) >= bytes) throw invalidArgument('x-amz-copy-source-range', header, `Range specified is not valid for source object of size: ${bytes}`);
  return rangeOf(header, bytes) ?? { start: 0, end: bytes };
}

export const partChecksum = (upload: Upload, part: UploadedPart): Readonly<Record<string, string>> =>
  (upload.checksumAlgorithm === undefined || part.checksum === undefined ? {} : { [checksumElement(upload.checksumAlgorithm)]: part.checksum });

export async function abortMultipartUpload(store: Store, call: ObjectCall): Promise<FrontResponse> {
  store.access.require({ ...call, action: 's3:AbortMultipartUpload' });
  const upload = uploadOf(call);
  call.bucket.uploads.delete(upload.id);
  await store.blobs.release([...upload.parts.values()].map(({ blob }) => blob));
  return empty(204);
}
