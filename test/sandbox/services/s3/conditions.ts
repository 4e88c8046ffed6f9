/** Preconditions of reads and writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html */
import { AwsError } from '../../front/contract.js';
import { currentVersion, type Bucket, type ObjectVersion } from './state.js';

type Headers = Readonly<Record<string, string>>;

const unquoted = (etag: string): string => etag.trim().replace(/^W\//u, '').replace(/^"(.*)"$/u, '$1');
const lists = (header: string, etag: string): boolean => header.split(',').some((one) => one.trim() === '*' || unquoted(one) === etag);
const failed = (condition: string): AwsError => new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, { Condition: condition });
const conflict = (condition: string): AwsError => new AwsError('ConditionalRequestConflict', 'The conditional request cannot succeed due to a conflicting operation against this resource.', 409, { Condition: condition });

/** @param prefix '' for GET and HEAD, 'x-amz-copy-source-' for the source of a copy. @returns 'not-modified' for a 304. @throws AwsError 412 */
export function checkRead(headers: Headers, version: ObjectVersion, prefix = ''): 'go-on' | 'not-modified' {
  const header = (name: string) => headers[`${prefix}${name}`];
  const match = header('if-match'), noneMatch = header('if-none-match');
  if (match !== undefined && !lists(match, version.etag)) throw failed('If-Match');
  const unmodifiedSince = seconds(header('if-unmodified-since'));
  if (match === undefined && unmodifiedSince !== undefined && version.modified.getTime() / 1000 > unmodifiedSince) throw failed('If-Unmodified-Since');
  const refuse = (condition: string): 'not-modified' => {
    if (prefix === '') return 'not-modified';
    throw failed(condition);
  };
  if (noneMatch !== undefined) return lists(noneMatch, version.etag) ? refuse('If-None-Match') : 'go-on';
  const modifiedSince = seconds(header('if-modified-since'));
  return modifiedSince !== undefined && version.modified.getTime() / 1000 <= modifiedSince ? refuse('If-Modified-Since') : 'go-on';
}

/** A date that cannot be read is ignored, as RFC 9110 wants it. */
function seconds(date: string | undefined): number | undefined {
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(parsed) ? undefined : Math.floor(parsed / 1000);
}

/**
 * Opens a conditional write: what is already certain is refused at once, and `confirm` is called in the same turn as the change itself.
 * Whoever began while the key was still free and lost it to another request gets the 409, as on AWS; only a repetition learns the 412.
 */
export function beginWrite(headers: Headers, bucket: Bucket, key: string): Readonly<{ confirm: () => void }> {
  const noneMatch = headers['if-none-match'], match = headers['if-match'];
  if (noneMatch !== undefined && match !== undefined) throw notImplemented('If-Match and If-None-Match together');
  if (noneMatch !== undefined && noneMatch.trim() !== '*') throw notImplemented('If-None-Match with anything but *');
  if (match !== undefined && match.trim() === '*') throw notImplemented('If-Match: * on a write');
  for (const name of ['if-modified-since', 'if-unmodified-since']) if (headers[name] !== undefined) throw notImplemented(name);
  if (noneMatch === undefined && match === undefined) return { confirm: () => undefined };
  const condition = match === undefined ? 'If-None-Match' : 'If-Match';
  checkCurrent(bucket, key, match);
  const before = bucket.changes.get(key) ?? 0;
  return {
    confirm: () => {
      if ((bucket.changes.get(key) ?? 0) !== before) throw conflict(condition);
    },
  };
}

function checkCurrent(bucket: Bucket, key: string, match: string | undefined): void {
  const current = currentVersion(bucket, key);
  if (match === undefined) {
    if (current !== undefined) throw failed('If-None-Match');
    return;
  }
  if (current === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
  if (unquoted(match) !== current.etag) throw failed('If-Match');
}

/** Conditional delete; "*" asks only that the object is there. @throws AwsError 404, 412 */
export function checkDelete(match: string | undefined, bucket: Bucket, key: string): void {
  if (match === undefined) return;
  const current = currentVersion(bucket, key);
  if (current === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });
  if (match.trim() !== '*' && unquoted(match) !== current.etag) throw failed('If-Match');
}

function notImplemented(what: string): AwsError {
  return new AwsError('NotImplemented', 'A header you provided implies functionality that is not implemented.', 501, { Header: what });
}
