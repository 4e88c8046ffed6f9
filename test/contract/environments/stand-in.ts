/** moto's server in the place of the AWS front: these tests are about Airflow, so nothing is refused here. */
import { CloudWatchLogsClient, DescribeLogStreamsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTools } from '../../../scripts/python.mjs';
import { startComponent } from '../../sandbox/environments/component.js';
import { freePort } from '../../sandbox/environments/free-port.js';
import { endSessions } from '../../sandbox/environments/process-tree.js';

export const REGION = 'eu-west-1';
const KEYS = { accessKeyId: 'dummy', secretAccessKey: 'dummy' };

export async function startStandIn(folder: string) {
  const port = await freePort(), endpointUrl = `http://127.0.0.1:${port}`;
  const server = await startComponent({
    name: 'moto', command: path.join(ensureTools(), 'moto_server'), args: ['-H', '127.0.0.1', '-p', String(port)],
    env: { PATH: process.env.PATH ?? '', HOME: folder }, folder, logFile: path.join(folder, 'moto.txt'),
  });
  for (let attempt = 0; ; attempt++, await sleep(100)) {
    const isUp = await fetch(`${endpointUrl}/moto-api/`).then(({ ok }) => ok, () => false);
    if (isUp) break;
    if (attempt === 300 || server.ended() !== undefined) throw new Error(`moto_server is not up: ${server.ended() ?? 'no answer'}`);
  }
  const s3 = new S3Client({ region: REGION, endpoint: endpointUrl, forcePathStyle: true, credentials: KEYS });
  const logs = new CloudWatchLogsClient({ region: REGION, endpoint: endpointUrl, credentials: KEYS });
  return {
    endpointUrl,
    /** The execution role's credentials of every environment. */
    credentials: { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey },
    async createBucket(name: string): Promise<void> {
      await s3.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: REGION } }));
      await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }));
    },
    /** @returns the version id */
    async put(bucket: string, key: string, body: string | Uint8Array): Promise<string | undefined> {
      return (await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))).VersionId;
    },
    remove: (bucket: string, key: string) => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })),
    async logStreams(group: string): Promise<readonly string[]> {
      try {
        const { logStreams } = await logs.send(new DescribeLogStreamsCommand({ logGroupName: group }));
        return (logStreams ?? []).flatMap(({ logStreamName }) => logStreamName ?? []);
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return [];
        throw error;
      }
    },
    stop: () => endSessions([server.pid], 0),
  };
}
