/** Copies objects from the source's bucket to the target's, and knows its own copies again. */
import { UserError } from '../errors.js';
import type { Bucket, Log, StoredObject } from '../ports.js';

/** Metadata of every object we copy: which migration wrote it, and from which bytes. */
export const OWNER = 'mwaa-migrate';
export const ORIGIN = 'mwaa-migrate-source';

/** Above this an object is not read through the runner's memory; S3 has to copy it. */
const MAX_BYTES_THROUGH_RUNNER = 512 * 1024 * 1024;

export type Copier = Readonly<{
  /** @returns the version id of the copy */
  copy: (from: Source, key: string) => Promise<string | undefined>;
  /** Whether the bytes pass through the runner. */
  isThroughRunner: () => boolean;
}>;
export type Source = Readonly<{ key: string; etag: string; bytes: number; versionId?: string | undefined }>;

/**
 * S3 copies by itself when the target's role may read the source's bucket; the first refusal turns to reading with the source's role
 * and writing with the target's, for the whole run.
 */
export function copierOf(from: Bucket, to: Bucket, migrationId: string, log: Pick<Log, 'info'>): Copier {
  let isThroughRunner = false;
  const metadataOf = (source: Source) => ({ [OWNER]: migrationId, [ORIGIN]: plain(source.etag) });
  const through = async (source: Source, key: string) => {
    if (source.bytes > MAX_BYTES_THROUGH_RUNNER)
      throw new UserError(
        `s3://${from.name}/${source.key} has ${source.bytes} bytes, too many to pass through the runner.`,
        'the target role may not read the source\'s bucket, so S3 cannot copy by itself.',
        `allow the target role s3:GetObject and s3:GetObjectVersion on arn:aws:s3:::${from.name}/*.`,
      );
    const found = await from.read(source.key, source.versionId);
    if (!found) throw new UserError(`s3://${from.name}/${source.key} vanished while it was copied.`, 'somebody deployed to the source meanwhile.', 'run phase resources again when the deployment is over.');
    return (await to.write(key, found.body, { metadata: metadataOf(source) })).versionId;
  };
  return {
    isThroughRunner: () => isThroughRunner,
    async copy(source, key) {
      if (isThroughRunner) return await through(source, key);
      try {
        const copied = await to.copyFrom({ bucket: from.name, ownerAccountId: from.ownerAccountId, key: source.key, versionId: source.versionId, bytes: source.bytes }, key, metadataOf(source));
        return copied.versionId;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        // Whoever really lacks a permission hears it from the second way, which needs less.
        const version = await through(source, key);
        if (!isThroughRunner) log.info(`S3 does not copy from ${from.name} to ${to.name} by itself (${error.what}); reading with the source role and writing with the target role.`);
        isThroughRunner = true;
        return version;
      }
    },
  };
}

/** Whether what lies at the target is a copy of exactly these bytes. */
export async function isCopied(to: Bucket, source: Source, there: StoredObject | undefined): Promise<boolean> {
  if (!there || there.bytes !== source.bytes) return false;
  // Equal ETags are equal bytes. Different ones can be too: multipart and KMS make ETags that say nothing of the bytes.
  if (plain(there.etag) === plain(source.etag)) return true;
  const head = await to.head(there.key);
  return head?.metadata[ORIGIN] === plain(source.etag);
}

const plain = (etag: string) => etag.replaceAll('"', '');
