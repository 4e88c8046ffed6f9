import {
  CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand, GetBucketLocationCommand, GetObjectAttributesCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand,
  ListBucketsCommand, ListMultipartUploadsCommand, ListObjectsV2Command, ListObjectVersionsCommand, PutBucketPolicyCommand, PutObjectCommand, PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aFront, type AFront, allow, outcome, OWNER, STRANGER } from './a-front.js';

let aws: AFront;
beforeAll(async () => { aws = await aFront(); });
afterAll(() => aws.close());

const ARN = (bucket: string, key = ''): string => `arn:aws:s3:::${bucket}${key}`;

describe('an object that is not there', () => {
  it.each([
    { may: ['s3:GetObject', 's3:ListBucket'], get: 'NoSuchKey 404', head: 'NotFound 404', because: 'who may list may know' },
    { may: ['s3:GetObject'], get: 'AccessDenied 403', head: '403 403', because: 'the absence of a key is a secret without s3:ListBucket' },
    { may: ['s3:ListBucket'], get: 'AccessDenied 403', head: '403 403', because: 'reading is not allowed at all' },
  ])('answers $get to $may: $because', async ({ may, get, head }) => {
    const bucket = aws.bucket(), s3 = aws.s3(aws.user([allow(may, [ARN(bucket), ARN(bucket, '/*')])]));
    expect(await outcome(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'none' })))).toBe(get);
    expect((await outcome(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'none' })))).slice(-3)).toBe(head.slice(-3));
  });

  it('is no error for a delete, which still needs the right', async () => {
    const bucket = aws.bucket();
    expect(await outcome(aws.s3(aws.user([allow('s3:DeleteObject', ARN(bucket, '/*'))])).send(new DeleteObjectCommand({ Bucket: bucket, Key: 'none' })))).toBe('ok');
    expect(await outcome(aws.s3(aws.user([allow('s3:GetObject', ARN(bucket, '/*'))])).send(new DeleteObjectCommand({ Bucket: bucket, Key: 'none' })))).toBe('AccessDenied 403');
  });
});

describe('a version', () => {
  it('is read and deleted by rights of its own', async () => {
    const bucket = aws.bucket({ versioning: true }), { versionId } = await aws.store.putObject(bucket, 'key', 'text');
    const plain = aws.s3(aws.user([allow(['s3:GetObject', 's3:DeleteObject', 's3:ListBucket'], [ARN(bucket), ARN(bucket, '/*')])]));
    const versions = aws.s3(aws.user([allow(['s3:GetObjectVersion', 's3:DeleteObjectVersion'], ARN(bucket, '/*'))]));
    const named = { Bucket: bucket, Key: 'key', VersionId: versionId };
    expect(await outcome(plain.send(new GetObjectCommand(named)))).toBe('AccessDenied 403');
    expect(await outcome(plain.send(new DeleteObjectCommand(named)))).toBe('AccessDenied 403');
    expect(await outcome(versions.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' })))).toBe('AccessDenied 403');
    expect(await outcome(versions.send(new GetObjectCommand(named)))).toBe('ok');
    expect(await outcome(plain.send(new ListObjectVersionsCommand({ Bucket: bucket })))).toBe('AccessDenied 403');
    expect(await outcome(versions.send(new DeleteObjectCommand(named)))).toBe('ok');
    expect(await aws.store.readObject(bucket, 'key')).toBeUndefined();
  });

  it('that is a delete marker answers 404 by key and 405 by id', async () => {
    const bucket = aws.bucket({ versioning: true }), s3 = aws.s3(aws.root());
    await aws.store.putObject(bucket, 'key', 'text');
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key' }));
    await expect(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }))).rejects.toMatchObject({ name: 'NoSuchKey', $response: { headers: { 'x-amz-delete-marker': 'true' } } });
    await expect(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key', VersionId: VersionId! }))).rejects.toMatchObject({ name: 'MethodNotAllowed', $response: { headers: { allow: 'DELETE' } } });
    expect(await outcome(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key', VersionId: 'A'.repeat(32) })))).toBe('NoSuchVersion 404');
    expect(await outcome(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key', VersionId: 'no-id' })))).toBe('InvalidArgument 400');
  });
});

it('lets a listing through only under the prefix that the condition names', async () => {
  const bucket = aws.bucket(), s3 = aws.s3(aws.user([allow('s3:ListBucket', ARN(bucket), { StringLike: { 's3:prefix': 'data/migration/*' } })]));
  expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'data/migration/x' })))).toBe('ok');
  expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'data/' })))).toBe('AccessDenied 403');
  expect(await outcome(s3.send(new ListObjectsV2Command({ Bucket: bucket })))).toBe('AccessDenied 403');
  expect(await outcome(s3.send(new HeadBucketCommand({ Bucket: bucket })))).toMatch(/403$/u);
  expect(await outcome(s3.send(new ListMultipartUploadsCommand({ Bucket: bucket })))).toBe('AccessDenied 403');
  expect(await outcome(s3.send(new ListBucketsCommand({})))).toBe('AccessDenied 403');
});

it('copies only with the rights to read the source and to write the destination', async () => {
  const bucket = aws.bucket({ versioning: true }), { versionId } = await aws.store.putObject(bucket, 'from +é.txt', 'text');
  const copy = (statements: Parameters<AFront['user']>[0], source: string) =>
    outcome(aws.s3(aws.user(statements)).send(new CopyObjectCommand({ Bucket: bucket, Key: 'to', CopySource: source })));
  const source = `${bucket}/${encodeURIComponent('from +é.txt')}`, read = ARN(bucket, '/from*'), write = allow('s3:PutObject', ARN(bucket, '/to'));
  expect(await copy([allow('s3:GetObject', read), write], source)).toBe('ok');
  expect(await copy([allow('s3:GetObject', read)], source)).toBe('AccessDenied 403');
  expect(await copy([write], source)).toBe('AccessDenied 403');
  expect(await copy([allow('s3:GetObject', read), write], `${source}?versionId=${versionId}`)).toBe('AccessDenied 403');
  expect(await copy([allow('s3:GetObjectVersion', read), write], `${source}?versionId=${versionId}`)).toBe('ok');
  // A plus sign that is not encoded is a space, so this is another key.
  expect(await copy([allow(['s3:GetObject', 's3:ListBucket'], [read, ARN(bucket)]), write], `${bucket}/from%20+%C3%A9.txt`)).toBe('NoSuchKey 404');
});

it('asks for the tagging right when tags are sent, and for the read right when a write depends on an ETag', async () => {
  const bucket = aws.bucket(), put = { Bucket: bucket, Key: 'key', Body: 'text' };
  const writer = aws.s3(aws.user([allow('s3:PutObject', ARN(bucket, '/*'))]));
  const { ETag } = await writer.send(new PutObjectCommand(put));
  expect(await outcome(writer.send(new PutObjectCommand({ ...put, Tagging: 'a=b' })))).toBe('AccessDenied 403');
  expect(await outcome(writer.send(new PutObjectTaggingCommand({ Bucket: bucket, Key: 'key', Tagging: { TagSet: [] } })))).toBe('AccessDenied 403');
  expect(await outcome(writer.send(new PutObjectCommand({ ...put, IfMatch: ETag! })))).toBe('AccessDenied 403');
  expect(await outcome(writer.send(new PutObjectCommand({ ...put, Key: 'other', IfNoneMatch: '*' })))).toBe('ok');
  expect(await outcome(aws.s3(aws.user([allow(['s3:PutObject', 's3:GetObject', 's3:PutObjectTagging'], ARN(bucket, '/*'))])).send(new PutObjectCommand({ ...put, IfMatch: ETag!, Tagging: 'a=b' })))).toBe('ok');
  expect(await outcome(writer.send(new GetObjectAttributesCommand({ Bucket: bucket, Key: 'key', ObjectAttributes: ['ETag'] })))).toBe('AccessDenied 403');
});

it('refuses the keys of a DeleteObjects one by one', async () => {
  const bucket = aws.bucket(), s3 = aws.s3(aws.user([allow('s3:DeleteObject', ARN(bucket, '/mine/*'))]));
  await aws.store.putObject(bucket, 'mine/\r\n<&>', 'text');
  await aws.store.putObject(bucket, 'theirs', 'text');
  const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'mine/\r\n<&>' }, { Key: 'theirs' }] } }));
  expect(Deleted?.map(({ Key }) => Key)).toEqual(['mine/\r\n<&>']);
  expect(Errors).toMatchObject([{ Key: 'theirs', Code: 'AccessDenied' }]);
  expect(aws.store.listObjects(bucket).map(({ key }) => key)).toEqual(['theirs']);
});

describe('a bucket policy', () => {
  const put = (bucket: string, statement: Readonly<Record<string, unknown>> | string, caller = aws.root()) => outcome(aws.s3(caller).send(new PutBucketPolicyCommand({
    Bucket: bucket, Policy: typeof statement === 'string' ? statement : JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  })));
  const statement = (bucket: string, more: Readonly<Record<string, unknown>> = {}) =>
    ({ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${OWNER}:root` }, Action: 's3:GetObject', Resource: ARN(bucket, '/*'), ...more });

  it('denies what an identity policy allows', async () => {
    const bucket = aws.bucket(), caller = aws.user([allow('s3:*', '*')]);
    await aws.store.putObject(bucket, 'key', 'text');
    const get = () => outcome(aws.s3(caller).send(new GetObjectCommand({ Bucket: bucket, Key: 'key' })));
    expect(await get()).toBe('ok');
    expect(await put(bucket, statement(bucket, { Effect: 'Deny', Principal: '*' }))).toBe('ok');
    expect(await get()).toBe('AccessDenied 403');
  });

  it('sees the headers of a write as condition keys, and their absence', async () => {
    const bucket = aws.bucket(), caller = aws.user([allow('s3:*', '*')]);
    const write = (more: object) => outcome(aws.s3(caller).send(new PutObjectCommand({ Bucket: bucket, Key: `key-${JSON.stringify(more)}`, Body: 'x', ...more })));
    expect(await put(bucket, statement(bucket, { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Condition: { Null: { 's3:if-none-match': 'true' } } }))).toBe('ok');
    expect([await write({}), await write({ IfNoneMatch: '*' })]).toEqual(['AccessDenied 403', 'ok']);
    expect(await put(bucket, statement(bucket, { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'AES256' } } }))).toBe('ok');
    // Default encryption does not count: the key is the header's.
    expect([await write({}), await write({ ServerSideEncryption: 'AES256' })]).toEqual(['AccessDenied 403', 'ok']);
  });

  it('opens a bucket to another account, whose own policy has to allow it too', async () => {
    const bucket = aws.bucket(), may = aws.user([allow('s3:GetObject', ARN(bucket, '/*'))], STRANGER), mayNot = aws.user([allow('s3:ListBucket', '*')], STRANGER);
    await aws.store.putObject(bucket, 'key', 'text');
    const get = (caller: typeof may) => outcome(aws.s3(caller).send(new GetObjectCommand({ Bucket: bucket, Key: 'key' })));
    expect(await get(may)).toBe('AccessDenied 403');
    expect(await put(bucket, statement(bucket, { Principal: { AWS: STRANGER } }))).toBe('ok');
    expect(await get(may)).toBe('ok');
    expect(await get(mayNot)).toBe('AccessDenied 403');
  });

  it.each([
    { name: 'a role that does not exist', more: { Principal: { AWS: `arn:aws:iam::${OWNER}:role/gone` } } },
    { name: 'no principal', more: { Principal: undefined } },
    { name: "another bucket's resource", more: { Resource: 'arn:aws:s3:::another/*' } },
    { name: 'an action of another service', more: { Action: 'sqs:SendMessage' } },
    { name: 'no resource', more: { Resource: undefined } },
    { name: 'an unknown field', more: { Allow: true } },
    { name: 'an unknown operator', more: { Condition: { StringIs: { 'aws:sourceip': '1' } } } },
  ])('with $name is malformed', async ({ more }) => {
    const bucket = aws.bucket();
    expect(await put(bucket, statement(bucket, more))).toBe('MalformedPolicy 400');
  });

  it('with an action that does not fit its resource is malformed', async () => {
    const bucket = aws.bucket();
    expect(await put(bucket, statement(bucket, { Action: ['s3:GetObject', 's3:ListBucket'] }))).toBe('MalformedPolicy 400');
    expect(await put(bucket, statement(bucket, { Action: ['s3:GetObject', 's3:ListBucket'], Resource: [ARN(bucket), ARN(bucket, '/*')] }))).toBe('ok');
    expect(await put(bucket, '{"Version": "2012-10-17"')).toBe('MalformedPolicy 400');
    expect(await put(bucket, statement(bucket, { Sid: 'x'.repeat(20_480) }))).toBe('MalformedPolicy 400');
  });

  it('that is public is refused while BlockPublicPolicy is on, unless a fixed value narrows it', async () => {
    const bucket = aws.bucket();
    expect(await put(bucket, statement(bucket, { Principal: '*' }))).toBe('AccessDenied 403');
    expect(await put(bucket, statement(bucket, { Principal: '*', Condition: { StringLike: { 'aws:PrincipalArn': '*' } } }))).toBe('AccessDenied 403');
    expect(await put(bucket, statement(bucket, { Principal: '*', Condition: { StringEquals: { 'aws:PrincipalAccount': OWNER } } }))).toBe('ok');
  });

  it("is none of another account's business", async () => {
    const bucket = aws.bucket(), stranger = aws.user([allow('s3:*', '*')], STRANGER);
    expect(await put(bucket, statement(bucket, { Principal: { AWS: STRANGER }, Action: 's3:*', Resource: [ARN(bucket), ARN(bucket, '/*')] }))).toBe('ok');
    expect(await put(bucket, statement(bucket), stranger)).toBe('MethodNotAllowed 405');
  });

  it('that locks everybody out is still the root\'s to replace', async () => {
    const bucket = aws.bucket();
    expect(await put(bucket, statement(bucket, { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [ARN(bucket), ARN(bucket, '/*')] }))).toBe('ok');
    expect(await outcome(aws.s3(aws.root()).send(new HeadBucketCommand({ Bucket: bucket })))).toMatch(/403$/u);
    expect(await put(bucket, statement(bucket))).toBe('ok');
  });
});

it('refuses a bucket that belongs to another account than the caller expects, at either end of a copy', async () => {
  const bucket = aws.bucket(), s3 = aws.s3(aws.root());
  await aws.store.putObject(bucket, 'key', 'text');
  expect(await outcome(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key', ExpectedBucketOwner: OWNER })))).toBe('ok');
  expect(await outcome(s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'key', ExpectedBucketOwner: STRANGER })))).toBe('AccessDenied 403');
  expect(await outcome(s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'new', Body: 'x', ExpectedBucketOwner: STRANGER })))).toBe('AccessDenied 403');
  const copy = { Bucket: bucket, Key: 'copy', CopySource: `${bucket}/key` };
  expect(await outcome(s3.send(new CopyObjectCommand({ ...copy, ExpectedSourceBucketOwner: STRANGER })))).toBe('AccessDenied 403');
  expect(await outcome(s3.send(new CopyObjectCommand({ ...copy, ExpectedSourceBucketOwner: OWNER })))).toBe('ok');
  expect(aws.store.listObjects(bucket).map(({ key }) => key)).toEqual(['copy', 'key']);
});

it('sends callers of the wrong region to the right one', async () => {
  const bucket = aws.bucket({ region: 'us-west-2' });
  await expect(aws.s3(aws.root()).send(new GetObjectCommand({ Bucket: bucket, Key: 'key' }))).rejects.toMatchObject({ name: 'PermanentRedirect', $metadata: { httpStatusCode: 301 } });
  await expect(aws.s3(aws.root()).send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({ $metadata: { httpStatusCode: 301 }, $response: { headers: { 'x-amz-bucket-region': 'us-west-2' } } });
  expect(await aws.s3(aws.root(), 'us-east-1').send(new GetBucketLocationCommand({ Bucket: bucket }))).toMatchObject({ LocationConstraint: 'us-west-2' });
  expect(await aws.s3(aws.root(), 'us-west-2').send(new HeadBucketCommand({ Bucket: bucket }))).toMatchObject({ BucketRegion: 'us-west-2' });
});
