/** S3 and CloudWatch Logs behind the real front, with callers of every kind. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { S3Client } from '@aws-sdk/client-s3';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { ensureTools } from '../../../scripts/python.mjs';
import type { PolicyStatement } from '../../sandbox/front/contract.js';
import { startFront } from '../../sandbox/front/server.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';
import { createLogsService, type LogsSettings } from '../../sandbox/services/logs/service.js';
import { createS3Service } from '../../sandbox/services/s3/service.js';

export const OWNER = '111122223333', STRANGER = '444455556666', REGION = 'eu-west-1';
export type Caller = Readonly<{ arn: string; accessKeyId: string; secretAccessKey: string }>;

export async function aFront(logsSettings: LogsSettings = {}) {
  const world = createIdentityWorld({ accounts: [OWNER, STRANGER] });
  const folder = await mkdtemp(path.join(os.tmpdir(), 's3-test-'));
  const s3 = await createS3Service(world, { folder }), logs = createLogsService(world, logsSettings);
  const front = await startFront({ services: [s3, logs], world });
  const clients: { destroy(): void }[] = [];
  let callers = 0, buckets = 0;

  const keyOf = (arn: string): Caller => {
    const { accessKeyId, secretAccessKey } = world.identities.accessKeyFor(arn);
    return { arn, accessKeyId, secretAccessKey };
  };
  const configured = (caller: Caller, region: string) => ({ endpoint: front.url, region, credentials: caller, maxAttempts: 1 });
  const remembered = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };

  return {
    world, front, logs,
    /** Where S3's bytes lie, one file each. */
    folder,
    /** The service's insides, not a client. */
    store: s3,
    root: (account = OWNER): Caller => keyOf(`arn:aws:iam::${account}:root`),
    /** A new user who may exactly this. */
    user(statements: readonly PolicyStatement[], account = OWNER): Caller {
      const arn = world.createUser({ account, name: `caller-${(callers += 1)}`, policies: { own: { Version: '2012-10-17', Statement: statements } } });
      return keyOf(arn);
    },
    s3: (caller: Caller, region = REGION): S3Client => remembered(new S3Client({ ...configured(caller, region), forcePathStyle: true })),
    /** @param systemClockOffset milliseconds, for a client of a sandbox whose clock was shifted */
    logsClient: (caller: Caller, region = REGION, systemClockOffset = 0): CloudWatchLogsClient => remembered(new CloudWatchLogsClient({ ...configured(caller, region), systemClockOffset })),
    /** A new bucket of the owner. */
    bucket({ account = OWNER, region = REGION, versioning = false }: Readonly<{ account?: string; region?: string; versioning?: boolean }> = {}): string {
      const name = `bucket-${(buckets += 1)}`;
      s3.makeBucket({ name, account, region, versioning });
      return name;
    },
    /** Runs a boto3 program of this folder and reads the JSON it prints. */
    async boto3(script: string, caller: Caller, endpoint = front.url): Promise<Readonly<Record<string, unknown>>> {
      const { stdout } = await promisify(execFile)(path.join(ensureTools(), 'python'), [script], {
        env: { PATH: '/usr/bin:/bin', AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: caller.accessKeyId, AWS_SECRET_ACCESS_KEY: caller.secretAccessKey, AWS_REGION: REGION, AWS_DEFAULT_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true' },
        maxBuffer: 64 * 1024 * 1024,
      });
      return JSON.parse(stdout) as Record<string, unknown>;
    },
    async close(): Promise<void> {
      for (const client of clients) client.destroy();
      await front.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
export type AFront = Awaited<ReturnType<typeof aFront>>;

/** What a call came to: 'ok', or the error's code and status. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === undefined) throw error; // no answer of a service: a defect of the test
    return `${name} ${$metadata.httpStatusCode}`;
  }
}

export const allow = (Action: string | readonly string[], Resource: string | readonly string[], Condition?: Readonly<Record<string, unknown>>): PolicyStatement =>
  ({ Effect: 'Allow', Action, Resource, ...(Condition === undefined ? {} : { Condition }) });
