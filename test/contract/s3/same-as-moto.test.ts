/** The store was written here, so a stranger checks it: what boto3 sees of it has to hold all that it sees of moto, but for what moto lets pass. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';
import { aFront, type AFront } from './a-front.js';

const STORY = fileURLToPath(new URL('./boto3_story.py', import.meta.url));

/** Step → what AWS answers, and moto does not. */
const STRICTER: Readonly<Record<string, unknown>> = {
  'create with a bad name': 'InvalidBucketName 400',
  list: { Buckets: [{ Name: 'story-bucket' }, { Name: 'story-other' }] },
  'encryption of a new bucket': { ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }] } },
  'public access block of a new bucket': { PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true } },
  'ownership of a new bucket': { OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] } },
  'wrong owner': '403 403',
  'put with a wrong sha256': 'BadDigest 400',
  checksum: expect.objectContaining({ ChecksumSHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=', ChecksumType: 'FULL_OBJECT', ETag: '"5d41402abc4b2a76b9719d911017c592"' }),
  attributes: { ETag: '5d41402abc4b2a76b9719d911017c592', ObjectSize: 5, StorageClass: 'STANDARD' },
  'copy onto itself': 'InvalidRequest 400',
  'presigned and changed': 403,
  'list of version 1': expect.not.objectContaining({ NextMarker: expect.anything() }),
  'delete objects quietly': {},
  'too many keys': 'MalformedXML 400',
  'complete out of order': 'InvalidPartOrder 400',
  'list at the end': { Buckets: [] },
};

let aws: AFront | undefined, moto: Awaited<ReturnType<typeof startMoto>> | undefined;
let ours: Readonly<Record<string, unknown>>, theirs: Readonly<Record<string, unknown>>;
beforeAll(async () => {
  const front = (aws = await aFront()), stranger = (moto = await startMoto());
  [ours, theirs] = await Promise.all([front.boto3(STORY, front.root()), front.boto3(STORY, front.root(), stranger.url)]);
}, 60_000);
afterAll(async () => {
  moto?.stop();
  await aws?.close();
});

describe('boto3 meets the same S3 as at moto', () => {
  it('in every step', () => {
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    expect(Object.keys(ours).length).toBeGreaterThan(80);
    const compared = (story: typeof ours) => Object.fromEntries(Object.entries(story).filter(([step]) => !(step in STRICTER)));
    expect(compared(ours)).toMatchObject(compared(theirs));
  });

  it('but as strict as AWS where moto is not', () => {
    const strict = (story: typeof ours) => Object.fromEntries(Object.keys(STRICTER).map((step) => [step, story[step]]));
    expect(strict(ours)).toEqual(STRICTER);
    // The list stays honest: a step that moto learns to refuse leaves it.
    for (const step of Object.keys(STRICTER)) expect({ step, answer: theirs[step] }).not.toEqual({ step, answer: ours[step] });
  });
});

async function startMoto() {
  const child = spawn(path.join(ensureTools(), 'moto_server'), ['-H', '127.0.0.1', '-p', '0'], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      said += piece;
      const found = /http:\/\/127\.0\.0\.1:\d+/u.exec(said);
      if (found) resolve(found[0]);
    });
    child.once('exit', (code) => reject(new Error(`moto_server ended with code ${code}: ${said.slice(-500)}`)));
  });
  return { url, stop: () => void process.kill(-child.pid!, 'SIGKILL') };
}
