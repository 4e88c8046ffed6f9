/** FilterLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html */
import { namedGroup } from './access.js';
import type { Operation } from './calls.js';
import { compilePattern } from './filter-pattern.js';
import { Input, invalidParameter, STREAM_NAME } from './input.js';
import { EVENT_OVERHEAD_BYTES, MAX_BATCH_EVENTS } from './limits.js';
import { compareEvents, type LogEvent, type Position } from './state.js';

type Found = LogEvent & Readonly<{ stream: string }>;

export const filterLogEvents: Operation = ({ state, access, page: most }, { request, members }) => {
  const input = new Input(members, 'FilterLogEvents', ['logGroupName', 'logGroupIdentifier', 'logStreamNames', 'logStreamNamePrefix', 'startTime', 'endTime', 'filterPattern', 'nextToken', 'limit', 'interleaved', 'startFromHead']);
  const name = namedGroup(request, input), names = input.list('logStreamNames', { least: 1, most: 100 })?.map(String), prefix = input.optionalText('logStreamNamePrefix', STREAM_NAME);
  const startTime = input.optionalNumber('startTime') ?? 0, endTime = input.optionalNumber('endTime') ?? Number.MAX_SAFE_INTEGER;
  const limit = input.optionalNumber('limit', { least: 1, most: MAX_BATCH_EVENTS }) ?? MAX_BATCH_EVENTS;
  const matches = compilePattern(input.optionalText('filterPattern', { most: 1024 })), after = positionOf(input.optionalText('nextToken', { least: 1 }));
  if (names !== undefined && prefix !== undefined) throw invalidParameter('logStreamNames and logStreamNamePrefix cannot both be specified.');
  if (startTime > endTime) throw invalidParameter('startTime must not be after endTime');
  if (input.flag('startFromHead') === false) throw invalidParameter("The sandbox's CloudWatch Logs reads FilterLogEvents from the head only.");
  access.onGroup(request, 'FilterLogEvents', name);
  const group = state.group(name);
  if (group.kmsKeyArn !== undefined) access.useKey(request, name, group.kmsKeyArn, 'kms:Decrypt');
  const streams = names?.map((one) => state.stream(group, one)) ?? [...group.streams.values()].filter((stream) => stream.name.startsWith(prefix ?? ''));
  const searched = streams.flatMap((stream) => state.events(group, stream).filter(({ at }) => at >= startTime && at < endTime).map((event): Found => ({ ...event, stream: stream.name })))
    .filter((event) => after === undefined || compareEvents(event, after) > 0).sort(compareEvents);
  const { found, last } = search(searched, matches, Math.min(limit, most.events), most);
  return {
    events: found.map(({ stream, at, message, ingested, order }) => ({ logStreamName: stream, timestamp: at, message, ingestionTime: ingested, eventId: eventId({ at, order }) })),
    searchedLogStreams: [], ...(last === undefined ? {} : { nextToken: `filter/${eventId(last)}` }),
  };
};

/** A page ends by what was found or by what was looked at: with a rare pattern it may be empty long before the end. @returns last: where to go on, undefined at the end */
function search(events: readonly Found[], matches: (message: string) => boolean, limit: number, most: Readonly<{ events: number; bytes: number }>): Readonly<{ found: readonly Found[]; last: Position | undefined }> {
  const found: Found[] = [];
  let bytes = 0, last: Position | undefined;
  for (const [looked, event] of events.entries()) {
    const isFound = matches(event.message), size = event.bytes + EVENT_OVERHEAD_BYTES;
    if (looked >= most.events || (isFound && found.length > 0 && (found.length >= limit || bytes + size > most.bytes))) return { found, last };
    if (isFound) {
      found.push(event);
      bytes += size;
    }
    last = event;
  }
  return { found, last: undefined };
}

const eventId = ({ at, order }: Position): string => `${String(at).padStart(28, '0')}${String(order).padStart(28, '0')}`;

function positionOf(token: string | undefined): Position | undefined {
  if (token === undefined) return undefined;
  const found = /^filter\/(\d{28})(\d{28})$/u.exec(token);
  if (found === null) throw invalidParameter('The specified nextToken is invalid.');
  return { at: Number(found[1]), order: Number(found[2]) };
}
