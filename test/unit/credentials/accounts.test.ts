import { describe, expect, it } from '@jest/globals';
import { requireAllowedAccount } from '../../../src/credentials/accounts.js';
import { ambientOutlook } from '../../../src/credentials/ambient.js';

describe('the list of allowed accounts', () => {
  const who = { account: '111122223333', arn: 'arn:aws:sts::111122223333:assumed-role/x/y', actor: 'source-role', isAssumed: true };
  it('allows all when it is empty, and its own', () => {
    requireAllowedAccount(who, []);
    requireAllowedAccount(who, ['999988887777', '111122223333']);
  });
  it.each([
    { isAssumed: true, says: /^The credentials of source-role are those of account 111122223333: arn:aws:sts::[^]*only in 999988887777[^]*correct input source-role/u },
    { isAssumed: false, says: /^The credentials of the job \(input source-role is empty\)[^]*set source-role to a role of an allowed account/u },
  ])('refuses any other, assumed: $isAssumed', ({ isAssumed, says }) => expect(() => requireAllowedAccount({ ...who, isAssumed }, ['999988887777'])).toThrow(says));
});

describe('what is known of the job\'s own credentials', () => {
  const now = new Date('2026-11-22T10:00:00Z'), keys = { AWS_ACCESS_KEY_ID: 'ASIA1', AWS_SECRET_ACCESS_KEY: 'hidden', AWS_SESSION_TOKEN: 'hidden' };
  it.each([
    { env: {}, says: undefined, because: 'the SDK looks elsewhere, and renews' },
    { env: { AWS_ACCESS_KEY_ID: 'AKIA1', AWS_SECRET_ACCESS_KEY: 'hidden' }, says: undefined, because: 'keys of a user do not end' },
    { env: keys, says: 'they are temporary and nothing renews them; when they end is not known', because: 'nobody told' },
    { env: { ...keys, AWS_CREDENTIAL_EXPIRATION: '2026-11-22T11:00:00Z' }, says: 'they end at 2026-11-22T11:00:00.000Z, in 60 minutes, and nothing renews them; the phase may last 300', because: 'too short' },
    { env: { ...keys, AWS_CREDENTIAL_EXPIRATION: '2026-11-22T09:00:00Z' }, says: 'they ended at 2026-11-22T09:00:00.000Z', because: 'too late' },
    { env: { ...keys, AWS_CREDENTIAL_EXPIRATION: '2026-11-22T16:00:00Z' }, says: undefined, because: 'long enough' },
  ])('$because', ({ env, says }) => expect(ambientOutlook(env, now, 300)).toBe(says));
});
