import {
  CreateLogGroupCommand, CreateLogStreamCommand, DeleteLogStreamCommand, DescribeLogGroupsCommand, DescribeLogStreamsCommand, FilterLogEventsCommand, GetLogEventsCommand,
  ListTagsForResourceCommand, PutLogEventsCommand, PutRetentionPolicyCommand, StartQueryCommand, TagResourceCommand, type CloudWatchLogsClient, type InputLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { aFront, type AFront, allow, outcome, OWNER, REGION } from '../s3/a-front.js';

let aws: AFront, logs: CloudWatchLogsClient;
// Pages of ten events, and ten times AWS's rates: the limits of a page and of a second have tests of their own.
beforeAll(async () => {
  aws = await aFront({ page: { events: 10 }, rateFactor: 10 });
  logs = aws.logsClient(aws.root());
});
afterAll(() => aws.close());

const DAY = 24 * 3_600_000;
/** Makes an event of an hour ago older than a day, and one of now not. */
const LATER_MS = 23.5 * 3_600_000;
let names = 0;
async function aStream(retentionInDays?: number): Promise<{ logGroupName: string; logStreamName: string }> {
  const here = { logGroupName: `airflow-env-${(names += 1)}-Task`, logStreamName: 'dag_id=a/run_id=manual__2024-01-01T00_00_00+00_00/task_id=t/attempt=1.log' };
  await logs.send(new CreateLogGroupCommand({ logGroupName: here.logGroupName }));
  if (retentionInDays !== undefined) await logs.send(new PutRetentionPolicyCommand({ logGroupName: here.logGroupName, retentionInDays }));
  await logs.send(new CreateLogStreamCommand(here));
  return here;
}
const event = (timestamp: number, message = 'line'): InputLogEvent => ({ timestamp, message });

describe('a batch', () => {
  it('holds 1,048,576 bytes, 26 more counted for each event', async () => {
    const here = await aStream(), put = (bytes: number) => outcome(logs.send(new PutLogEventsCommand({ ...here, logEvents: [event(Date.now(), 'é'.repeat((bytes - 26) / 2))] })));
    expect(await put(1_048_576)).toBe('ok');
    expect(await put(1_048_578)).toBe('InvalidParameterException 400');
    const short = (count: number) => outcome(logs.send(new PutLogEventsCommand({ ...here, logEvents: Array.from({ length: count }, () => event(Date.now(), 'x'.repeat(100))) })));
    expect(await short(8_322)).toBe('ok');
    expect(await short(8_323)).toBe('InvalidParameterException 400');
  });

  it.each([
    { events: () => [], is: 'InvalidParameterException 400', because: 'empty' },
    { events: () => Array.from({ length: 10_000 }, () => event(Date.now(), 'x')), is: 'ok', because: '10,000 events' },
    { events: () => Array.from({ length: 10_001 }, () => event(Date.now(), 'x')), is: 'InvalidParameterException 400', because: '10,001 events' },
    { events: () => [event(Date.now(), '')], is: 'InvalidParameterException 400', because: 'an empty message' },
    { events: () => [event(Date.now()), event(Date.now() - 1)], is: 'InvalidParameterException 400', because: 'not in order of time' },
    { events: () => [event(Date.now() - DAY), event(Date.now() - 1)], is: 'ok', because: 'a span just below 24 hours' },
    { events: () => [event(Date.now() - DAY - 1000), event(Date.now())], is: 'InvalidParameterException 400', because: 'a span of more than 24 hours' },
    { events: () => [event(Date.now() - 20 * DAY), event(Date.now())], is: 'ok', because: 'a span that only a rejected event makes' },
  ])('with $because: $is', async ({ events, is }) => {
    expect(await outcome(logs.send(new PutLogEventsCommand({ ...await aStream(), logEvents: events() })))).toBe(is);
  });

  it.each([
    { retention: undefined, ages: [15 * DAY, 14 * DAY + 60_000, 14 * DAY - 60_000], rejected: { tooOldLogEventEndIndex: 2 }, stored: 1, because: 'older than 14 days; the index is that of the first good one' },
    { retention: 3, ages: [15 * DAY, 4 * DAY, 60_000, 0], rejected: { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 2 }, stored: 2, because: 'older than the group keeps' },
    { retention: undefined, ages: [0, -2 * 3_600_000 + 60_000, -2 * 3_600_000 - 60_000, -3 * 3_600_000], rejected: { tooNewLogEventStartIndex: 2 }, stored: 2, because: 'more than two hours ahead; the index is the first of them' },
    { retention: undefined, ages: [20 * DAY], rejected: { tooOldLogEventEndIndex: 1 }, stored: 0, because: 'nothing is left, and it is a success all the same' },
  ])('says what it rejected: $because', async ({ retention, ages, rejected, stored }) => {
    const here = await aStream(retention), now = Date.now();
    const { rejectedLogEventsInfo } = await logs.send(new PutLogEventsCommand({ ...here, logEvents: ages.map((age) => event(now - age)) }));
    expect(rejectedLogEventsInfo).toEqual(rejected);
    expect((await logs.send(new GetLogEventsCommand(here))).events).toHaveLength(stored);
  });
});

describe('names and settings', () => {
  it.each([
    { name: 'a:b', is: 'InvalidParameterException 400' }, { name: 'a*b', is: 'InvalidParameterException 400' }, { name: '', is: 'InvalidParameterException 400' },
    { name: 'dag_id=ä b/+(1)', is: 'ok' },
  ])('stream "$name": $is', async ({ name, is }) => {
    const { logGroupName } = await aStream();
    expect(await outcome(logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: name })))).toBe(is);
  });

  it('of a stream hold 512 characters', async () => {
    const { logGroupName } = await aStream(), make = (length: number) => outcome(logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'x'.repeat(length) })));
    expect([await make(512), await make(513)]).toEqual(['ok', 'InvalidParameterException 400']);
  });

  it('are refused when taken, missing or not in the list', async () => {
    const here = await aStream(), { logGroupName } = here;
    expect(await outcome(logs.send(new CreateLogGroupCommand({ logGroupName })))).toBe('ResourceAlreadyExistsException 400');
    expect(await outcome(logs.send(new CreateLogStreamCommand(here)))).toBe('ResourceAlreadyExistsException 400');
    expect(await outcome(logs.send(new CreateLogGroupCommand({ logGroupName: 'a b' })))).toBe('InvalidParameterException 400');
    expect(await outcome(logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: 2 })))).toBe('InvalidParameterException 400');
    expect(await outcome(logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 'none' })))).toBe('ResourceNotFoundException 400');
    expect(await outcome(logs.send(new PutLogEventsCommand({ logGroupName: 'none', logStreamName: 'none', logEvents: [event(Date.now())] })))).toBe('ResourceNotFoundException 400');
    expect(await outcome(logs.send(new StartQueryCommand({ startTime: 0, endTime: 1, queryString: 'x' })))).toBe('UnknownOperationException 400');
  });
});

describe('reading a stream', () => {
  type Direction = 'nextForwardToken' | 'nextBackwardToken';
  const readAll = async (here: { logGroupName: string; logStreamName: string }, direction: Direction) => {
    const pages: string[][] = [];
    let token: string | undefined;
    for (;;) {
      const page = await logs.send(new GetLogEventsCommand({ ...here, startFromHead: direction === 'nextForwardToken', ...(token === undefined ? {} : { nextToken: token }) }));
      pages.push((page.events ?? []).map(({ message }) => message!));
      if (page[direction] === token) return pages;
      token = page[direction];
    }
  };

  it('gives pages, some of them empty, until the same token comes back', async () => {
    const here = await aStream(), start = Date.now() - 1000, messages = Array.from({ length: 25 }, (_, index) => `line ${index}`);
    await logs.send(new PutLogEventsCommand({ ...here, logEvents: messages.map((message, index) => event(start + Math.floor(index / 7), message)) }));
    const forward = await readAll(here, 'nextForwardToken'), backward = await readAll(here, 'nextBackwardToken');
    expect(forward.map(({ length }) => length)).toEqual([10, 0, 10, 0, 5, 0]);
    expect(forward.flat()).toEqual(messages);
    expect(backward.map(({ length }) => length)).toEqual([10, 0, 10, 0, 5, 0]);
    expect(backward.reverse().flat()).toEqual(messages);
  });

  it('begins at the tail unless told otherwise, and ends a range before its end', async () => {
    const here = await aStream(), start = Date.now() - 1000;
    await logs.send(new PutLogEventsCommand({ ...here, logEvents: Array.from({ length: 5 }, (_, index) => event(start + index, String(index))) }));
    const read = async (more: object) => (await logs.send(new GetLogEventsCommand({ ...here, ...more }))).events?.map(({ message }) => message).join('');
    expect(await read({ limit: 2 })).toBe('34');
    expect(await read({ limit: 2, startFromHead: true })).toBe('01');
    expect(await read({ startTime: start + 1, endTime: start + 3 })).toBe('12');
    expect(await outcome(logs.send(new GetLogEventsCommand({ ...here, nextToken: 'f/1' })))).toBe('InvalidParameterException 400');
    expect(await outcome(logs.send(new GetLogEventsCommand({ ...here, limit: 10_001 })))).toBe('InvalidParameterException 400');
  });

  it('puts late events where their time belongs, and forgets what is older than the retention', async () => {
    const here = await aStream(1), now = Date.now();
    await logs.send(new PutLogEventsCommand({ ...here, logEvents: [event(now, 'second')] }));
    await logs.send(new PutLogEventsCommand({ ...here, logEvents: [event(now - 3_600_000, 'first')] }));
    const read = async (client: CloudWatchLogsClient) => (await client.send(new GetLogEventsCommand(here))).events?.map(({ message }) => message);
    expect(await read(logs)).toEqual(['first', 'second']);
    aws.world.clock.shift(LATER_MS / 1000);
    try {
      expect(await read(aws.logsClient(aws.root(), REGION, LATER_MS))).toEqual(['second']);
    } finally {
      aws.world.clock.shift(0);
    }
  });
});

it('filters by stream prefix, terms and time over all streams, in order of time', async () => {
  const { logGroupName } = await aStream(), start = Date.now() - 1000;
  for (const [index, logStreamName] of ['a/1', 'a/2', 'b/1'].entries()) {
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [event(start + 10 - index, `ERROR in ${logStreamName}`), event(start + 100, 'all "good" here')] }));
  }
  const find = async (more: object) => (await logs.send(new FilterLogEventsCommand({ logGroupName, ...more }))).events?.map(({ logStreamName, message }) => `${logStreamName} ${message?.slice(0, 5)}`);
  expect(await find({ logStreamNamePrefix: 'a/', filterPattern: 'ERROR' })).toEqual(['a/2 ERROR', 'a/1 ERROR']);
  expect(await find({ filterPattern: '?ERROR ?nothing -"b/1"' })).toEqual(['a/2 ERROR', 'a/1 ERROR']);
  expect(await find({ filterPattern: '"\\"good\\" here"', logStreamNames: ['b/1'] })).toEqual(['b/1 all "']);
  expect(await find({ endTime: start + 9 })).toEqual(['b/1 ERROR']);
  expect(await outcome(logs.send(new FilterLogEventsCommand({ logGroupName, logStreamNames: ['a/1'], logStreamNamePrefix: 'a' })))).toBe('InvalidParameterException 400');
  expect(await outcome(logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '{ $.level = "x" }' })))).toBe('InvalidParameterException 400');
  expect(await outcome(logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: 'b/1' })))).toBe('InvalidParameterException 400');
});

it('finds nothing on a page, and more on the next, when a pattern is rare', async () => {
  const here = await aStream(), start = Date.now() - 1000;
  await logs.send(new PutLogEventsCommand({ ...here, logEvents: Array.from({ length: 25 }, (_, index) => event(start + index, index === 22 ? 'needle' : 'hay')) }));
  const pages: number[] = [];
  let nextToken: string | undefined;
  do {
    const page = await logs.send(new FilterLogEventsCommand({ logGroupName: here.logGroupName, filterPattern: 'needle', ...(nextToken === undefined ? {} : { nextToken }) }));
    pages.push(page.events?.length ?? 0);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  expect(pages).toEqual([0, 0, 1]);
});

it('describes streams by name or by last event, fifty at most, and never by both prefix and time', async () => {
  const { logGroupName } = await aStream();
  for (let index = 0; index < 60; index += 1) aws.logs.deliver({ account: OWNER, region: REGION }, logGroupName, `s${String(index).padStart(2, '0')}`, [{ at: new Date(1_000_000 - index), message: 'x' }]);
  const describePage = (more: object) => logs.send(new DescribeLogStreamsCommand({ logGroupName, ...more }));
  const first = await describePage({ logStreamNamePrefix: 's' }), second = await describePage({ logStreamNamePrefix: 's', nextToken: first.nextToken! });
  expect([first.logStreams?.length, second.logStreams?.length, second.nextToken]).toEqual([50, 10, undefined]);
  expect(second.logStreams?.[0]).toMatchObject({ logStreamName: 's50', firstEventTimestamp: 999_950, lastEventTimestamp: 999_950, arn: `arn:aws:logs:${REGION}:${OWNER}:log-group:${logGroupName}:log-stream:s50` });
  const byTime = await describePage({ orderBy: 'LastEventTime', limit: 2 });
  expect(byTime.logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(['s59', 's58']);
  expect((await describePage({ orderBy: 'LastEventTime', limit: 2, nextToken: byTime.nextToken! })).logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(['s57', 's56']);
  expect(await outcome(describePage({ limit: 51 }))).toBe('InvalidParameterException 400');
  expect(await outcome(describePage({ orderBy: 'LastEventTime', logStreamNamePrefix: 's' }))).toBe('InvalidParameterException 400');
});

describe('rights', () => {
  const arn = (group: string, rest: string): string => `arn:aws:logs:${REGION}:${OWNER}:log-group:${group}${rest}`;

  it('on a group are given by its ARN with ":*", except for tags', async () => {
    const { logGroupName } = await aStream();
    const calls = async (resource: string) => {
      const client = aws.logsClient(aws.user([allow('logs:*', resource)]));
      return [await outcome(client.send(new DescribeLogStreamsCommand({ logGroupName }))), await outcome(client.send(new ListTagsForResourceCommand({ resourceArn: arn(logGroupName, '') }))), await outcome(client.send(new DescribeLogGroupsCommand({ limit: 1 })))];
    };
    const no = 'AccessDeniedException 400';
    expect(await calls(arn(logGroupName, ':*'))).toEqual(['ok', no, no]);
    expect(await calls(arn(logGroupName, ''))).toEqual([no, 'ok', no]);
    expect(await calls(arn('airflow-env-*', ''))).toEqual(['ok', 'ok', no]);
    expect(await calls('*')).toEqual(['ok', 'ok', 'ok']);
  });

  it('on a stream name that stream, and come before the question whether it exists', async () => {
    const here = await aStream(), other = { ...here, logStreamName: 'other' };
    const client = aws.logsClient(aws.user([allow(['logs:PutLogEvents', 'logs:GetLogEvents'], arn(here.logGroupName, `:log-stream:${here.logStreamName}`))]));
    expect(await outcome(client.send(new PutLogEventsCommand({ ...here, logEvents: [event(Date.now())] })))).toBe('ok');
    expect(await outcome(client.send(new PutLogEventsCommand({ ...other, logEvents: [event(Date.now())] })))).toBe('AccessDeniedException 400');
    expect(await outcome(client.send(new DeleteLogStreamCommand(here)))).toBe('AccessDeniedException 400');
    await expect(client.send(new GetLogEventsCommand(other))).rejects.toThrow(/is not authorized to perform: logs:GetLogEvents on resource: .*:log-stream:other/u);
  });

  it('to tag are asked for when a group is made with tags', async () => {
    const client = aws.logsClient(aws.user([allow('logs:CreateLogGroup', '*')]));
    expect(await outcome(client.send(new CreateLogGroupCommand({ logGroupName: 'airflow-tagged', tags: { a: 'b' } })))).toBe('AccessDeniedException 400');
    expect(await outcome(client.send(new CreateLogGroupCommand({ logGroupName: 'airflow-untagged' })))).toBe('ok');
    await logs.send(new TagResourceCommand({ resourceArn: arn('airflow-untagged', ''), tags: { a: 'b' } }));
    expect((await logs.send(new ListTagsForResourceCommand({ resourceArn: arn('airflow-untagged', '') }))).tags).toEqual({ a: 'b' });
  });

  it('of the service on the group\'s key decide whether the group can be made, written and read', async () => {
    const policy = (groups: string) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: `logs.${REGION}.amazonaws.com` }, Action: 'kms:*', Resource: '*', Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': arn(groups, '') } } }] });
    const key = aws.world.createKey({ account: OWNER, region: REGION, policy: policy('airflow-secret-*') });
    const make = (logGroupName: string, kmsKeyId = key) => outcome(logs.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId })));
    expect(await make('airflow-other')).toBe('InvalidParameterException 400');
    expect(await make('airflow-secret-Task', key.replace(/[0-9a-f-]+$/u, 'none'))).toBe('InvalidParameterException 400');
    expect(await make('airflow-secret-Task')).toBe('ok');
    expect((await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'airflow-secret' }))).logGroups).toMatchObject([{ kmsKeyId: key, arn: arn('airflow-secret-Task', ':*') }]);
    await expect(aws.logs.createLogGroup({ account: OWNER, region: REGION, name: 'airflow-other', kmsKey: key })).rejects.toThrow(/not allowed to be used with Arn/u);
    await expect(aws.logs.createLogGroup({ account: OWNER, region: REGION, name: 'airflow-secret-Worker', kmsKey: key })).resolves.toBeUndefined();
  });
});

it('throttles by operation, account and region at AWS\'s rates', async () => {
  const strict = await aFront();
  try {
    const client = strict.logsClient(strict.root());
    await client.send(new CreateLogGroupCommand({ logGroupName: 'group' }));
    const results = await Promise.all(Array.from({ length: 60 }, () => outcome(client.send(new DescribeLogStreamsCommand({ logGroupName: 'group' })))));
    const admitted = results.filter((result) => result === 'ok').length;
    expect(new Set(results)).toEqual(new Set(['ok', 'ThrottlingException 400']));
    // 25 at once, and as many more as the burst's own duration earns.
    expect(admitted).toBeGreaterThanOrEqual(25);
    expect(admitted).toBeLessThan(50);
    expect(await outcome(strict.logsClient(strict.root(), 'us-east-1').send(new DescribeLogGroupsCommand({})))).toBe('ok');
  } finally {
    await strict.close();
  }
});
