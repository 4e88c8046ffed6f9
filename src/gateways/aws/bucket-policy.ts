/** A bucket's policy document: ours in, ours out, everybody else's as it is. Pure. */
import { UserError } from '../../errors.js';

export type Statement = Readonly<Record<string, unknown>>;
export type Policy = Readonly<Record<string, unknown>> & Readonly<{ Statement: readonly Statement[] }>;

/** Bytes of a bucket policy: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
const MAX_BYTES = 20 * 1024;

/** @throws UserError for text that is no policy, which S3 itself would not have taken */
export function parsePolicy(text: string | undefined, bucket: string): Policy {
  if (!text) return { Version: '2012-10-17', Statement: [] };
  const value: unknown = JSON.parse(text);
  const statements = typeof value === 'object' && value !== null ? (value as { Statement?: unknown }).Statement : undefined;
  if (statements === undefined) throw new UserError(`The policy of bucket ${bucket} has no Statement.`, 'adding to it could lose what somebody meant.', 'repair the bucket policy by hand.');
  return { ...(value as Record<string, unknown>), Statement: (Array.isArray(statements) ? statements : [statements]) as Statement[] };
}

/** Ours replace those of the same Sid, at their place; new ones go to the end. */
export function withStatements(policy: Policy, ours: readonly Statement[]): Policy {
  const bySid = new Map(ours.map((statement) => [statement['Sid'], statement]));
  const kept = policy.Statement.map((statement) => bySid.get(statement['Sid']) ?? statement);
  const there = new Set(policy.Statement.map((statement) => statement['Sid']));
  return { ...policy, Statement: [...kept, ...ours.filter((statement) => !there.has(statement['Sid']))] };
}

export const withoutSids = (policy: Policy, prefix: string): Policy => ({
  ...policy,
  Statement: policy.Statement.filter(({ Sid }) => !(typeof Sid === 'string' && Sid.startsWith(prefix))),
});

/** @throws UserError when S3 would refuse it for its size */
export function renderPolicy(policy: Policy, bucket: string): string {
  const text = JSON.stringify(policy);
  if (Buffer.byteLength(text) <= MAX_BYTES) return text;
  throw new UserError(`The policy of bucket ${bucket} would grow above 20 KB.`, 'S3 takes no longer one.', 'remove statements nobody needs, or name another bucket in the migration file.');
}

/** Equal as S3 reads it: it gives lists of one back as a single value, and sets in its own order. */
export const samePolicy = (one: unknown, other: unknown): boolean => canonical(one) === canonical(other);

function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    const entries = value.map(canonical).sort();
    return entries.length === 1 ? (entries[0] as string) : `[${entries.join(',')}]`;
  }
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`).join(',')}}`;
  // Condition values: S3 keeps true and "true" as the same word.
  return JSON.stringify(String(value));
}
