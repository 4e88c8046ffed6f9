/** Finds out who calls, and refuses a call whose signature, date or token is wrong, in the wording of the service it was meant for. */
import type { Credential, IdentityStore } from '../iam/identities.js';
import { AwsError, type Principal } from './contract.js';
import { expiredToken, malformedSignature, signatureMismatch, skewedClock, unknownAccessKey, wrongToken } from './refusals.js';
import { claimOf, sameSignature, sha256Hex, type SignatureClaim, signatureOf, type SignedRequest, timeOf } from './sigv4.js';

/** How far a request's date may be from the sandbox's clock. */
const MAX_SKEW_MS = 15 * 60_000;

export type Authenticated = Readonly<{ principal: Principal; signed: Readonly<{ claim: SignatureClaim; secretAccessKey: string }> | undefined }>;

/** @param body as it came over the wire, framing included */
export function authenticate(request: SignedRequest, claim: SignatureClaim | undefined, body: Buffer, identities: Pick<IdentityStore, 'credential'>, now: Date): Authenticated {
  if (!claim) return { principal: { kind: 'anonymous' }, signed: undefined };
  const { service } = claim;
  checkDate(claim, now);
  const credential = identities.credential(claim.accessKeyId);
  if (!credential) throw unknownAccessKey(service);
  checkToken(credential, claim, now);
  checkSignedHeaders(request, claim);
  const payloadHash = payloadHashOf(request, claim, body);
  if (!sameSignature(signatureOf(request, claim, credential.secretAccessKey, payloadHash), claim.signature)) throw signatureMismatch(service);
  return { principal: credential.principal, signed: { claim, secretAccessKey: credential.secretAccessKey } };
}

/** @throws AwsError when the call carries something that is meant as a signature and is none */
export function readClaim(request: SignedRequest, guessedService: string): SignatureClaim | undefined {
  try {
    return claimOf(request);
  } catch (error) {
    throw malformedSignature(guessedService, error instanceof Error ? error.message : String(error));
  }
}

function checkDate(claim: SignatureClaim, now: Date): void {
  const { service, date, day, form, expiresSeconds } = claim;
  if (!date.startsWith(day)) {
    throw service === 's3'
      ? malformedSignature(service, `Invalid credential date "${day}". This date is not the same as X-Amz-Date: "${date.slice(0, 8)}".`)
      : new AwsError(signatureMismatch(service).code, `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}', from '${date}'.`, signatureMismatch(service).status);
  }
  const age = now.getTime() - timeOf(date);
  if (form === 'query' && expiresSeconds !== undefined) {
    if (age > expiresSeconds * 1000) {
      throw service === 's3' ? new AwsError('AccessDenied', 'Request has expired', 403) : skewedClock(service, date, compact(now));
    }
    if (age < -MAX_SKEW_MS) throw service === 's3' ? new AwsError('AccessDenied', 'Request is not valid yet', 403) : skewedClock(service, date, compact(now));
    return;
  }
  if (Math.abs(age) > MAX_SKEW_MS) throw skewedClock(service, date, compact(now));
}

const compact = (now: Date): string => now.toISOString().replace(/[-:]|\.\d{3}/gu, '');

function checkToken(credential: Credential, { service, sessionToken }: SignatureClaim, now: Date): void {
  if (credential.sessionToken !== sessionToken) throw wrongToken(service);
  if (credential.expiration && credential.expiration <= now) throw expiredToken(service);
}

/** Host and everything that changes what is done must be covered, or whoever carries the request could change it. */
function checkSignedHeaders({ headers }: SignedRequest, { service, signedHeaders, form }: SignatureClaim): void {
  if (!signedHeaders.includes('host')) throw malformedSignature(service, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  if (service !== 's3') return;
  const uncovered = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name) && !(form === 'query' && name === 'x-amz-content-sha256'));
  if (uncovered.length > 0) throw new AwsError('AccessDenied', 'There were headers present in the request which were not signed', 403, { HeadersNotSigned: uncovered.join(', ') });
}

function payloadHashOf({ headers }: SignedRequest, { service, form }: SignatureClaim, body: Buffer): string {
  const declared = headers['x-amz-content-sha256'];
  if (service !== 's3') return declared === 'UNSIGNED-PAYLOAD' ? declared : sha256Hex(body);
  if (form === 'query') return declared ?? 'UNSIGNED-PAYLOAD';
  if (declared === undefined) throw new AwsError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256', 400);
  return declared;
}
