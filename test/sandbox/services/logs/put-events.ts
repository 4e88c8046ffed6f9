/** PutLogEvents, with every limit of https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html */
import { AwsError } from '../../front/contract.js';
import { accountOf } from './access.js';
import type { Operation } from './calls.js';
import { GROUP_NAME, Input, invalidParameter, STREAM_NAME } from './input.js';
import { DAY_MS, EVENT_OVERHEAD_BYTES, MAX_AGE_MS, MAX_AHEAD_MS, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_SPAN_MS } from './limits.js';
import { SEQUENCE_TOKEN } from './streams.js';

type Sent = Readonly<{ at: number; message: string }>;
/** Indexes as AWS means them: both ends are the first event that is not rejected any more, the start is the first that is. */
export type Rejected = Readonly<{ tooOldLogEventEndIndex?: number; expiredLogEventEndIndex?: number; tooNewLogEventStartIndex?: number }>;

export const putLogEvents: Operation = ({ state, access, now }, { request, members }) => {
  const input = new Input(members, 'PutLogEvents', ['logGroupName', 'logStreamName', 'logEvents', 'sequenceToken']);
  const name = { account: accountOf(request), region: request.region, name: input.text('logGroupName', GROUP_NAME) }, streamName = input.text('logStreamName', STREAM_NAME);
  const events = sentEvents(input.list('logEvents', { least: 1, most: MAX_BATCH_EVENTS }));
  access.onStream(request, 'PutLogEvents', name, streamName);
  const group = state.group(name), stream = state.stream(group, streamName);
  checkBatch(events);
  const { accepted, rejected } = sift(events, now(), group.retentionDays);
  const first = accepted[0], last = accepted.at(-1);
  if (first !== undefined && last !== undefined && last.at - first.at > MAX_SPAN_MS) throw invalidParameter('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.');
  if (group.kmsKeyArn !== undefined) access.useKey(request, name, group.kmsKeyArn, 'kms:GenerateDataKey');
  state.append(stream, accepted);
  return { nextSequenceToken: SEQUENCE_TOKEN, ...(Object.keys(rejected).length > 0 ? { rejectedLogEventsInfo: rejected } : {}) };
};

function sentEvents(list: readonly unknown[] | undefined): readonly Sent[] {
  if (list === undefined) throw invalidParameter("1 validation error detected: Value null at 'logEvents' failed to satisfy constraint: Member must not be null");
  return list.map((event, index) => {
    const { timestamp, message } = event as Readonly<Record<string, unknown>>;
    const fault = (member: string, constraint: string) => invalidParameter(`1 validation error detected: Value at 'logEvents.${index + 1}.member.${member}' failed to satisfy constraint: ${constraint}`);
    if (typeof timestamp !== 'number' || !Number.isInteger(timestamp)) throw new AwsError('SerializationException', `logEvents.${index + 1}.member.timestamp is no whole number of milliseconds`, 400);
    if (timestamp < 0) throw fault('timestamp', 'Member must have value greater than or equal to 0');
    if (typeof message !== 'string') throw fault('message', 'Member must not be null');
    if (message.length < 1) throw fault('message', 'Member must have length greater than or equal to 1');
    return { at: timestamp, message };
  });
}

function checkBatch(events: readonly Sent[]): void {
  let bytes = 0, before = 0;
  for (const { at, message } of events) {
    if (at < before) throw invalidParameter('Log events in a single PutLogEvents request must be in chronological order.');
    before = at;
    bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
  }
  if (bytes > MAX_BATCH_BYTES) throw invalidParameter(`Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`);
}

/** Takes out what is too old, older than the group keeps, or too far ahead. The events are in order, so each is one end of the list. */
export function sift(events: readonly Sent[], now: number, retentionDays: number | undefined): Readonly<{ accepted: readonly Sent[]; rejected: Rejected }> {
  const keptMs = retentionDays === undefined ? Number.POSITIVE_INFINITY : retentionDays * DAY_MS;
  const tooOld = events.filter(({ at }) => at < now - MAX_AGE_MS).length;
  const expired = events.filter(({ at }) => at < now - keptMs).length;
  const tooNew = events.findIndex(({ at }) => at > now + MAX_AHEAD_MS);
  return {
    accepted: events.slice(Math.max(tooOld, expired), tooNew < 0 ? undefined : tooNew),
    rejected: {
      ...(tooOld > 0 ? { tooOldLogEventEndIndex: tooOld } : {}), ...(expired > 0 ? { expiredLogEventEndIndex: expired } : {}), ...(tooNew >= 0 ? { tooNewLogEventStartIndex: tooNew } : {}),
    },
  };
}
