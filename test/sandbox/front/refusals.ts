/** What each service says when it cannot tell who calls, or will not serve now: the same event has another code, status and wording per protocol family. */
import { AwsError } from './contract.js';

type Family = 's3' | 'query' | 'json' | 'rest-json';

/** Source of codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, …/STS/latest/APIReference/CommonErrors.html, …/kms/latest/APIReference/CommonErrors.html */
function familyOf(service: string): Family {
  if (service === 's3') return 's3';
  if (service === 'sts' || service === 'iam') return 'query';
  return service === 'airflow' ? 'rest-json' : 'json';
}

function refuse(service: string, texts: Readonly<Record<Family, readonly [code: string, message: string, status: number]>>): AwsError {
  const [code, message, status] = texts[familyOf(service)];
  return new AwsError(code, message, status);
}

export function unknownAccessKey(service: string): AwsError {
  const text = 'The security token included in the request is invalid.';
  return refuse(service, {
    s3: ['InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', 403],
    query: ['InvalidClientTokenId', text, 403], json: ['UnrecognizedClientException', text, 400], 'rest-json': ['UnrecognizedClientException', text, 403],
  });
}

/** Temporary key with another session's token, or none. */
export function wrongToken(service: string): AwsError {
  if (service === 's3') return new AwsError('InvalidToken', 'The provided token is malformed or otherwise invalid.', 400);
  return unknownAccessKey(service);
}

export function expiredToken(service: string): AwsError {
  const text = 'The security token included in the request is expired';
  return refuse(service, {
    s3: ['ExpiredToken', 'The provided token has expired.', 400],
    query: ['ExpiredToken', text, 403], json: ['ExpiredTokenException', text, 400], 'rest-json': ['ExpiredTokenException', text, 403],
  });
}

export function signatureMismatch(service: string): AwsError {
  const start = 'The request signature we calculated does not match the signature you provided.';
  const text = `${start} Check your AWS Secret Access Key and signing method. Consult the service documentation for details.`;
  return refuse(service, {
    s3: ['SignatureDoesNotMatch', `${start} Check your key and signing method.`, 403],
    query: ['SignatureDoesNotMatch', text, 403], json: ['InvalidSignatureException', text, 400], 'rest-json': ['InvalidSignatureException', text, 403],
  });
}

/** @param signed, now `20261122T141500Z` */
export function skewedClock(service: string, signed: string, now: string): AwsError {
  const text = signed < now
    ? `Signature expired: ${signed} is now earlier than ${now} (${now} - 15 min.)`
    : `Signature not yet current: ${signed} is still later than ${now} (${now} + 15 min.)`;
  return refuse(service, {
    s3: ['RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.', 403],
    query: ['SignatureDoesNotMatch', text, 403], json: ['InvalidSignatureException', text, 400], 'rest-json': ['InvalidSignatureException', text, 403],
  });
}

export function unsigned(service: string): AwsError {
  return refuse(service, {
    s3: ['AccessDenied', 'Access Denied', 403], query: ['MissingAuthenticationToken', 'Request is missing Authentication Token', 403],
    json: ['MissingAuthenticationTokenException', 'Request is missing Authentication Token', 400],
    'rest-json': ['MissingAuthenticationTokenException', 'Missing Authentication Token', 403],
  });
}

/** An Authorization header or query that is not SigV4. */
export function malformedSignature(service: string, what: string): AwsError {
  return refuse(service, {
    s3: ['AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}`, 400],
    query: ['IncompleteSignature', what, 400], json: ['IncompleteSignatureException', what, 400], 'rest-json': ['IncompleteSignatureException', what, 403],
  });
}

export function throttled(service: string): AwsError {
  return refuse(service, {
    s3: ['SlowDown', 'Please reduce your request rate.', 503], query: ['Throttling', 'Rate exceeded', 400],
    json: ['ThrottlingException', 'Rate exceeded', 400], 'rest-json': ['ThrottlingException', 'Too Many Requests', 429],
  });
}

export function internalFailure(service: string): AwsError {
  return refuse(service, {
    s3: ['InternalError', 'We encountered an internal error. Please try again.', 500], query: ['ServiceFailure', 'The request processing has failed because of an unknown error.', 500],
    json: ['InternalFailure', 'The request processing has failed because of an unknown error.', 500], 'rest-json': ['InternalServerException', 'Internal server error', 500],
  });
}
