/**
 * What hangs on a log group: metric filters and subscription filters. They are kept and described; nothing is counted or sent on.
 * Members: botocore data/logs/2014-03-28/service-2.json. Quotas: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
import { AwsError } from '../../front/contract.js';
import { accountOf } from './access.js';
import type { LogStore, Operation } from './calls.js';
import { nameOfToken, tokenOfName } from './groups.js';
import { GROUP_NAME, Input, invalidParameter, STREAM_NAME } from './input.js';
import { DESCRIBE_PAGE } from './limits.js';
import type { LogGroup } from './state.js';

/** Filters of one group. */
const MOST = { metric: 100, subscription: 2 } as const;
const FILTER_NAME = STREAM_NAME;
const METRIC = { most: 255, pattern: /^[^:*$]*$/u };

export type MetricFilter = Readonly<{ filterName: string; filterPattern: string; metricTransformations: readonly Readonly<Record<string, unknown>>[]; creationTime: number; logGroupName: string }>;
export type SubscriptionFilter = Readonly<{ filterName: string; filterPattern: string; destinationArn: string; roleArn?: string; distribution: string; creationTime: number; logGroupName: string }>;

export const putMetricFilter: Operation = (store, { request, members }) => {
  const input = new Input(members, 'PutMetricFilter', ['logGroupName', 'filterName', 'filterPattern', 'metricTransformations']);
  const name = input.text('logGroupName', GROUP_NAME), filterName = input.text('filterName', FILTER_NAME), filterPattern = input.text('filterPattern', { most: 1024 });
  const [transformation] = input.list('metricTransformations', { least: 1, most: 1 }) ?? [];
  if (typeof transformation !== 'object' || transformation === null) throw invalidParameter("1 validation error detected: Value null at 'metricTransformations' failed to satisfy constraint: Member must not be null");
  const metric = new Input(transformation as Readonly<Record<string, unknown>>, 'MetricTransformation', ['metricName', 'metricNamespace', 'metricValue', 'defaultValue', 'unit']);
  metric.text('metricName', METRIC);
  metric.text('metricNamespace', METRIC);
  metric.text('metricValue', { most: 100 });
  const here = { account: accountOf(request), region: request.region, name };
  store.access.onGroup(request, 'PutMetricFilter', here);
  const group = store.state.group(here);
  put(group.metricFilters, MOST.metric, { filterName, filterPattern, metricTransformations: [transformation as Readonly<Record<string, unknown>>], creationTime: store.now(), logGroupName: name });
  return {};
};

export const putSubscriptionFilter: Operation = (store, { request, members }) => {
  const input = new Input(members, 'PutSubscriptionFilter', ['logGroupName', 'filterName', 'filterPattern', 'destinationArn', 'roleArn', 'distribution']);
  const name = input.text('logGroupName', GROUP_NAME), filterName = input.text('filterName', FILTER_NAME), filterPattern = input.text('filterPattern', { most: 1024 });
  const destinationArn = input.text('destinationArn', { least: 1 }), roleArn = input.optionalText('roleArn', { least: 1 }), distribution = input.optionalText('distribution') ?? 'ByLogStream';
  if (!/^arn:aws:(?:kinesis|firehose|lambda|logs):/u.test(destinationArn)) throw invalidParameter('destinationArn for vendor is not supported.');
  if (!['Random', 'ByLogStream'].includes(distribution)) throw invalidParameter(`1 validation error detected: Value '${distribution}' at 'distribution' failed to satisfy constraint: Member must satisfy enum value set: [Random, ByLogStream]`);
  const here = { account: accountOf(request), region: request.region, name };
  store.access.onGroup(request, 'PutSubscriptionFilter', here);
  const group = store.state.group(here);
  put(group.subscriptionFilters, MOST.subscription, { filterName, filterPattern, destinationArn, ...(roleArn ? { roleArn } : {}), distribution, creationTime: store.now(), logGroupName: name });
  return {};
};

/** Without a group's name, AWS answers for all groups; the sandbox asks for one, as the only caller does. */
export const describeMetricFilters: Operation = (store, { request, members }) => {
  const { group, page } = described(store, request, new Input(members, 'DescribeMetricFilters', ['logGroupName', 'filterNamePrefix', 'nextToken', 'limit']), 'DescribeMetricFilters');
  return page('metricFilters', group.metricFilters);
};

export const describeSubscriptionFilters: Operation = (store, { request, members }) => {
  const { group, page } = described(store, request, new Input(members, 'DescribeSubscriptionFilters', ['logGroupName', 'filterNamePrefix', 'nextToken', 'limit']), 'DescribeSubscriptionFilters');
  return page('subscriptionFilters', group.subscriptionFilters);
};

function described({ state, access }: LogStore, request: Parameters<Operation>[1]['request'], input: Input, action: string) {
  const here = { account: accountOf(request), region: request.region, name: input.text('logGroupName', GROUP_NAME) };
  const prefix = input.optionalText('filterNamePrefix', FILTER_NAME) ?? '', limit = input.optionalNumber('limit', { least: 1, most: DESCRIBE_PAGE }) ?? DESCRIBE_PAGE;
  const after = nameOfToken(input.optionalText('nextToken', { least: 1 }));
  access.onGroup(request, action, here);
  return {
    group: state.group(here),
    page(member: string, filters: LogGroup['metricFilters'] | LogGroup['subscriptionFilters']) {
      const names = [...filters.keys()].filter((name) => name.startsWith(prefix) && (after === undefined || name > after)).sort();
      return { [member]: names.slice(0, limit).map((name) => filters.get(name)), ...(names.length > limit ? { nextToken: tokenOfName(names[limit - 1]!) } : {}) };
    },
  };
}

function put<F extends Readonly<{ filterName: string }>>(filters: Map<string, F>, most: number, filter: F): void {
  if (!filters.has(filter.filterName) && filters.size >= most) throw new AwsError('LimitExceededException', 'Resource limit exceeded.', 400);
  filters.set(filter.filterName, filter);
}
