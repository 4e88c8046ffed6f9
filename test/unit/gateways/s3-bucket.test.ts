import { describe, expect, it } from '@jest/globals';
import { CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, HeadObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openBucket } from '../../../src/gateways/aws/s3-bucket.js';

const GIB = 1024 ** 3;
const named = (name: string) => Object.assign(new Error(name), { name });
type Sent = Readonly<{ constructor: { name: string }; input: Readonly<Record<string, unknown>> }>;

/** @param answer per command: a value, or an error that is thrown */
function aBucket(answer: (sent: Sent, number: number) => unknown) {
  const sent: Sent[] = [];
  const client = {
    send: async (command: Sent) => {
      sent.push(command);
      const value = answer(command, sent.length);
      if (value instanceof Error) throw value;
      return value;
    },
  };
  const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
  const bucket = openBucket(client as never, createCaller({ now: () => new Date(0), sleep: async () => undefined }, log, 'source-role'), { name: 'b', region: 'r', ownerAccountId: '1' });
  return { bucket, sent };
}
const body = (text: string) => ({ Body: { transformToByteArray: async () => Buffer.from(text) }, ETag: '"e"' });
const from = { bucket: 'src', ownerAccountId: '2', key: 'a b/ü+.csv', versionId: 'v/1', bytes: 3 };

describe('a bucket', () => {
  it('names the owner with every request', async () => {
    const { bucket, sent } = aBucket(() => ({}));
    await bucket.write('k', 'x');
    await bucket.read('k');
    await bucket.head('k');
    await bucket.remove('k');
    await bucket.purge('p/');
    await bucket.copyFrom(from, 'k');
    for await (const object of bucket.list('p/')) expect(object).toBeUndefined();
    expect(sent.length).toBeGreaterThanOrEqual(8);
    for (const { input } of sent) expect(input).toMatchObject({ Bucket: 'b', ExpectedBucketOwner: '1' });
  });

  it('takes a conditional write for its own when the answer was lost and the bytes are ours', async () => {
    const lost = (stored: string) => aBucket(({ constructor: { name } }, number) => (name === 'GetObjectCommand' ? body(stored) : number === 1 ? named('TimeoutError') : named('PreconditionFailed')));
    expect(await lost('mine').bucket.writeOnce('k', 'mine')).toBe('written');
    expect(await lost('theirs').bucket.writeOnce('k', 'mine')).toBe('taken');
    expect(await lost('theirs').bucket.replace('k', 'mine', '"e"')).toBe('changed');
  });

  it('does not look twice at a plain refusal, and repeats a conflict of two writers', async () => {
    const refused = aBucket(() => named('PreconditionFailed'));
    expect(await refused.bucket.writeOnce('k', 'x')).toBe('taken');
    expect(refused.sent).toHaveLength(1);
    const conflict = aBucket((_, number) => (number < 3 ? named('ConditionalRequestConflict') : {}));
    expect(await conflict.bucket.replace('k', 'x', '"e"')).toBe('written');
  });

  it('copies by one request up to 5 GiB, with the version and every letter of the key', async () => {
    const { bucket, sent } = aBucket(() => ({ VersionId: 'new' }));
    expect(await bucket.copyFrom({ ...from, bytes: 5 * GIB }, 'k', { a: 'b' })).toEqual({ versionId: 'new' });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toBeInstanceOf(CopyObjectCommand);
    expect(sent[0]?.input).toMatchObject({ CopySource: 'src/a%20b/%C3%BC%2B.csv?versionId=v%2F1', ExpectedSourceBucketOwner: '2', MetadataDirective: 'REPLACE', Metadata: { a: 'b' } });
  });

  it('copies above 5 GiB in parts that cover every byte once, and keeps type and metadata', async () => {
    const bytes = 5 * GIB + 7;
    const { bucket, sent } = aBucket((command) => {
      if (command instanceof HeadObjectCommand) return { ContentType: 'text/csv', Metadata: { m: '1' } };
      if (command instanceof CreateMultipartUploadCommand) return { UploadId: 'u' };
      if (command instanceof UploadPartCopyCommand) return { CopyPartResult: { ETag: `"${String(command.input.PartNumber)}"` } };
      return { VersionId: 'big' };
    });
    expect(await bucket.copyFrom({ ...from, bytes }, 'k')).toEqual({ versionId: 'big' });
    expect(sent.find((command) => command instanceof CreateMultipartUploadCommand)?.input).toMatchObject({ ContentType: 'text/csv', Metadata: { m: '1' } });
    const ranges = sent.filter((command) => command instanceof UploadPartCopyCommand).map(({ input }) => /^bytes=(\d+)-(\d+)$/u.exec(String(input['CopySourceRange']))?.slice(1).map(Number) ?? []);
    expect(ranges).toHaveLength(6);
    expect(ranges.every(([start], index) => start === (index === 0 ? 0 : (ranges[index - 1]?.[1] ?? 0) + 1))).toBe(true);
    expect(ranges.at(-1)?.[1]).toBe(bytes - 1);
    expect(sent.at(-1)).toBeInstanceOf(CompleteMultipartUploadCommand);
  });

  it('aborts an upload that failed half-way', async () => {
    const { bucket, sent } = aBucket((command) => (command instanceof UploadPartCopyCommand ? named('NoSuchKey') : { UploadId: 'u' }));
    await expect(bucket.copyFrom({ ...from, bytes: 6 * GIB }, 'k')).rejects.toThrow('NoSuchKey');
    expect(sent.at(-1)?.constructor.name).toBe('AbortMultipartUploadCommand');
  });

  it('purges every version, marker and open upload of all pages', async () => {
    let page = 0;
    const { bucket, sent } = aBucket(({ constructor: { name } }) => {
      if (name === 'ListObjectVersionsCommand') return (page += 1) === 1 ? { Versions: [{ Key: 'a', VersionId: '1' }], DeleteMarkers: [{ Key: 'a', VersionId: '2' }], IsTruncated: true, NextKeyMarker: 'a', NextVersionIdMarker: '1' } : { Versions: [{ Key: 'b', VersionId: '3' }] };
      if (name === 'ListMultipartUploadsCommand') return { Uploads: [{ Key: 'c', UploadId: 'u' }] };
      return {};
    });
    expect(await bucket.purge('p/')).toBe(4);
    expect(sent.filter(({ constructor: { name } }) => name === 'DeleteObjectsCommand')).toHaveLength(2);
  });

  it('says what could not be deleted', async () => {
    const { bucket } = aBucket(({ constructor: { name } }) => (name === 'ListObjectVersionsCommand' ? { Versions: [{ Key: 'a', VersionId: '1' }] } : name === 'DeleteObjectsCommand' ? { Errors: [{ Key: 'a', Code: 'AccessDenied' }] } : {}));
    await expect(bucket.purge('p/')).rejects.toThrow(/1 of 1 object versions below s3:\/\/b\/p\/ could not be deleted[\s\S]*a \(AccessDenied\)/u);
  });
});
