/** Log groups and what hangs on them: retention, keys, filters. */
import { DescribeLogGroupsCommand, DescribeMetricFiltersCommand, DescribeSubscriptionFiltersCommand, type CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { UserError } from '../../errors.js';
import type { LogGroup } from '../../reference-sources.js';
import type { Caller } from './call.js';

type Logs = Pick<CloudWatchLogsClient, 'send'>;

/** Entries of one answer; the service's most. */
const PAGE = 50;

/** @param prefix what AWS is asked for. @throws UserError when the role may not list groups */
export async function readLogGroups(client: Logs, call: Caller, prefix: string, isWanted: (name: string) => boolean, region: string): Promise<readonly LogGroup[]> {
  const groups = await pages((next) => call({ action: 'logs:DescribeLogGroups', resource: `log groups of ${region}` }, () => client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: prefix, limit: PAGE, ...next }))), ({ logGroups }) => logGroups);
  const found: LogGroup[] = [];
  for (const { logGroupName: name, retentionInDays, kmsKeyId } of groups) {
    // Two more calls for each, at five a second.
    if (name === undefined || !isWanted(name)) continue;
    const resource = `log group ${name} of ${region}`;
    const metricFilters = await orUnseen(() => pages((next) => call({ action: 'logs:DescribeMetricFilters', resource }, () => client.send(new DescribeMetricFiltersCommand({ logGroupName: name, limit: PAGE, ...next }))), (page) => page.metricFilters));
    const subscriptions = await orUnseen(() => pages((next) => call({ action: 'logs:DescribeSubscriptionFilters', resource }, () => client.send(new DescribeSubscriptionFiltersCommand({ logGroupName: name, limit: PAGE, ...next }))), (page) => page.subscriptionFilters));
    found.push({
      name, retentionDays: retentionInDays, kmsKey: kmsKeyId,
      metricFilters: metricFilters?.map(({ filterName = '', metricTransformations = [] }) => ({ name: filterName, metrics: metricTransformations.map(({ metricNamespace, metricName }) => `${metricNamespace ?? ''}/${metricName ?? ''}`) })),
      subscriptions: subscriptions?.map(({ filterName = '', destinationArn = '' }) => ({ name: filterName, destination: destinationArn })),
    });
  }
  return found;
}

/** The groups themselves are worth knowing also without their filters; the report says that those were not looked at. */
async function orUnseen<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function pages<P extends Readonly<{ nextToken?: string | undefined }>, T>(read: (next: Readonly<{ nextToken?: string }>) => Promise<P>, entries: (page: P) => readonly T[] | undefined): Promise<readonly T[]> {
  const all: T[] = [];
  let nextToken: string | undefined;
  do {
    const page = await read(nextToken ? { nextToken } : {});
    all.push(...(entries(page) ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return all;
}
