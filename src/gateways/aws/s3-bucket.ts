/** Objects of one bucket through one role. */
import { createHash } from 'node:crypto';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectVersionsCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectRef } from '../../airflow/protocol.js';
import type { Bucket } from '../../ports.js';
import { unless, type Caller } from './call.js';
import { copyObject } from './s3-copy.js';
import { countBelow, purgePrefix } from './s3-purge.js';

export type S3 = Pick<S3Client, 'send'>;
/** The bucket as every request names it. The owner goes with each: a bucket deleted and registered by a stranger must not receive metadata. */
export type Here = Readonly<{ Bucket: string; ExpectedBucketOwner: string }>;

const NOT_THERE = ['NoSuchKey', 'NoSuchVersion', 'NotFound'];
/** What S3 calls the version of an object that was written without versioning. */
const NO_VERSION = 'null';

export function openBucket(client: S3, call: Caller, of: Readonly<{ name: string; region: string; ownerAccountId: string }>): Bucket {
  const here: Here = { Bucket: of.name, ExpectedBucketOwner: of.ownerAccountId };
  const at = (key: string): string => `s3://${of.name}/${key}`;

  const read: Bucket['read'] = async (key, versionId) =>
    await call({ action: versionId ? 's3:GetObjectVersion' : 's3:GetObject', resource: at(key) }, async () => {
      const answer = await unless(NOT_THERE, client.send(new GetObjectCommand({ ...here, Key: key, ...(versionId ? { VersionId: versionId } : {}) })));
      if (!answer?.Body) return undefined;
      // Read inside the call, so that a connection that breaks half-way is repeated as a whole.
      return { body: Buffer.from(await answer.Body.transformToByteArray()), etag: answer.ETag ?? '', versionId: answer.VersionId };
    });

  /** One conditional write. Its answer may get lost: a later "somebody was first" is us when the bytes are ours. */
  const writeIf = (key: string, body: Buffer | string, condition: Readonly<{ IfNoneMatch: '*' } | { IfMatch: string }>): Promise<boolean> =>
    call({ action: 's3:PutObject', resource: at(key) }, async (attempt) => {
      // ConditionalRequestConflict (409) is not among these: retry.ts repeats it, and the next try learns who won.
      // NoSuchKey: the object that was to be replaced is gone.
      const answer = await unless(['PreconditionFailed', 'NoSuchKey'], client.send(new PutObjectCommand({ ...here, Key: key, Body: body, ...condition })));
      if (answer) return true;
      return attempt > 1 && (await read(key))?.body.equals(Buffer.from(body)) === true;
    });

  return {
    ...of,
    read,

    async head(key, versionId) {
      const answer = await call({ action: versionId ? 's3:GetObjectVersion' : 's3:GetObject', resource: at(key) }, () =>
        unless(NOT_THERE, client.send(new HeadObjectCommand({ ...here, Key: key, ...(versionId ? { VersionId: versionId } : {}) }))),
      );
      return answer && { key, bytes: answer.ContentLength ?? 0, etag: answer.ETag ?? '', versionId: answer.VersionId, modified: answer.LastModified ?? new Date(0), metadata: answer.Metadata ?? {} };
    },

    async write(key, body, options = {}): Promise<ObjectRef> {
      const bytes = Buffer.from(body);
      const sha256 = createHash('sha256').update(bytes);
      const digest = sha256.copy().digest('base64');
      const { VersionId } = await call({ action: 's3:PutObject', resource: at(key) }, () =>
        client.send(
          new PutObjectCommand({
            ...here, Key: key, Body: bytes, ChecksumSHA256: digest,
            ...(options.contentType ? { ContentType: options.contentType } : {}),
            ...(options.cacheControl ? { CacheControl: options.cacheControl } : {}),
            ...(options.metadata ? { Metadata: { ...options.metadata } } : {}),
          }),
        ),
      );
      return { key, versionId: VersionId ?? NO_VERSION, sha256: sha256.digest('hex'), bytes: bytes.length };
    },

    writeOnce: async (key, body) => ((await writeIf(key, body, { IfNoneMatch: '*' })) ? 'written' : 'taken'),
    replace: async (key, body, etag) => ((await writeIf(key, body, { IfMatch: etag })) ? 'written' : 'changed'),

    async *list(prefix) {
      let token: string | undefined;
      do {
        const page = await call({ action: 's3:ListBucket', resource: at(prefix) }, () => client.send(new ListObjectsV2Command({ ...here, Prefix: prefix, ...(token ? { ContinuationToken: token } : {}) })));
        for (const { Key, Size, ETag, LastModified } of page.Contents ?? [])
          if (Key !== undefined) yield { key: Key, bytes: Size ?? 0, etag: ETag ?? '', versionId: undefined, modified: LastModified ?? new Date(0) };
        token = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (token);
    },

    async versions(key) {
      // The versions of this key come first: no other key with the prefix sorts before it. One page holds a thousand.
      const { Versions = [] } = await call({ action: 's3:ListBucketVersions', resource: at(key) }, () => client.send(new ListObjectVersionsCommand({ ...here, Prefix: key })));
      return Versions.filter((one) => one.Key === key).map(({ VersionId, Size, LastModified, IsLatest }) => ({ versionId: VersionId ?? NO_VERSION, bytes: Size ?? 0, modified: LastModified ?? new Date(0), isNewest: IsLatest === true }));
    },

    async remove(key, versionId) {
      await call({ action: versionId ? 's3:DeleteObjectVersion' : 's3:DeleteObject', resource: at(key) }, () => client.send(new DeleteObjectCommand({ ...here, Key: key, ...(versionId ? { VersionId: versionId } : {}) })));
    },

    countBelow: (prefix) => countBelow(client, call, here, prefix),
    purge: (prefix) => purgePrefix(client, call, here, prefix),
    copyFrom: (from, key, metadata) => copyObject(client, call, here, from, key, metadata),
  };
}
