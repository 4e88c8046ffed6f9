/** GetLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html */
import { namedGroup } from './access.js';
import type { LogStore, Operation } from './calls.js';
import { Input, invalidParameter, STREAM_NAME } from './input.js';
import { EVENT_OVERHEAD_BYTES, MAX_BATCH_EVENTS } from './limits.js';
import { compareEvents, type LogEvent, type Position } from './state.js';

/** `pause`: the page it leads to is empty though more follows, as AWS's may be; a reader that stops there loses the rest. */
type Token = Readonly<{ direction: 'f' | 'b'; position: Position; pause: boolean }>;

export const getLogEvents: Operation = ({ state, access, page: most }, { request, members }) => {
  const input = new Input(members, 'GetLogEvents', ['logGroupName', 'logGroupIdentifier', 'logStreamName', 'startTime', 'endTime', 'nextToken', 'limit', 'startFromHead']);
  const name = namedGroup(request, input), streamName = input.text('logStreamName', STREAM_NAME);
  const startTime = input.optionalNumber('startTime') ?? 0, endTime = input.optionalNumber('endTime') ?? Number.MAX_SAFE_INTEGER;
  const limit = input.optionalNumber('limit', { least: 1, most: MAX_BATCH_EVENTS }) ?? MAX_BATCH_EVENTS, fromHead = input.flag('startFromHead') ?? false;
  const sent = input.optionalText('nextToken', { least: 1 }), token = sent === undefined ? undefined : readToken(sent);
  access.onStream(request, 'GetLogEvents', name, streamName);
  const group = state.group(name), stream = state.stream(group, streamName);
  if (group.kmsKeyArn !== undefined) access.useKey(request, name, group.kmsKeyArn, 'kms:Decrypt');
  const events = state.events(group, stream).filter(({ at }) => at >= startTime && at < endTime);
  const direction = token?.direction ?? (fromHead ? 'f' : 'b');
  const candidates = token === undefined ? events
    : events.filter((event) => (direction === 'f' ? compareEvents(event, token.position) > 0 : compareEvents(event, token.position) < 0));
  const found = token?.pause ? [] : onePage(candidates, direction, { events: Math.min(limit, most.events), bytes: most.bytes });
  const hasMore = found.length < candidates.length;
  return {
    events: found.map(({ at, message, ingested }) => ({ timestamp: at, message, ingestionTime: ingested })),
    ...tokens(found, direction, token, hasMore),
  };
};

/** From the head going forward, from the tail going backward; always in order of time. */
export function onePage(events: readonly LogEvent[], direction: 'f' | 'b', most: LogStore['page']): readonly LogEvent[] {
  let bytes = 0, count = 0;
  const ordered = direction === 'f' ? events : [...events].reverse();
  for (const event of ordered) {
    bytes += event.bytes + EVENT_OVERHEAD_BYTES;
    if (count >= most.events || (count > 0 && bytes > most.bytes)) break;
    count += 1;
  }
  return direction === 'f' ? events.slice(0, count) : events.slice(events.length - count);
}

/** Never null. At the end the token of that direction is the one that was sent, and only this tells the end. */
function tokens(found: readonly LogEvent[], direction: 'f' | 'b', sent: Token | undefined, hasMore: boolean): Readonly<{ nextForwardToken: string; nextBackwardToken: string }> {
  const here = sent?.position ?? { at: 0, order: 0 };
  const first: Position = found[0] ?? here, last: Position = found.at(-1) ?? here;
  // After the page that a pause stood for, the same place without the pause; before more, a pause.
  const pause = hasMore && found.length > 0;
  return {
    nextForwardToken: writeToken({ direction: 'f', position: last, pause: direction === 'f' && pause }),
    nextBackwardToken: writeToken({ direction: 'b', position: first, pause: direction === 'b' && pause }),
  };
}

const writeToken = ({ direction, position, pause }: Token): string => `${direction}/${String(position.at).padStart(28, '0')}${String(position.order).padStart(28, '0')}/${pause ? 'p' : 's'}`;

function readToken(text: string): Token {
  const found = /^([fb])\/(\d{28})(\d{28})\/([sp])$/u.exec(text);
  if (found === null) throw invalidParameter('The specified nextToken is invalid.');
  return { direction: found[1] as 'f' | 'b', position: { at: Number(found[2]), order: Number(found[3]) }, pause: found[4] === 'p' };
}
