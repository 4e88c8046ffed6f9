/** Log groups, streams and events of all accounts and regions, in memory. */
import { AwsError } from '../../front/contract.js';
import type { MetricFilter, SubscriptionFilter } from './filters.js';
import { DAY_MS } from './limits.js';

/** `order` tells events of one millisecond apart, in the order they came. */
export type LogEvent = Readonly<{ at: number; order: number; ingested: number; message: string; bytes: number }>;

export type LogStream = { readonly name: string; readonly created: number; lastIngested: number | undefined; /** Sorted by time, then order. */ events: LogEvent[] };

export type LogGroup = {
  readonly account: string; readonly region: string; readonly name: string; readonly created: number;
  retentionDays: number | undefined; kmsKeyArn: string | undefined; tags: ReadonlyMap<string, string>;
  readonly streams: Map<string, LogStream>;
  /** By name. */
  readonly metricFilters: Map<string, MetricFilter>;
  readonly subscriptionFilters: Map<string, SubscriptionFilter>;
};

export type Position = Readonly<{ at: number; order: number }>;
export const compareEvents = (left: Position, right: Position): number => left.at - right.at || left.order - right.order;

export type GroupName = Readonly<{ account: string; region: string; name: string }>;
export type LogState = ReturnType<typeof createLogState>;

export function createLogState(now: () => number) {
  const groups = new Map<string, LogGroup>();
  let order = 0;
  const keyOf = ({ account, region, name }: GroupName): string => `${account}/${region}/${name}`;
  return {
    find: (group: GroupName): LogGroup | undefined => groups.get(keyOf(group)),
    /** @throws AwsError ResourceNotFoundException */
    group(name: GroupName): LogGroup {
      const found = groups.get(keyOf(name));
      if (found === undefined) throw notFound('group');
      return found;
    },
    /** @throws AwsError ResourceNotFoundException */
    stream(group: LogGroup, name: string): LogStream {
      const found = group.streams.get(name);
      if (found === undefined) throw notFound('stream');
      return found;
    },
    groupsOf: (account: string, region: string): readonly LogGroup[] =>
      [...groups.values()].filter((group) => group.account === account && group.region === region).sort((left, right) => (left.name < right.name ? -1 : 1)),
    /** Accounts and regions that have groups. */
    places: (): readonly Readonly<{ account: string; region: string }>[] =>
      [...new Map([...groups.values()].map(({ account, region }) => [`${account}/${region}`, { account, region }])).values()],
    /** @throws AwsError ResourceAlreadyExistsException */
    addGroup(name: GroupName, more: Readonly<{ kmsKeyArn: string | undefined; tags: ReadonlyMap<string, string> }>): LogGroup {
      if (groups.has(keyOf(name))) throw new AwsError('ResourceAlreadyExistsException', 'The specified log group already exists', 400);
      const group: LogGroup = { ...name, created: now(), retentionDays: undefined, ...more, streams: new Map(), metricFilters: new Map(), subscriptionFilters: new Map() };
      groups.set(keyOf(name), group);
      return group;
    },
    removeGroup: (group: LogGroup): void => void groups.delete(keyOf(group)),
    /** @throws AwsError ResourceAlreadyExistsException */
    addStream(group: LogGroup, name: string): LogStream {
      if (group.streams.has(name)) throw new AwsError('ResourceAlreadyExistsException', 'The specified log stream already exists', 400);
      const stream: LogStream = { name, created: now(), lastIngested: undefined, events: [] };
      group.streams.set(name, stream);
      return stream;
    },
    /** Puts events where their time belongs; a batch that is newer than all is only appended. */
    append(stream: LogStream, events: readonly Readonly<{ at: number; message: string }>[]): void {
      const ingested = now(), last = stream.events.at(-1);
      const added = events.map(({ at, message }): LogEvent => ({ at, order: (order += 1), ingested, message, bytes: Buffer.byteLength(message) }));
      const first = added[0];
      for (const event of added) stream.events.push(event);
      if (last !== undefined && first !== undefined && first.at < last.at) stream.events.sort(compareEvents);
      stream.lastIngested = ingested;
    },
    /** What retention has left. */
    events(group: LogGroup, stream: LogStream): readonly LogEvent[] {
      if (group.retentionDays === undefined) return stream.events;
      const oldest = now() - group.retentionDays * DAY_MS;
      return stream.events.filter(({ at }) => at >= oldest);
    },
  };
}

export const notFound = (what: 'group' | 'stream'): AwsError => new AwsError('ResourceNotFoundException', `The specified log ${what} does not exist.`, 400);
