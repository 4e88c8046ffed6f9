/** CloudWatch Logs' own limits. Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html and the service's API reference. */

export const MAX_BATCH_BYTES = 1_048_576;
/** Charged per event on top of its UTF-8 bytes. */
export const EVENT_OVERHEAD_BYTES = 26;
export const MAX_BATCH_EVENTS = 10_000;
const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const MAX_SPAN_MS = DAY_MS;
export const MAX_AGE_MS = 14 * DAY_MS;
export const MAX_AHEAD_MS = 2 * HOUR_MS;

/** One page of GetLogEvents or FilterLogEvents, whichever is reached first. */
export const PAGE = { events: 10_000, bytes: 1_048_576 } as const;
/** One page of DescribeLogGroups or DescribeLogStreams. */
export const DESCRIBE_PAGE = 50;

export const RETENTION_DAYS: readonly number[] = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** Calls per second, account and region. Operations that are not named have no limit worth a test. */
export const RATES: Readonly<Partial<Record<string, number>>> = {
  CreateLogGroup: 10, DescribeLogGroups: 10, DeleteLogGroup: 10, PutRetentionPolicy: 10,
  CreateLogStream: 50, DescribeLogStreams: 25, DeleteLogStream: 15,
  PutMetricFilter: 5, DescribeMetricFilters: 5, PutSubscriptionFilter: 5, DescribeSubscriptionFilters: 5,
  PutLogEvents: 5000, GetLogEvents: 25, FilterLogEvents: 25,
};
