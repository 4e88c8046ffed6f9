import { describe, expect, it } from '@jest/globals';
import type { STSClient } from '@aws-sdk/client-sts';
import { assumeByOidc } from '../../../src/gateways/aws/credentials.js';
import { createIdTokenReader } from '../../../src/gateways/github/id-token.js';

const TOKEN = `h.${Buffer.from(JSON.stringify({ iss: 'https://token.actions.githubusercontent.com', aud: 'sts.amazonaws.com', sub: 'repo:acme/airflow:environment:prod', secret: 1 })).toString('base64url')}.signature`;
const order = { input: 'source-role', roleArn: 'arn:aws:iam::111122223333:role/x', sessionName: 'mwaa-migrate-export-7' };

function aProvider(answers: (Error | number)[], change: Readonly<{ sessionPolicy?: string; token?: string }> = {}) {
  let now = Date.parse('2026-11-22T10:00:00Z');
  const masked: string[] = [], warnings: string[] = [], sessions: unknown[] = [];
  const sts = {
    send: async (command: { input: unknown }) => {
      sessions.push(command.input);
      const answer = answers.shift() ?? new Error('no answer left');
      if (answer instanceof Error) throw answer;
      return { Credentials: { AccessKeyId: `K${sessions.length}`, SecretAccessKey: `S${sessions.length}`, SessionToken: `T${sessions.length}`, Expiration: new Date(now + answer * 60_000) } };
    },
  } as unknown as Pick<STSClient, 'send'>;
  const { sessionPolicy, token = TOKEN } = change;
  const provider = assumeByOidc({ ...order, sessionPolicy }, sts, { readIdToken: async () => token, mask: (secret) => void masked.push(secret) }, { now: () => new Date(now), sleep: async () => undefined }, { warn: (line) => void warnings.push(line) });
  return { provider, masked, warnings, sessions, pass: (minutes: number) => (now += minutes * 60_000) };
}
const refusal = (name: string, message = 'm') => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });

describe('credentials by OIDC', () => {
  it('buys one session for all callers, renews it before it ends, and masks it', async () => {
    const { provider, masked, sessions, pass } = aProvider([60, 60]);
    const both = await Promise.all([provider(), provider()]);
    expect(both[0]).toBe(both[1]);
    expect(sessions).toEqual([{ RoleArn: order.roleArn, RoleSessionName: order.sessionName, WebIdentityToken: TOKEN }]);
    pass(49);
    expect((await provider()).accessKeyId).toBe('K1');
    pass(2);
    expect((await provider()).accessKeyId).toBe('K2');
    expect(masked).toEqual(['S1', 'T1', 'S2', 'T2']);
  });

  it('gives the session policy on, as it is', async () => {
    const { provider, sessions } = aProvider([60], { sessionPolicy: '{"Version":"2012-10-17"}' });
    await provider();
    expect(sessions).toEqual([expect.objectContaining({ Policy: '{"Version":"2012-10-17"}' })]);
  });

  it('goes on with a session that still lasts when it cannot be renewed, without asking at every call, and fails when it has ended', async () => {
    const silence = () => refusal('AccessDenied', 'no');
    const { provider, warnings, sessions, pass } = aProvider([60, silence(), 60, silence(), silence()]);
    await provider();
    pass(51);
    expect([(await provider()).accessKeyId, (await provider()).accessKeyId, sessions.length]).toEqual(['K1', 'K1', 2]);
    expect(warnings).toEqual([expect.stringContaining('The session of source-role could not be renewed yet; it lasts until 2026-11-22T11:00:00.000Z')]);
    pass(2);
    expect((await provider()).accessKeyId).toBe('K3');
    pass(59.5);
    await expect(provider()).rejects.toThrow('cannot be assumed');
    pass(1);
    await expect(provider()).rejects.toThrow('cannot be assumed');
  });

  it('buys one session when many callers ask at the time of renewal', async () => {
    const { provider, sessions, pass } = aProvider([60, 60, 60]);
    await provider();
    pass(55);
    expect(new Set((await Promise.all(Array.from({ length: 20 }, () => provider()))).map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['K2']));
    expect(sessions).toHaveLength(2);
  });

  it('asks again after a failure', async () => {
    const { provider } = aProvider([refusal('AccessDenied'), 60]);
    await expect(provider()).rejects.toThrow('cannot be assumed');
    expect((await provider()).accessKeyId).toBe('K2');
  });

  it('repeats what passes', async () => expect((await aProvider([refusal('IDPCommunicationError'), Object.assign(new Error('x'), { code: 'ECONNRESET' }), 60]).provider()).accessKeyId).toBe('K3'));

  it('tells what the trust policy had to compare, and never the token', async () => {
    const error = await aProvider([refusal('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity')]).provider().catch((caught: Error) => caught as Error);
    const { message } = error as Error;
    expect(message).toContain('input source-role cannot be assumed: arn:aws:iam::111122223333:role/x');
    expect(message).toContain('\n    aud="sts.amazonaws.com"\n    sub="repo:acme/airflow:environment:prod"\n  Fix: compare');
    expect(message).toContain('STS answered AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity');
    expect(message).not.toContain('signature');
    expect(message).not.toContain(TOKEN.split('.')[1]);
  });

  it.each([['InvalidIdentityToken', 'create the identity provider'], ['ExpiredTokenException', 'had expired when it arrived'], ['ValidationError', 'correct input source-role'], ['PackedPolicyTooLarge', 'set input session-policy to "none"'], ['MalformedPolicyDocument', 'set input session-policy to "none"']])('explains %s', async (name, words) =>
    expect(aProvider([refusal(name)]).provider()).rejects.toThrow(words));

  it('does not blame the role when nothing answers', async () => {
    const silence = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    await expect(aProvider(Array.from({ length: 8 }, silence)).provider()).rejects.toThrow(/^AWS could not be reached to assume the role of input source-role: [^]*connect ECONNREFUSED[^]*network of the runner/u);
  });

  it('says which permission the job lacks', async () => expect(createIdTokenReader({})('sts.amazonaws.com')).rejects.toThrow(/permissions: \{ id-token: write/u));

  it.each(['', 'a.b', 'x.!!.y'])('explains a refusal of a token it cannot read: %p', async (token) =>
    expect(aProvider([refusal('AccessDenied')], { token }).provider()).rejects.toThrow(/GitHub's token says nothing that can be read/u));
});
