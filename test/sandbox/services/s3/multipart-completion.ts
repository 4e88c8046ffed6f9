/** CompleteMultipartUpload: the parts become an object, or the caller learns what is wrong with his list. */
import { createHash, randomBytes } from 'node:crypto';
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { quoted, versionHeader, xml, type ObjectCall, type Store } from './calls.js';
import { checksumElement, checksumHeader, compositeChecksum, digestOf, type Checksum } from './checksums.js';
import { beginWrite } from './conditions.js';
import { encryptionHeaders } from './encryption.js';
import { uploadOf } from './multipart.js';
import { commit, requireWrite } from './object-writes.js';
import type { Upload, UploadedPart } from './state.js';
import { malformedXml, parseXml, type XmlNode } from './xml.js';

/** Of every part but the last. */
export const MIN_PART_BYTES = 5 * 1024 * 1024;

export async function completeMultipartUpload(store: Store, call: ObjectCall): Promise<FrontResponse> {
  const { request: { headers, body }, request, bucket, key } = call;
  requireWrite(store, call, new Map(), true);
  const upload = uploadOf(call);
  const parts = listedParts(upload, parseXml(body, 'CompleteMultipartUpload').list('Part'));
  const bytes = parts.reduce((sum, { blob }) => sum + blob.bytes, 0);
  const said = headers['x-amz-mp-object-size'];
  if (said !== undefined && Number(said) !== bytes) throw new AwsError('InvalidRequest', `The provided 'x-amz-mp-object-size' header does not match what was computed: ${said} != ${bytes}`, 400);
  if (headers['x-amz-checksum-type'] !== undefined && headers['x-amz-checksum-type'] !== (upload.checksumType ?? 'FULL_OBJECT'))
    throw new AwsError('InvalidRequest', `The upload was created with the checksum type ${upload.checksumType ?? 'FULL_OBJECT'}; the complete request says ${headers['x-amz-checksum-type']}.`, 400);
  store.encryption.forRead(request, bucket, upload.encryption);
  const write = beginWrite(headers, bucket, key);
  const checksum = await checksumOfParts(store, upload, parts);
  const sent = headers[checksumHeader(checksum.algorithm)];
  if (sent !== undefined && sent !== checksum.value)
    throw new AwsError('BadDigest', `The ${checksum.algorithm.toLowerCase()} you specified did not match the calculated checksum.`, 400);
  if (!bucket.uploads.has(upload.id)) uploadOf(call); // somebody else finished or aborted it while the checksum was made
  const left = [...upload.parts.values()].filter((part) => !parts.includes(part)).map(({ blob }) => blob);
  // A failed condition leaves the upload as it was, so `commit` may not let the parts' bytes go: it holds them a second time.
  const blobs = parts.map(({ blob }) => blob);
  store.blobs.keep(blobs);
  const added = await commit(store, bucket, write.confirm, {
    key, isDeleteMarker: false, modified: store.now(), etag: etagOfParts(upload, parts), bytes, blobs, metadata: upload.metadata, tags: upload.tags, encryption: upload.encryption, checksum,
    parts: parts.map((part) => ({ number: part.number, bytes: part.blob.bytes, checksum: part.checksum })),
  });
  bucket.uploads.delete(upload.id);
  await store.blobs.release([...blobs, ...left]);
  return xml('CompleteMultipartUploadResult', {
    Location: `https://${bucket.name}.s3.${bucket.region}.amazonaws.com/${encodeURIComponent(key)}`, Bucket: bucket.name, Key: key, ETag: quoted(added.etag),
    [checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type,
  }, { ...versionHeader(bucket, added), ...encryptionHeaders(upload.encryption) });
}

/** @throws AwsError MalformedXML, InvalidPartOrder, InvalidPart, InvalidRequest, EntityTooSmall */
function listedParts(upload: Upload, listed: readonly XmlNode[]): readonly UploadedPart[] {
  if (listed.length === 0 || listed.length > 10_000) throw malformedXml();
  let before = 0;
  const parts = listed.map((node) => {
    const number = Number(node.text('PartNumber') ?? ''), etag = node.text('ETag');
    if (!Number.isInteger(number) || number < 1 || etag === undefined) throw malformedXml();
    if (number <= before) throw new AwsError('InvalidPartOrder', 'The list of parts was not in ascending order. The parts list must be specified in order by part number.', 400, { UploadId: upload.id });
    before = number;
    const part = upload.parts.get(number);
    if (part === undefined || part.etag !== etag.trim().replace(/^"(.*)"$/u, '$1')) throw invalidPart(upload, number, etag);
    checkListedChecksum(upload, part, node);
    return part;
  });
  parts.slice(0, -1).forEach(({ number, etag, blob }) => {
    if (blob.bytes < MIN_PART_BYTES)
      throw new AwsError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400, { ProposedSize: blob.bytes, MinSizeAllowed: MIN_PART_BYTES, PartNumber: number, ETag: etag });
  });
  return parts;
}

function invalidPart(upload: Upload, number: number, etag: string): AwsError {
  return new AwsError('InvalidPart', 'One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part\'s entity tag.', 400,
    { UploadId: upload.id, PartNumber: number, ETag: etag });
}

/** An upload with checksums of checksums wants each of them again: a caller who lists only ETags is refused. */
function checkListedChecksum(upload: Upload, part: UploadedPart, node: XmlNode): void {
  const algorithm = upload.checksumAlgorithm;
  if (algorithm === undefined) return;
  const listed = node.text(checksumElement(algorithm));
  if (listed === undefined && upload.checksumType === 'COMPOSITE')
    throw new AwsError('InvalidRequest', `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.number} in the request.`, 400);
  if (listed !== undefined && listed !== part.checksum) throw invalidPart(upload, part.number, part.etag);
}

async function checksumOfParts(store: Store, upload: Upload, parts: readonly UploadedPart[]): Promise<Checksum> {
  const algorithm = upload.checksumAlgorithm ?? 'CRC64NVME';
  if (upload.checksumType === 'COMPOSITE') return { algorithm, type: 'COMPOSITE', value: compositeChecksum(algorithm, parts.map(({ checksum }) => checksum!)) };
  const digest = digestOf(algorithm);
  for await (const piece of store.blobs.stream(parts.map(({ blob }) => blob))) digest.update(piece);
  return { algorithm, type: 'FULL_OBJECT', value: digest.base64() };
}

function etagOfParts(upload: Upload, parts: readonly UploadedPart[]): string {
  const hex = upload.encryption.algorithm === 'AES256'
    ? createHash('md5').update(Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')))).digest('hex')
    : randomBytes(16).toString('hex');
  return `${hex}-${parts.length}`;
}
