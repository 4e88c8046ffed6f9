import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { ensureTools } from '../../../scripts/python.mjs';
import { objectVersions } from '../../e2e/leaks/objects.js';
import { scanForCanaries } from '../../e2e/leaks/scan.js';

const CANARY = { name: 'api_token', value: 'canary0123456789abcdef' };
let server: ChildProcess, s3: S3Client;

beforeAll(async () => {
  server = spawn(path.join(ensureTools(), 'moto_server'), ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const endpoint = await new Promise<string>((resolve, reject) => {
    let text = '';
    server.once('error', reject);
    server.stderr?.on('data', (chunk: Buffer) => {
      const address = /Running on (http:\S+)/.exec((text += chunk.toString()))?.[1];
      if (address) resolve(address);
    });
    server.once('exit', () => reject(new Error(`moto_server ended: ${text}`)));
  });
  s3 = new S3Client({ region: 'eu-west-1', endpoint, forcePathStyle: true, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
}, 120_000);
afterAll(() => {
  s3.destroy();
  server.kill('SIGKILL');
});

/** A bucket in which the value stood once, in a version that a clean one and a delete marker have covered since. */
async function bucketWith(name: string, put: Readonly<{ Key?: string; Body?: string | Buffer; Metadata?: Record<string, string> }>): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }));
  const Key = put.Key ?? 'a/b';
  await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'clean', ...put }));
  await s3.send(new PutObjectCommand({ Bucket: name, Key, Body: 'clean' }));
  await s3.send(new DeleteObjectCommand({ Bucket: name, Key }));
}

it('reads every version and delete marker of a clean bucket', async () => {
  await bucketWith('clean', {});
  // Two versions with metadata each, and the marker.
  expect(await scanForCanaries([CANARY], objectVersions(s3, 'clean'))).toMatchObject({ leaks: [], sources: 5 });
});

it.each([
  ['body', { Body: `x${CANARY.value}` }],
  ['compressed', { Body: gzipSync(`x${CANARY.value}`) }],
  ['key', { Key: `a/${CANARY.value}` }],
  ['metadata', { Metadata: { note: CANARY.value } }],
])('finds the value in a covered version: %s', async (name, put) => {
  await bucketWith(name, put);
  const { leaks } = await scanForCanaries([CANARY], objectVersions(s3, name));
  expect(leaks.length).toBeGreaterThan(0);
});

it('follows a listing over its pages', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'pages', CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' } }));
  for (let number = 0; number < 7; number++) await s3.send(new PutObjectCommand({ Bucket: 'pages', Key: `k${number}`, Body: number === 6 ? CANARY.value : 'clean' }));
  const small = { send: (command: { input: object }) => s3.send(Object.assign(command, { input: { MaxKeys: 3, ...command.input } }) as never) } as unknown as S3Client;
  const { leaks, sources } = await scanForCanaries([CANARY], objectVersions(small, 'pages'));
  expect({ found: leaks.map(({ source }) => source), sources }).toEqual({ found: ['s3://pages/k6 (version null)'], sources: 14 });
});
