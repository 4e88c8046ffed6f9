/** What rollback clears away, on the strict S3 of the sandbox, with just the rights of the way back; what stays is listed by AWS's own client. */
import { CreateMultipartUploadCommand, DeleteObjectCommand, GetBucketPolicyCommand, ListMultipartUploadsCommand, ListObjectVersionsCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openBucket } from '../../../src/gateways/aws/s3-bucket.js';
import { openBucketAdmin } from '../../../src/gateways/aws/s3-bucket-admin.js';
import { findLeftovers, isTidy, tidyUp } from '../../../src/phases/tidy.js';
import type { Bucket } from '../../../src/ports.js';
import { after, EXPORTED } from '../../builders/rollback-story.js';
import { aMigrationFile, anEnvironment } from '../../builders/values.js';
import { aFront, type AFront, allow, OWNER, REGION } from '../s3/a-front.js';

jest.setTimeout(60_000); // for a busy machine

let aws: AFront;
beforeAll(async () => { aws = await aFront(); });
afterAll(() => aws.close());

const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';
const statement = (Sid: string) => ({ Sid, Effect: 'Allow', Principal: { AWS: OWNER }, Action: 's3:GetObject', Resource: `arn:aws:s3:::*` });

it('removes every version, marker and upload of every final export\'s secrets, and our statements, and nothing else', async () => {
  const name = aws.bucket({ versioning: true }), dags = aws.bucket(), root = aws.s3(aws.root());
  const put = async (key: string, bucket = name) => void (await root.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'sealed' })));
  const secret = [1, 2].map((attempt) => `${PREFIX}${attempt}/export/variable.sealed`);
  for (const key of [...secret, ...secret]) await put(key);
  await root.send(new DeleteObjectCommand({ Bucket: name, Key: secret[0] }));
  await root.send(new CreateMultipartUploadCommand({ Bucket: name, Key: `${PREFIX}2/export/variable.sealed` }));
  const neighbours = [`${PREFIX}1/export/variable_history.csv.gz`, `${PREFIX}2/export/dag_run.csv.gz`, `${PREFIX}20/export/variable.sealed`, `${PREFIX}journal.json`];
  for (const key of neighbours) await put(key);
  await put('analytics-v2/dags/mwaa_migrate/db_import.py', dags);
  await put('analytics-v2/dags/nightly.py', dags);
  const policy = (...sids: readonly string[]) => JSON.stringify({ Version: '2012-10-17', Statement: sids.map((sid) => ({ ...statement(sid), Resource: `arn:aws:s3:::${name}/*` })) });
  await root.send(new PutBucketPolicyCommand({ Bucket: name, Policy: policy('Theirs', 'MwaaMigrate929b91b6SourceRead', 'MwaaMigrate929b91b6TargetRead', 'MwaaMigrate00000000Other') }));

  const migration = `arn:aws:s3:::${name}`;
  const client = aws.s3(aws.user([
    allow(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads', 's3:GetBucketPolicy', 's3:PutBucketPolicy'], [migration, `arn:aws:s3:::${dags}`]),
    allow(['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:AbortMultipartUpload'], `${migration}/data/migration/*`),
    allow(['s3:GetObject', 's3:DeleteObject'], `arn:aws:s3:::${dags}/*/mwaa_migrate/db_import.py`),
  ]));
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() }, log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
  const call = createCaller(clock, log, 'source-role'), open = (bucket: string): Bucket => openBucket(client, call, { name: bucket, region: REGION, ownerAccountId: OWNER });
  const world = await after(...EXPORTED, { phase: 'export', mode: 'final' });
  const doubled = world.context(), file = aMigrationFile({ target: { bucket: dags } });
  const context = {
    ...doubled, file, log,
    source: { ...doubled.source, buckets: openBucketAdmin(client, call, clock, REGION, () => Promise.resolve(OWNER)) },
    target: { ...doubled.target, openBucket: open, identity: () => Promise.resolve({ account: OWNER, arn: 'arn' }) },
  };
  const place = { source: anEnvironment(), target: undefined, sourceAccount: OWNER, bucketName: name, prefix: PREFIX };
  const journal = world.journalValue;
  if (!journal) throw new Error('no journal');

  // Two keys with two versions each, a marker, an upload.
  expect(await findLeftovers(context, place, open(name), journal)).toMatchObject({ secrets: 6, grants: true, targetDag: true });
  await tidyUp(context, place, open(name), journal);

  const { Versions = [], DeleteMarkers = [] } = await root.send(new ListObjectVersionsCommand({ Bucket: name }));
  expect([Versions.map(({ Key }) => Key).sort(), DeleteMarkers, (await root.send(new ListMultipartUploadsCommand({ Bucket: name }))).Uploads ?? []]).toEqual([[...neighbours].sort(), [], []]);
  expect((JSON.parse((await root.send(new GetBucketPolicyCommand({ Bucket: name }))).Policy ?? '') as { Statement: readonly { Sid: string }[] }).Statement.map(({ Sid }) => Sid).sort()).toEqual(['MwaaMigrate00000000Other', 'Theirs']);
  expect((await root.send(new ListObjectVersionsCommand({ Bucket: dags }))).Versions?.map(({ Key }) => Key)).toEqual(['analytics-v2/dags/nightly.py']);
  expect(isTidy(await findLeftovers(context, place, open(name), journal))).toBe(true);

  const before = aws.front.calls.length;
  await tidyUp(context, place, open(name), journal);
  const again = aws.front.calls.slice(before);
  expect([again.length > 3, again.filter(({ readOnly }) => !readOnly)]).toEqual([true, []]);
});
