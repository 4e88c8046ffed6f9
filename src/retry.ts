/** Repeats calls that failed for a reason that passes. The SDKs' own retries are switched off, so that this list is the whole truth. */
import type { Clock } from './ports.js';

/**
 * Error names AWS gives to calls that may be sent again as they are.
 * Sources: "Error retries" of each service's reference; S3 ErrorResponses (SlowDown, OperationAborted, ConditionalRequestConflict: "retry the upload").
 */
const REPEATABLE_NAMES: ReadonlySet<string> = new Set([
  'Throttling', 'ThrottlingException', 'ThrottledException', 'TooManyRequestsException', 'RequestLimitExceeded', 'RequestThrottled', 'RequestThrottledException',
  'SlowDown', 'BandwidthLimitExceeded', 'PriorRequestNotComplete', 'ProvisionedThroughputExceededException',
  'InternalError', 'InternalFailure', 'InternalServerException', 'InternalServerError', 'ServiceUnavailable', 'ServiceUnavailableException', 'ServiceFailure', 'ServiceFailureException',
  'KMSInternalException', 'DependencyTimeoutException', 'IDPCommunicationError',
  'RequestTimeout', 'RequestTimeoutException', 'TimeoutError', 'NetworkingError',
  'ConditionalRequestConflict', 'OperationAborted', 'ConcurrentModification', 'ConcurrentModificationException',
]);

/** Node's codes for connections that broke. Not ENOTFOUND: a host that does not exist is a wrong region or endpoint. */
const REPEATABLE_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** True when sending the same request again may well succeed. */
export function isRepeatable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, code, Code, $metadata, message } = error as { name?: unknown; code?: unknown; Code?: unknown; $metadata?: { httpStatusCode?: unknown; clockSkewCorrected?: unknown }; message?: unknown };
  // The SDK has read AWS's time from the answer: signed anew, the request is good also where the machine's clock is wrong.
  if ($metadata?.clockSkewCorrected === true) return true;
  if ([name, code, Code].some((word) => typeof word === 'string' && (REPEATABLE_NAMES.has(word) || REPEATABLE_CODES.has(word)))) return true;
  const status = $metadata?.httpStatusCode;
  if (typeof status === 'number' && (status >= 500 || status === 429)) return true;
  return typeof message === 'string' && /socket hang up|Client network socket disconnected/u.test(message);
}

export type RetryPolicy = Readonly<{ tries: number; firstDelayMs: number; maxDelayMs: number }>;
/** 8 tries within about half a minute: longer than a throttled burst, shorter than a person's patience. */
export const DEFAULT_RETRY: RetryPolicy = { tries: 8, firstDelayMs: 200, maxDelayMs: 8_000 };

/**
 * @param work is given the number of the try, from 1: after a lost answer the first one may have acted
 * @param random 0 to 1; spreads the clients that were throttled together ("full jitter" over the upper half)
 * @throws the last error, unchanged, when it is not repeatable or the tries are used up
 */
export async function withRetry<T>(work: (attempt: number) => Promise<T>, clock: Clock, options: Readonly<{ policy?: RetryPolicy; isRepeatable?: (error: unknown) => boolean; random?: () => number; onRetry?: (error: unknown, attempt: number) => void }> = {}): Promise<T> {
  const { policy = DEFAULT_RETRY, isRepeatable: may = isRepeatable, random = Math.random, onRetry } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= policy.tries || !may(error)) throw error;
      onRetry?.(error, attempt);
      const delay = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
      await clock.sleep(delay * (0.5 + random() / 2));
    }
  }
}
