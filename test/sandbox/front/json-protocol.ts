/** AWS's JSON 1.1 protocol (KMS, CloudWatch Logs). Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
import { AwsError, type FrontRequest, type FrontResponse } from './contract.js';

const headers = { 'content-type': 'application/x-amz-json-1.1' };

/** `TrentService.Decrypt` → `Decrypt` */
export function targetAction(request: Pick<FrontRequest, 'headers'>): string {
  return request.headers['x-amz-target']?.split('.')[1] ?? 'Unknown';
}

/** @throws AwsError SerializationException */
export function jsonBody(request: Pick<FrontRequest, 'body'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8') || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw new AwsError('SerializationException', 'Start of structure or map found where not expected.', 400);
}

export const jsonAnswer = (value: Readonly<Record<string, unknown>>): FrontResponse => ({ status: 200, headers, body: JSON.stringify(value) });

/** These services know no AccessDenied: theirs is AccessDeniedException, with status 400. */
export function jsonError(error: AwsError): FrontResponse {
  const denied = error.code === 'AccessDenied';
  const code = denied ? 'AccessDeniedException' : error.code;
  return { status: denied ? 400 : error.status, headers: { ...headers, 'x-amzn-errortype': code }, body: JSON.stringify({ __type: code, message: error.message, ...error.members }) };
}
