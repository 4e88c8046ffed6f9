/** Every byte that a migration leaves outside the two databases, for the leak scanner. */
import { CloudWatchLogsClient, DescribeLogGroupsCommand, DescribeLogStreamsCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import type { ByteSource } from '../leaks/scan.js';
import { objectVersions } from '../leaks/objects.js';
import { ACCOUNT, type MigrationWorld } from './world.js';

/** All versions of all objects of all buckets of the account. */
export async function* objectsOf({ sandbox }: MigrationWorld, account = ACCOUNT): AsyncGenerator<ByteSource> {
  const client = new S3Client(sandbox.rootClient(account));
  try {
    const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({}));
    for (const { Name: name } of buckets) if (name) yield* objectVersions(client, name);
  } finally {
    client.destroy();
  }
}

/** Every event of every log stream of the account: Airflow's task logs as MWAA delivers them. */
export async function* logEventsOf({ sandbox }: MigrationWorld, account = ACCOUNT): AsyncGenerator<ByteSource> {
  const client = new CloudWatchLogsClient(sandbox.rootClient(account));
  // The front holds AWS's rates, so each stream is read only once.
  try {
    const { logGroups = [] } = await client.send(new DescribeLogGroupsCommand({}));
    for (const { logGroupName } of logGroups) {
      for (let token: string | undefined, first = true; first || token; first = false) {
        const page = await client.send(new DescribeLogStreamsCommand({ logGroupName, ...(token ? { nextToken: token } : {}) }));
        token = page.nextToken;
        for (const { logStreamName } of page.logStreams ?? []) {
          let last: string | undefined;
          const texts: string[] = [];
          for (;;) {
            const events = await client.send(new GetLogEventsCommand({ logGroupName, logStreamName, startFromHead: true, ...(last ? { nextToken: last } : {}) }));
            texts.push(...(events.events ?? []).map(({ message = '' }) => message));
            if (events.nextForwardToken === last) break;
            last = events.nextForwardToken;
          }
          yield { name: `${logGroupName}/${logStreamName}`, bytes: Buffer.from(texts.join('\n')) };
        }
      }
    }
  } finally {
    client.destroy();
  }
}

/** Logs of all levels, outputs and summaries of every phase that ran. */
export function* runsOf({ runs }: MigrationWorld): Generator<ByteSource> {
  for (const [index, { phase, run }] of runs.entries()) {
    yield { name: `run ${index} (${phase}), log`, bytes: Buffer.from(run.log) };
    yield { name: `run ${index} (${phase}), outputs`, bytes: Buffer.from(JSON.stringify(run.outputs)) };
    yield { name: `run ${index} (${phase}), summary`, bytes: Buffer.from(run.summary) };
    for (const [name, text] of Object.entries(run.reports)) yield { name: `run ${index} (${phase}), ${name}`, bytes: Buffer.from(text) };
  }
}
