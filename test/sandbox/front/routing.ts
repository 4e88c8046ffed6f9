/** Which service a call is for. */
import { claimOf, type SignedRequest } from './sigv4.js';

/** X-Amz-Target's prefix of the JSON services, for calls without a signature. */
const TARGETS: readonly (readonly [prefix: string, service: string])[] = [['TrentService.', 'kms'], ['Logs_20140328.', 'logs']];

/** The credential scope's service; unsigned calls are told apart by what they look like, and S3 takes the rest as AWS does for anonymous readers. */
export function guessService(request: SignedRequest, body: Buffer): string {
  const signed = scopeService(request);
  if (signed) return signed;
  const target = TARGETS.find(([prefix]) => request.headers['x-amz-target']?.startsWith(prefix));
  if (target) return target[1];
  return isQueryCall(request, body) ? 'sts' : 's3';
}

function scopeService(request: SignedRequest): string | undefined {
  try {
    return claimOf(request)?.service;
  } catch {
    return undefined; // authenticate() tells the caller what is wrong with it
  }
}

function isQueryCall({ rawPath, rawQuery, headers }: SignedRequest, body: Buffer): boolean {
  if (rawPath !== '/') return false;
  const form = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? body.toString('utf8') : rawQuery;
  return new URLSearchParams(form).has('Action');
}

/** The calls that AWS takes without a signature: anonymous S3 (its policies decide) and the two that bring a token of their own. */
export function isUnsignedCall(service: string, action: string): boolean {
  return service === 's3' || (service === 'sts' && (action === 'AssumeRoleWithWebIdentity' || action === 'AssumeRoleWithSAML'));
}
