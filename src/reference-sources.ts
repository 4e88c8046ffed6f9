/** Where references to an environment are looked for, in our words. All of it only looks; nothing of it is part of the digest. */

export type Holder = Readonly<{ kind: 'role' | 'user' | 'group'; name: string; arn: string }>;

/** One policy of the account. `holders`: whose it is, or to whom it is attached; of a trust policy the role. */
export type AccountPolicy = Readonly<{ kind: 'inline' | 'managed' | 'trust'; name: string; holders: readonly Holder[]; document: unknown }>;

/** `isWhole`: false when the account has more than is read. */
export type AccountPolicies = Readonly<{ policies: readonly AccountPolicy[]; isWhole: boolean }>;

/** A log group with what hangs on it. Patterns of filters are not read: they can hold whatever somebody searched for. */
export type LogGroup = Readonly<{
  name: string;
  /** undefined: kept for ever. */
  retentionDays: number | undefined;
  /** ARN; undefined: AWS's own key. */
  kmsKey: string | undefined;
  /** `metrics`: namespace/name of what the filter counts; alarms watch these. undefined: the role may not look. */
  metricFilters: readonly Readonly<{ name: string; metrics: readonly string[] }>[] | undefined;
  /** `destination`: ARN of the function, stream or delivery that gets the lines. */
  subscriptions: readonly Readonly<{ name: string; destination: string }>[] | undefined;
}>;

/** What a line may name; `name`: the environment's bare name as a value of its own. */
export type NameKind = 'ARN' | 'Airflow role' | 'log group' | 'bucket' | 'web server' | 'execution role' | 'name';

/** A line that names something of the environment. The line itself is never kept: it may hold a secret. `path` is relative, with `/`. */
export type NamedLine = Readonly<{ path: string; line: number; kinds: readonly NameKind[] }>;

/** `files`: how many were read. `isWhole`: false when a limit ended the search or cut the list. `unread`: files that were too large. */
export type FileSearch = Readonly<{ lines: readonly NamedLine[]; files: number; unread: number; isWhole: boolean }>;

/** What a search of files is for. */
export type LineSearch = Readonly<{
  /** A file without any of these texts holds nothing. */
  needles: readonly string[];
  match: (line: string) => readonly NameKind[];
  /** Paths that name the environment by their nature, such as the migration file. */
  without: readonly string[];
}>;

export interface ReferenceSources {
  /** Every policy of the account but AWS's own. @throws UserError when the role may not look */
  policies(): Promise<AccountPolicies>;
  /** The log groups whose names begin so and are wanted: another environment's can begin alike. @throws UserError when the role may not look */
  logGroups(prefix: string, isWanted: (name: string) => boolean): Promise<readonly LogGroup[]>;
  /** Lines of the checked-out repository. */
  lines(search: LineSearch): Promise<FileSearch>;
}
