/** Amazon CloudWatch Logs for the sandbox: JSON 1.1, with AWS's limits and rates. */
import { AwsError, type FrontRequest, type FrontResponse, type Service, type World } from '../../front/contract.js';
import { jsonAnswer, jsonBody, jsonError, targetAction } from '../../front/json-protocol.js';
import { createThrottle } from '../mwaa/throttle.js';
import { accountOf, createLogAccess } from './access.js';
import type { LogStore, Operation } from './calls.js';
import { filterLogEvents } from './filter-events.js';
import { describeMetricFilters, describeSubscriptionFilters, putMetricFilter, putSubscriptionFilter } from './filters.js';
import * as groups from './groups.js';
import { PAGE, RATES } from './limits.js';
import { putLogEvents } from './put-events.js';
import { getLogEvents } from './read-events.js';
import { createLogState } from './state.js';
import * as streams from './streams.js';

export type LogsSettings = Readonly<{
  /** Multiplies AWS's calls per second; default 1. */
  rateFactor?: number;
  /** Smaller pages than AWS's 10,000 events or 1 MB, for tests that page. */
  page?: Readonly<{ events?: number; bytes?: number }>;
}>;

type Where = Readonly<{ account: string; region: string }>;
export type DeliveredEvent = Readonly<{ at: Date; message: string }>;

/** What the rest of the sandbox may do without a request. */
export interface LogsInside {
  /** As MWAA does for an environment: a group that is there already stays as it is. @throws AwsError InvalidParameterException when the service may not use the key */
  createLogGroup(group: Where & Readonly<{ name: string; kmsKey: string | undefined }>): Promise<void>;
  /** Puts events of any age into a stream and makes what is missing: for worlds that begin with old logs. */
  deliver(where: Where, group: string, stream: string, events: readonly DeliveredEvent[]): void;
  /** Every event of every stream, for tests that search all bytes. */
  everyEvent(): Generator<Where & Readonly<{ group: string; stream: string; at: Date; message: string }>>;
}

export type LogsService = Service & LogsInside;

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateLogGroup: groups.createLogGroup, DescribeLogGroups: groups.describeLogGroups, DeleteLogGroup: groups.deleteLogGroup,
  PutRetentionPolicy: groups.putRetentionPolicy, DeleteRetentionPolicy: groups.deleteRetentionPolicy, AssociateKmsKey: groups.associateKmsKey, DisassociateKmsKey: groups.disassociateKmsKey,
  TagResource: groups.tagResource, UntagResource: groups.untagResource, ListTagsForResource: groups.listTagsForResource,
  CreateLogStream: streams.createLogStream, DescribeLogStreams: streams.describeLogStreams, DeleteLogStream: streams.deleteLogStream,
  PutLogEvents: putLogEvents, GetLogEvents: getLogEvents, FilterLogEvents: filterLogEvents,
  PutMetricFilter: putMetricFilter, DescribeMetricFilters: describeMetricFilters, PutSubscriptionFilter: putSubscriptionFilter, DescribeSubscriptionFilters: describeSubscriptionFilters,
};

export function createLogsService(world: World, { rateFactor = 1, page = {} }: LogsSettings = {}): LogsService {
  const now = () => world.clock.now().getTime();
  const state = createLogState(now), access = createLogAccess(world, state);
  const store: LogStore = { state, access, now, page: { ...PAGE, ...page } };
  // A rate is the machine's time: a shifted clock does not make a client wait.
  const throttles = new Map(Object.entries(RATES).map(([name, rate]) => [name, createThrottle((rate ?? 0) * rateFactor, Date.now)]));

  const handle = async (request: FrontRequest): Promise<FrontResponse> => {
    const name = targetAction(request), operation = OPERATIONS[name];
    if (operation === undefined) throw new AwsError('UnknownOperationException', `The sandbox's CloudWatch Logs does not know ${name}.`, 400);
    if (throttles.get(name)?.admits(`${accountOf(request)}/${request.region}`) === false) throw new AwsError('ThrottlingException', 'Rate exceeded', 400);
    return jsonAnswer(operation(store, { request, members: jsonBody(request) }));
  };

  return {
    name: 'logs', actionOf: targetAction, handle, renderError: jsonError,
    async createLogGroup({ kmsKey, ...group }) {
      if (state.find(group) !== undefined) return;
      const kmsKeyArn = kmsKey === undefined ? undefined : groups.requireKey(access, undefined, group, kmsKey);
      state.addGroup(group, { kmsKeyArn, tags: new Map() });
    },
    deliver(where, groupName, streamName, events) {
      const name = { ...where, name: groupName };
      const group = state.find(name) ?? state.addGroup(name, { kmsKeyArn: undefined, tags: new Map() });
      const stream = group.streams.get(streamName) ?? state.addStream(group, streamName);
      state.append(stream, events.map(({ at, message }) => ({ at: at.getTime(), message })).sort((left, right) => left.at - right.at));
    },
    *everyEvent() {
      for (const { account, region } of state.places()) {
        for (const group of state.groupsOf(account, region))
          for (const stream of group.streams.values())
            for (const { at, message } of stream.events) yield { account, region, group: group.name, stream: stream.name, at: new Date(at), message };
      }
    },
  };
}
