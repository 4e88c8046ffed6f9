import { describe, expect, it } from '@jest/globals';
import { explain } from '../../../src/gateways/aws/call.js';

const asked = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' };
const refusal = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more);
const said = (error: Error, isAssumed: boolean) => String((explain(error, asked, 'plan-role', isAssumed) as Error).message);

describe('a refusal of AWS in the words of a user', () => {
  it.each([
    { error: refusal('AccessDenied', 'no', { $metadata: { httpStatusCode: 403 } }), isAssumed: true, has: ['credentials of plan-role are not', 'to the role of plan-role'] },
    { error: refusal('AccessDenied', 'no', { $metadata: { httpStatusCode: 403 } }), isAssumed: false, has: ['credentials of the job (input plan-role is empty) are not', 'to the identity named here, or set plan-role'] },
    { error: refusal('ExpiredToken', 'over'), isAssumed: true, has: ['The credentials of plan-role expired before s3:GetObject on arn:aws:s3:::b/k.', 'clock of the runner (NTP)'] },
    { error: refusal('ExpiredToken', 'over'), isAssumed: false, has: ['The credentials of the job (input plan-role is empty) expired', 'set plan-role, so that mwaa-migrate renews'] },
    { error: refusal('Error', 'connect ECONNREFUSED', { code: 'ECONNREFUSED' }), isAssumed: true, has: ['AWS could not be reached for s3:GetObject on arn:aws:s3:::b/k.', 'network of the runner'] },
    { error: refusal('SlowDown', 'reduce', { $metadata: { httpStatusCode: 503 } }), isAssumed: true, has: ['failed again and again', 'SlowDown: reduce'] },
    { error: refusal('RequestTimeTooSkewed', 'too large', { $metadata: { httpStatusCode: 403 } }), isAssumed: true, has: ['AWS refused s3:GetObject on arn:aws:s3:::b/k for the time of the request.', 'clock of the runner (NTP)'] },
    { error: refusal('InvalidSignatureException', 'Signature expired: 20261122T100000Z is now earlier than 20261122T100500Z', { $metadata: { httpStatusCode: 403 } }), isAssumed: true, has: ['for the time of the request'] },
    { error: refusal('AccessDenied', 'no session policy allows the s3:GetObject action', { $metadata: { httpStatusCode: 403 } }), isAssumed: true, has: ['It is a defect of mwaa-migrate', 'session-policy to "none"'] },
    { error: refusal('InvalidClientTokenId', 'The token is invalid.'), isAssumed: false, has: ['InvalidClientTokenId: The token is invalid.\n'] },
  ])('$error.name, assumed: $isAssumed', ({ error, isAssumed, has }) => {
    for (const words of has) expect(said(error, isAssumed)).toContain(words);
  });
});
