import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CopyObjectCommand, CreateMultipartUploadCommand, DeleteObjectCommand, GetBucketAclCommand, GetObjectCommand, HeadObjectCommand,
  ListObjectsV2Command, ListObjectVersionsCommand, ListPartsCommand, PutBucketEncryptionCommand, PutObjectCommand, type S3Client, UploadPartCommand, UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { beginWrite } from '../../sandbox/services/s3/conditions.js';
import { compareKeys } from '../../sandbox/services/s3/keys.js';
import { addVersion, newBucket } from '../../sandbox/services/s3/state.js';
import { aFront, type AFront, outcome, OWNER } from './a-front.js';

let aws: AFront, s3: S3Client;
beforeAll(async () => {
  aws = await aFront();
  s3 = aws.s3(aws.root());
});
afterAll(() => aws.close());

const MIB = 1024 * 1024;

describe('keys', () => {
  const HOSTILE = [
    'dag_id=a/run_id=m__2020-01-01T00:00:00+00:00/1.log', "it's (a) *~! key", 'a//b', '/leading', 'trailing/', '%41%2F', 'é\u0301 Ω 😀 \uffee', 'a?b#c;d,e@f$&=', 'tab\tnewline\r\n<&>"', '..', './x', 'a/../b', ' ', '+ +',
  ];

  it('come back byte for byte from every operation', async () => {
    const bucket = aws.bucket();
    for (const key of HOSTILE) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: key }));
    const expected = [...HOSTILE].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents?.map(({ Key }) => Key)).toEqual(expected);
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }))).Versions?.map(({ Key }) => Key)).toEqual(expected);
    for (const key of HOSTILE) {
      expect(await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body?.transformToString()).toBe(key);
      expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key }))).Contents?.map(({ Key }) => Key)).toContain(key);
    }
    for (const key of HOSTILE) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(aws.store.listObjects(bucket)).toEqual([]);
  });

  it('are ordered by the bytes of their UTF-8 form', () => {
    const keys = ['\uffee', '😀', '\ud7ff', 'z', 'a\u{10ffff}', 'a', 'ab', ''];
    expect([...keys].sort(compareKeys)).toEqual([...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))));
  });

  it('of more than 1,024 bytes are refused', async () => {
    const bucket = aws.bucket();
    expect(await outcome(s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'é'.repeat(512), Body: 'x' })))).toBe('ok');
    expect(await outcome(s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${'é'.repeat(512)}x`, Body: 'x' })))).toBe('KeyTooLongError 400');
  });

  it('are listed page by page, prefixes counted as one', async () => {
    const bucket = aws.bucket();
    for (let index = 0; index < 25; index += 1) await aws.store.putObject(bucket, `p/${String.fromCharCode(97 + index)}/x`, '');
    for (let index = 0; index < 3; index += 1) await aws.store.putObject(bucket, `p/m/y${index}`, '');
    const seen: string[] = [];
    let token: string | undefined, pages = 0;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'p/', Delimiter: '/', MaxKeys: 10, ...(token === undefined ? {} : { ContinuationToken: token }) }));
      expect(page.KeyCount).toBe(page.CommonPrefixes?.length);
      seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!));
      token = page.NextContinuationToken;
      pages += 1;
    } while (token !== undefined);
    expect({ pages, seen }).toEqual({ pages: 3, seen: Array.from({ length: 25 }, (_, index) => `p/${String.fromCharCode(97 + index)}/`) });
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket, StartAfter: 'p/m/y1' }))).Contents?.[0]?.Key).toBe('p/m/y2');
    expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: 'p/m/y1' })))).toBe('InvalidArgument 400');
  });
});

describe('a conditional write', () => {
  const write = (bucket: string, condition: Readonly<{ IfNoneMatch?: string; IfMatch?: string }>, body = 'x') => outcome(s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: body, ...condition })));

  it('of twelve at once is won by one, and the losers leave no bytes behind; they learn of a conflict or of the winner, and then all of the winner', async () => {
    const bucket = aws.bucket({ versioning: true }), before = (await readdir(aws.folder)).length;
    const race = () => Promise.all(Array.from({ length: 12 }, (_, index) => write(bucket, { IfNoneMatch: '*' }, `writer ${index}`)));
    const first = await race();
    expect(first.filter((result) => result === 'ok')).toHaveLength(1);
    expect(new Set(first.filter((result) => result !== 'ok' && result !== 'ConditionalRequestConflict 409'))).toEqual(new Set(first.includes('PreconditionFailed 412') ? ['PreconditionFailed 412'] : []));
    expect(new Set(await race())).toEqual(new Set(['PreconditionFailed 412']));
    expect((await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }))).Versions).toHaveLength(1);
    expect((await aws.store.readObject(bucket, 'key'))?.body.toString()).toBe(`writer ${first.indexOf('ok')}`);
    expect((await readdir(aws.folder)).length).toBe(before + 1);
  });

  it('that another request overtakes between its begin and its end is a 409', () => {
    const bucket = newBucket('bucket', OWNER, 'eu-west-1', new Date(0)), overtaking = { key: 'key', isDeleteMarker: false, modified: new Date(0), etag: 'e', bytes: 0, blobs: [], metadata: {}, tags: new Map(), encryption: { algorithm: 'AES256' }, checksum: undefined, parts: undefined } as const;
    const write = beginWrite({ 'if-none-match': '*' }, bucket, 'key'), elsewhere = beginWrite({ 'if-none-match': '*' }, bucket, 'other');
    addVersion(bucket, overtaking);
    expect(() => write.confirm()).toThrow(expect.objectContaining({ code: 'ConditionalRequestConflict', status: 409 }) as unknown as Error);
    expect(() => elsewhere.confirm()).not.toThrow();
    expect(() => beginWrite({ 'if-none-match': '*' }, bucket, 'key')).toThrow(expect.objectContaining({ code: 'PreconditionFailed', status: 412 }) as unknown as Error);
  });

  it('with If-Match replaces exactly that object', async () => {
    const bucket = aws.bucket();
    expect(await write(bucket, { IfMatch: '"none"' })).toBe('NoSuchKey 404');
    const { etag } = await aws.store.putObject(bucket, 'key', 'one');
    expect(await write(bucket, { IfMatch: '"0123"' })).toBe('PreconditionFailed 412');
    expect(await write(bucket, { IfMatch: `"${etag}"` })).toBe('ok');
    expect(await write(bucket, { IfMatch: `"${etag}"` }, 'y')).toBe('PreconditionFailed 412');
    expect(await write(bucket, { IfNoneMatch: `"${etag}"` })).toBe('NotImplemented 501');
  });

  it('finds a deleted key free again', async () => {
    const bucket = aws.bucket({ versioning: true });
    expect(await write(bucket, { IfNoneMatch: '*' })).toBe('ok');
    expect(await outcome(s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key', IfMatch: '"other"' })))).toBe('PreconditionFailed 412');
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key' }));
    expect(await write(bucket, { IfNoneMatch: '*' })).toBe('ok');
  });
});

describe('an upload in parts', () => {
  const start = async (bucket: string, more: Readonly<Record<string, unknown>> = {}) => ({ Bucket: bucket, Key: 'big', UploadId: (await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'big', ChecksumAlgorithm: 'CRC32', ...more }))).UploadId! });
  type Upload = Awaited<ReturnType<typeof start>>;
  const part = async (upload: Upload, PartNumber: number, body: Buffer) => {
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body: body }));
    return { PartNumber, ETag: ETag!, ChecksumCRC32: ChecksumCRC32! };
  };
  const complete = (upload: Upload, Parts: Readonly<{ PartNumber: number; ETag: string; ChecksumCRC32?: string }>[], more: Readonly<Record<string, unknown>> = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));

  it('of 40 MB arrives whole, and is read by range and part', async () => {
    const bucket = aws.bucket({ versioning: true }), upload = await start(bucket), bytes = randomBytes(40 * MIB);
    const parts = await Promise.all([0, 1, 2, 3, 4].map((index) => part(upload, index + 1, bytes.subarray(index * 8 * MIB, (index + 1) * 8 * MIB))));
    expect((await s3.send(new ListPartsCommand(upload))).Parts?.map(({ Size }) => Size)).toEqual(Array(5).fill(8 * MIB));
    const done = await complete(upload, parts, { IfNoneMatch: '*' });
    expect(done.ChecksumType).toBe('COMPOSITE');
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-5"$/u);
    const ranged = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'big', Range: `bytes=${8 * MIB - 3}-${8 * MIB + 2}` }));
    expect(ranged.ContentRange).toBe(`bytes ${8 * MIB - 3}-${8 * MIB + 2}/${40 * MIB}`);
    expect(Buffer.from(await ranged.Body!.transformToByteArray())).toEqual(bytes.subarray(8 * MIB - 3, 8 * MIB + 3));
    expect(await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'big', PartNumber: 5 }))).toMatchObject({ ContentLength: 8 * MIB, PartsCount: 5 });
    expect(Buffer.compare((await aws.store.readObject(bucket, 'big'))!.body, bytes)).toBe(0);
    expect(await outcome(complete(upload, parts))).toBe('NoSuchUpload 404');
  });

  it('is refused with parts that are too small, out of order, unknown, or without their checksums', async () => {
    const bucket = aws.bucket(), upload = await start(bucket), small = await part(upload, 1, Buffer.from('small')), last = await part(upload, 2, Buffer.from('last'));
    expect(await outcome(complete(upload, [small, last]))).toBe('EntityTooSmall 400');
    expect(await outcome(complete(upload, [last, small]))).toBe('InvalidPartOrder 400');
    expect(await outcome(complete(upload, [{ ...small, ETag: last.ETag }]))).toBe('InvalidPart 400');
    expect(await outcome(complete(upload, [{ ...small, PartNumber: 3 }]))).toBe('InvalidPart 400');
    expect(await outcome(complete(upload, [{ PartNumber: 1, ETag: small.ETag }]))).toBe('InvalidRequest 400');
    expect(await outcome(complete(upload, [small], { MpuObjectSize: 6 }))).toBe('InvalidRequest 400');
    expect(await outcome(s3.send(new UploadPartCommand({ ...upload, PartNumber: 10_001, Body: 'x' })))).toBe('InvalidArgument 400');
    expect(await outcome(complete(upload, [small], { MpuObjectSize: 5 }))).toBe('ok');
    expect((await aws.store.readObject(bucket, 'big'))?.body.toString()).toBe('small');
  });

  it('without an algorithm takes what the SDK sends with each part, and gives the whole a checksum', async () => {
    const bucket = aws.bucket(), upload = await start(bucket, { ChecksumAlgorithm: undefined }), { PartNumber, ETag } = await part(upload, 1, Buffer.from('123456789'));
    // The algorithm's published check value, AE8B14860A799888.
    expect(await complete(upload, [{ PartNumber, ETag }])).toMatchObject({ ChecksumType: 'FULL_OBJECT', ChecksumCRC64NVME: Buffer.from('ae8b14860a799888', 'hex').toString('base64') });
    const other = await start(bucket, { ChecksumAlgorithm: 'SHA256' });
    expect(await outcome(part(other, 1, Buffer.from('x')))).toBe('InvalidRequest 400');
  });

  it('keeps its parts when the condition of its completion fails', async () => {
    const bucket = aws.bucket(), upload = await start(bucket), only = await part(upload, 1, Buffer.from('mine'));
    await aws.store.putObject(bucket, 'big', 'theirs');
    expect(await outcome(complete(upload, [only], { IfNoneMatch: '*' }))).toBe('PreconditionFailed 412');
    expect((await aws.store.readObject(bucket, 'big'))?.body.toString()).toBe('theirs');
    expect(await outcome(complete(upload, [only]))).toBe('ok');
    expect((await aws.store.readObject(bucket, 'big'))?.body.toString()).toBe('mine');
  });

  it('takes parts from other objects, and is gone when aborted', async () => {
    const bucket = aws.bucket();
    await aws.store.putObject(bucket, 'source', '0123456789');
    const upload = await start(bucket), copy = (range: string) => s3.send(new UploadPartCopyCommand({ ...upload, PartNumber: 1, CopySource: `${bucket}/source`, CopySourceRange: range }));
    expect(await outcome(copy('bytes=5-10'))).toBe('InvalidArgument 400');
    const { CopyPartResult } = await copy('bytes=2-5');
    expect(await outcome(complete(upload, [{ PartNumber: 1, ETag: CopyPartResult!.ETag!, ChecksumCRC32: CopyPartResult!.ChecksumCRC32! }]))).toBe('ok');
    expect((await aws.store.readObject(bucket, 'big'))?.body.toString()).toBe('2345');
    const second = await start(bucket);
    await part(second, 1, Buffer.from('x'));
    await s3.send(new AbortMultipartUploadCommand(second));
    expect(await outcome(part(second, 2, Buffer.from('x')))).toBe('NoSuchUpload 404');
  });
});

describe('encryption with KMS', () => {
  const keyPolicy = (statements: readonly Readonly<Record<string, unknown>>[]) => ({ Version: '2012-10-17', Statement: statements });

  it('asks for the data key on a write, for decryption on a read, and names object and service to the key policy', async () => {
    const bucket = aws.bucket(), everything = [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }];
    const writer = aws.user(everything), reader = aws.user(everything);
    const key = aws.world.createKey({ account: OWNER, region: 'eu-west-1', policy: keyPolicy([
      { Effect: 'Allow', Principal: { AWS: writer.arn }, Action: 'kms:GenerateDataKey', Resource: '*', Condition: { StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com', 'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${bucket}/key` } } },
      { Effect: 'Allow', Principal: { AWS: reader.arn }, Action: 'kms:Decrypt', Resource: '*', Condition: { StringLike: { 'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${bucket}/*` } } },
    ]) });
    const put = (caller: typeof writer, Key: string) => aws.s3(caller).send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'text', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key }));
    const get = (caller: typeof writer) => aws.s3(caller).send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }));
    expect(await outcome(put(reader, 'key'))).toBe('AccessDenied 403');
    expect(await outcome(put(writer, 'other'))).toBe('AccessDenied 403');
    const stored = await put(writer, 'key');
    expect(stored).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key });
    // Nobody may take the ETag for an MD5 here.
    expect(stored.ETag).not.toBe('"1cb251ec0d568de6a929b520c4aed8d1"');
    expect(await outcome(get(writer))).toBe('AccessDenied 403');
    expect(await (await get(reader)).Body?.transformToString()).toBe('text');
    // Metadata is not encrypted; a checksum is.
    expect(await outcome(aws.s3(writer).send(new HeadObjectCommand({ Bucket: bucket, Key: 'key' })))).toBe('ok');
    expect(await outcome(aws.s3(writer).send(new HeadObjectCommand({ Bucket: bucket, Key: 'key', ChecksumMode: 'ENABLED' })))).toMatch(/403$/u);
  });

  it('by default of the bucket needs the key without any header, under the bucket\'s name when it has a bucket key', async () => {
    const bucket = aws.bucket(), caller = aws.user([{ Effect: 'Allow', Action: 's3:*', Resource: '*' }]);
    const key = aws.world.createKey({ account: OWNER, region: 'eu-west-1', policy: keyPolicy([
      { Effect: 'Allow', Principal: { AWS: caller.arn }, Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: '*', Condition: { StringEquals: { 'kms:EncryptionContext:aws:s3:arn': `arn:aws:s3:::${bucket}` } } },
    ]) });
    const encrypt = (BucketKeyEnabled: boolean) => s3.send(new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key }, BucketKeyEnabled }] } }));
    const put = () => aws.s3(caller).send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'text' }));
    await encrypt(false);
    expect(await outcome(put())).toBe('AccessDenied 403');
    await encrypt(true);
    expect(await put()).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key, BucketKeyEnabled: true });
    expect(await (await aws.s3(caller).send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }))).Body?.transformToString()).toBe('text');
    // Reading through a copy needs the key too.
    expect(await outcome(s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/key`, ServerSideEncryption: 'AES256' })))).toBe('AccessDenied 403');
  });

  it('of an upload in parts needs both rights', async () => {
    const bucket = aws.bucket();
    const upload = async (actions: readonly string[]): Promise<string> => {
      const caller = aws.user([{ Effect: 'Allow', Action: ['s3:*', ...actions], Resource: '*' }]), client = aws.s3(caller);
      const key = aws.world.createKey({ account: OWNER, region: 'eu-west-1' }), target = { Bucket: bucket, Key: 'big' };
      return outcome((async () => {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: key }));
        const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...target, UploadId: UploadId!, PartNumber: 1, Body: 'x' }));
        await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId: UploadId!, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: ETag!, ChecksumCRC32: ChecksumCRC32! }] } }));
      })());
    };
    expect(await upload(['kms:GenerateDataKey'])).toBe('AccessDenied 403');
    expect(await upload(['kms:Decrypt'])).toBe('AccessDenied 403');
    expect(await upload(['kms:GenerateDataKey', 'kms:Decrypt'])).toBe('ok');
  });

  it('with a key that is not there fails under KMS\'s name', async () => {
    const bucket = aws.bucket();
    expect(await outcome(s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: `arn:aws:kms:eu-west-1:${OWNER}:key/none` })))).toBe('KMS.NotFoundException 400');
  });
});

it('says by name what it does not know, and never answers it with success', async () => {
  await expect(s3.send(new GetBucketAclCommand({ Bucket: aws.bucket() }))).rejects.toThrow(/does not know GET with \?acl/u);
});

it('serves anonymous readers nothing, and virtual hosts the same bucket', async () => {
  const bucket = aws.bucket();
  await aws.store.putObject(bucket, 'a key', 'text');
  const get = (headers: Readonly<Record<string, string>>, path: string) => new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(aws.front.url);
    request({ hostname, port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => { body += piece; }).on('end', () => resolve(`${response.statusCode} ${/<Code>(.*)<\/Code>/u.exec(body)?.[1] ?? body} ${/<RequestId>.+<\/RequestId>/u.test(body)}`));
    }).on('error', reject).end();
  });
  expect(await get({}, `/${bucket}/a%20key`)).toBe('403 AccessDenied true');
  expect(await get({ host: `${bucket}.localhost` }, '/a%20key')).toBe('403 AccessDenied true');
  expect(await get({ host: 'nobody.localhost' }, '/a%20key')).toBe('404 NoSuchBucket true');
});
