/** One call to AWS: repeated while its failure passes, then explained in the user's words. Every gateway of this folder calls through it. */
import { InternalError, UserError } from '../../errors.js';
import type { Clock, Log } from '../../ports.js';
import { isRepeatable, withRetry } from '../../retry.js';

/** What is asked of AWS, in IAM's words, so that a refusal names what a policy must allow. */
export type Asked = Readonly<{ action: string; resource: string }>;
export type Caller = <T>(asked: Asked, work: (attempt: number) => Promise<T>) => Promise<T>;

/**
 * @param actor which of the action's roles asks: "plan-role", "source-role", "target-role"
 * @param isAssumed false: that input is empty, and the job's own credentials ask
 */
export function createCaller(clock: Clock, log: Log, actor: string, isAssumed = true): Caller {
  return async (asked, work) => {
    try {
      return await withRetry(work, clock, {
        onRetry: (error, attempt) => {
          // The first repeats are everyday life; a longer row of them is what a person who waits wants to know.
          if (attempt >= 3) log.info(`${asked.action} on ${asked.resource} is repeated (try ${attempt + 1}): ${nameOf(error)}`);
        },
      });
    } catch (error) {
      throw explain(error, asked, actor, isAssumed);
    }
  };
}

/** undefined instead of a refusal with one of these names: an expected refusal is an answer. */
export async function unless<T>(names: readonly string[], work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (names.includes(nameOf(error))) return undefined;
    throw error;
  }
}

export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

const DENIED = ['AccessDenied', 'AccessDeniedException', 'AllAccessDisabled', 'UnauthorizedOperation', 'Forbidden', '403'];
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'];
/** The SDK corrects its clock by AWS's answer and the call is repeated (retry.ts): this is left where that did not help. */
const SKEWED = ['RequestTimeTooSkewed', 'RequestInTheFuture'];
const INVALID = ['InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidSignatureException', 'InvalidToken', 'AuthFailure', 'IncompleteSignature'];

/** @returns UserErrors unchanged; AWS's refusals as UserErrors; anything else as it is, for it is our defect */
export function explain(error: unknown, { action, resource }: Asked, actor: string, isAssumed = true): unknown {
  if (error instanceof UserError || error instanceof InternalError || !(error instanceof Error)) return error;
  const options = { cause: error };
  const name = error.name;
  // Services name caller, action and missing permission here; none of them echoes request bodies or secrets.
  const words = error.message.trim().replace(/\.$/u, '');
  const said = words && words !== name ? `${name}: ${words}` : name;
  const whose = isAssumed ? actor : `the job (input ${actor} is empty)`;
  const status = statusOf(error);
  // AWS says which kind of policy lacked the permission; this one is made by us: src/credentials/session-rights.ts.
  if (/\bno session policy allows\b/u.test(words))
    return new UserError(
      `Access denied: ${action} on ${resource}.`,
      `the session of ${actor} was narrowed to what this phase does, and this was forgotten (${said}). It is a defect of mwaa-migrate: please report it.`,
      'set input session-policy to "none" and run the phase again: the session may then do all that the role may.',
      options,
    );
  if (SKEWED.includes(name) || /\bSignature (?:expired|not yet current)\b/u.test(words))
    return new UserError(`AWS refused ${action} on ${resource} for the time of the request.`, `the clock of the runner is further from AWS's than AWS allows (${said}).`, 'set the clock of the runner (NTP), then run the phase again: it goes on where it stopped.', options);
  if (DENIED.includes(name) || (status === 403 && !EXPIRED.includes(name) && !INVALID.includes(name)))
    return new UserError(
      `Access denied: ${action} on ${resource}.`,
      `the credentials of ${whose} are not allowed to do this (${said}).`,
      `allow ${action} on ${resource} to ${isAssumed ? `the role of ${actor}` : `the identity named here, or set ${actor}`}; docs/iam/roles.yaml grants exactly what mwaa-migrate calls. If the role allows it, look for a Deny in the resource's own policy, a permissions boundary or a service control policy.`,
      options,
    );
  if (EXPIRED.includes(name))
    return new UserError(
      `The credentials of ${whose} expired before ${action} on ${resource}.`,
      `AWS answered ${said}; what was done so far is in the journal.`,
      isAssumed ? 'run the phase again: it assumes the role anew and goes on where it stopped. If it happens again at once, set the clock of the runner (NTP).' : `set ${actor}, so that mwaa-migrate renews its credentials by itself, or configure fresh ones; then run the phase again.`,
      options,
    );
  if (INVALID.includes(name))
    return new UserError(`AWS does not accept the credentials of ${whose} for ${action} on ${resource}.`, `AWS answered ${said}.`, `set ${actor} to a role that can be assumed by OIDC, or configure valid credentials of the right account and partition.`, options);
  if (name === 'CredentialsProviderError' || name === 'ProviderError')
    return new UserError(`No AWS credentials for ${action} on ${resource}.`, `${actor} is empty and the job has no credentials of its own (${error.message}).`, `set ${actor} and the permission "id-token: write", or run aws-actions/configure-aws-credentials before this step.`, options);
  if (hasCode(error, 'ENOTFOUND'))
    return new UserError(`No AWS endpoint answers for ${action} on ${resource}.`, `the host name does not exist (${error.message}); most often a region is misspelt or lacks the service.`, 'check "region" of source and target in the migration file.', options);
  if (isRepeatable(error) && status === undefined)
    return new UserError(`AWS could not be reached for ${action} on ${resource}.`, `no answer came within half a minute (last: ${said}).`, 'look at the network of the runner (DNS, firewall, proxy) and the AWS Health Dashboard, then run the phase again: it goes on where it stopped.', options);
  if (isRepeatable(error))
    return new UserError(`${action} on ${resource} failed again and again.`, `AWS or the network did not get better within half a minute (last: ${said}).`, 'run the phase again: it goes on where it stopped.', options);
  if (status !== undefined) return new UserError(`AWS refused ${action} on ${resource}.`, `it answered ${said}.`, 'change what the answer names, then run the phase again: it goes on where it stopped.', options);
  return error;
}

const statusOf = (error: Error): number | undefined => {
  const status = (error as Error & { $metadata?: { httpStatusCode?: unknown } }).$metadata?.httpStatusCode;
  return typeof status === 'number' ? status : undefined;
};
const hasCode = (error: Error, code: string): boolean => (error as Error & { code?: unknown }).code === code;
