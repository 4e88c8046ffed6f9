/** Log streams: made, described, deleted. */
import { accountOf, namedGroup, streamArn } from './access.js';
import type { Operation } from './calls.js';
import { nameOfToken, tokenOfName } from './groups.js';
import { GROUP_NAME, Input, invalidParameter, STREAM_NAME } from './input.js';
import { DESCRIBE_PAGE } from './limits.js';
import type { LogGroup, LogStream } from './state.js';

export const createLogStream: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'CreateLogStream', ['logGroupName', 'logStreamName']);
  const group = { account: accountOf(request), region: request.region, name: input.text('logGroupName', GROUP_NAME) }, name = input.text('logStreamName', STREAM_NAME);
  access.onStream(request, 'CreateLogStream', group, name);
  state.addStream(state.group(group), name);
  return {};
};

export const deleteLogStream: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'DeleteLogStream', ['logGroupName', 'logStreamName']);
  const name = { account: accountOf(request), region: request.region, name: input.text('logGroupName', GROUP_NAME) }, stream = input.text('logStreamName', STREAM_NAME);
  access.onStream(request, 'DeleteLogStream', name, stream);
  const group = state.group(name);
  group.streams.delete(state.stream(group, stream).name);
  return {};
};

export const describeLogStreams: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'DescribeLogStreams', ['logGroupName', 'logGroupIdentifier', 'logStreamNamePrefix', 'orderBy', 'descending', 'nextToken', 'limit']);
  const name = namedGroup(request, input), prefix = input.optionalText('logStreamNamePrefix', STREAM_NAME);
  const orderBy = input.optionalText('orderBy', { pattern: /^(?:LogStreamName|LastEventTime)$/u }) ?? 'LogStreamName', isDescending = input.flag('descending') ?? false;
  const limit = input.optionalNumber('limit', { least: 1, most: DESCRIBE_PAGE }) ?? DESCRIBE_PAGE, after = nameOfToken(input.optionalText('nextToken', { least: 1 }));
  if (orderBy === 'LastEventTime' && prefix !== undefined) throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
  access.onGroup(request, 'DescribeLogStreams', name);
  const group = state.group(name);
  const byName = (left: LogStream, right: LogStream) => (left.name < right.name ? -1 : Number(left.name > right.name));
  const compare = orderBy === 'LogStreamName' ? byName : (left: LogStream, right: LogStream) => lastEvent(left) - lastEvent(right) || byName(left, right);
  const found = [...group.streams.values()].filter((stream) => stream.name.startsWith(prefix ?? '')).sort((left, right) => (isDescending ? -compare(left, right) : compare(left, right)));
  const last = after === undefined ? undefined : group.streams.get(after);
  const rest = after === undefined ? found
    : orderBy === 'LogStreamName' ? found.filter((stream) => (isDescending ? stream.name < after : stream.name > after))
      : last === undefined ? [] : found.slice(found.indexOf(last) + 1);
  const page = rest.slice(0, limit);
  return { logStreams: page.map((stream) => describeStream(group, stream)), ...(rest.length > page.length ? { nextToken: tokenOfName(page.at(-1)!.name) } : {}) };
};

const lastEvent = ({ events, created }: LogStream): number => events.at(-1)?.at ?? created;

const describeStream = (group: LogGroup, stream: LogStream) => {
  const first = stream.events[0], last = stream.events.at(-1);
  return {
    logStreamName: stream.name, creationTime: stream.created, arn: streamArn(group, stream.name), storedBytes: 0, uploadSequenceToken: SEQUENCE_TOKEN,
    ...(first === undefined || last === undefined ? {} : { firstEventTimestamp: first.at, lastEventTimestamp: last.at }),
    ...(stream.lastIngested === undefined ? {} : { lastIngestionTime: stream.lastIngested }),
  };
};

/** Tokens mean nothing any more: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
export const SEQUENCE_TOKEN = '49590302018263581520000000000000000000000000000000000000';
