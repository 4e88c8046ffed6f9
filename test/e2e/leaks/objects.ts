import { GetObjectCommand, ListObjectVersionsCommand, type ListObjectVersionsCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import type { ByteSource } from './scan.js';

/**
 * Every version of every object of a bucket, with its metadata (user metadata, content type and the like).
 * Delete markers have no bytes; their keys are given all the same. To be read with credentials that nothing is refused to.
 */
export async function* objectVersions(client: S3Client, bucket: string): AsyncGenerator<ByteSource> {
  for (let markers: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}; markers !== undefined; ) {
    const page: ListObjectVersionsCommandOutput = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, ...markers }));
    for (const { Key: key = '' } of page.DeleteMarkers ?? []) yield { name: `s3://${bucket}/${key} (delete marker)`, bytes: Buffer.alloc(0) };
    for (const { Key: key = '', VersionId: version } of page.Versions ?? []) {
      const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...(version && version !== 'null' ? { VersionId: version } : {}) }));
      const name = `s3://${bucket}/${key} (version ${version ?? 'null'})`;
      yield { name, bytes: Buffer.from((await object.Body?.transformToByteArray()) ?? []) };
      yield { name: `${name}, metadata`, bytes: Buffer.from(JSON.stringify({ ...object, Body: undefined, $metadata: undefined })) };
    }
    markers = page.IsTruncated ? {
      ...(page.NextKeyMarker === undefined ? {} : { KeyMarker: page.NextKeyMarker }),
      ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
    } : undefined;
  }
}
