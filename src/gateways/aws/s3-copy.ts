/** Server-side copies: no byte passes through the runner. */
import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, HeadObjectCommand, UploadPartCopyCommand, type CompletedPart } from '@aws-sdk/client-s3';
import { InternalError } from '../../errors.js';
import type { Caller } from './call.js';
import type { Here, S3 } from './s3-bucket.js';

/** Largest object CopyObject takes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const MAX_COPY_BYTES = 5 * 1024 ** 3;
/** At most 10,000 parts of 5 MiB to 5 GiB an upload, objects up to 5 TiB: 1 GiB parts reach 5 TiB with 5,120. */
const PART_BYTES = 1024 ** 3;

export type CopySource = Readonly<{ bucket: string; ownerAccountId: string; key: string; versionId?: string | undefined; bytes: number }>;

/** @param metadata replaces the object's own when given */
export async function copyObject(client: S3, call: Caller, here: Here, from: CopySource, key: string, metadata?: Readonly<Record<string, string>>): Promise<Readonly<{ versionId: string | undefined }>> {
  // Each segment encoded by itself: "/" stays, "+" and non-ASCII letters survive the header.
  const path = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`;
  const source = { CopySource: from.versionId ? `${path}?versionId=${encodeURIComponent(from.versionId)}` : path, ExpectedSourceBucketOwner: from.ownerAccountId };
  const asked = { action: from.versionId ? 's3:GetObjectVersion and s3:PutObject' : 's3:GetObject and s3:PutObject', resource: `s3://${from.bucket}/${from.key} → s3://${here.Bucket}/${key}` };
  if (from.bytes <= MAX_COPY_BYTES) {
    const answer = await call(asked, () =>
      client.send(new CopyObjectCommand({ ...here, ...source, Key: key, ...(metadata ? { MetadataDirective: 'REPLACE', Metadata: { ...metadata } } : {}) })),
    );
    return { versionId: answer.VersionId };
  }
  return await copyInParts(client, call, here, from, source, key, metadata, asked);
}

async function copyInParts(
  client: S3, call: Caller, here: Here, from: CopySource, source: Readonly<{ CopySource: string; ExpectedSourceBucketOwner: string }>,
  key: string, metadata: Readonly<Record<string, string>> | undefined, asked: Readonly<{ action: string; resource: string }>,
): Promise<Readonly<{ versionId: string | undefined }>> {
  // A multipart upload starts bare: what CopyObject would carry over has to be read and given.
  const original = await call(asked, () =>
    client.send(new HeadObjectCommand({ Bucket: from.bucket, ExpectedBucketOwner: from.ownerAccountId, Key: from.key, ...(from.versionId ? { VersionId: from.versionId } : {}) })),
  );
  const kept = metadata ?? original.Metadata;
  const { UploadId: uploadId } = await call(asked, () =>
    client.send(new CreateMultipartUploadCommand({ ...here, Key: key, ...(original.ContentType ? { ContentType: original.ContentType } : {}), ...(kept ? { Metadata: { ...kept } } : {}) })),
  );
  if (!uploadId) throw new InternalError('CreateMultipartUpload answered without an UploadId.');
  const upload = { ...here, Key: key, UploadId: uploadId };
  try {
    const parts: CompletedPart[] = [];
    for (let start = 0; start < from.bytes; start += PART_BYTES) {
      const PartNumber = parts.length + 1;
      const end = Math.min(start + PART_BYTES, from.bytes) - 1;
      const { CopyPartResult } = await call(asked, () => client.send(new UploadPartCopyCommand({ ...upload, ...source, PartNumber, CopySourceRange: `bytes=${start}-${end}` })));
      if (!CopyPartResult?.ETag) throw new InternalError(`UploadPartCopy of part ${PartNumber} answered without an ETag.`);
      parts.push({ PartNumber, ETag: CopyPartResult.ETag });
    }
    const { VersionId } = await call(asked, () => client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })));
    return { versionId: VersionId };
  } catch (error) {
    // Parts are paid for until somebody aborts. A failing abort is left to the bucket's own clean-up: the first error says more.
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
