import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { PolicyStatement } from '../../sandbox/front/contract.js';
import { type Front, startFront } from '../../sandbox/front/server.js';
import { createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { A_JOB, type OidcJob } from '../../sandbox/oidc/claims.js';
import { GITHUB_ISSUER, type OidcIssuer, startOidcIssuer } from '../../sandbox/oidc/issuer.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';
import { callByBotocore } from './foreign-client.js';

const ACCOUNT = '111122223333', GITHUB = 'token.actions.githubusercontent.com';
const JOB: OidcJob = { ...A_JOB, environment: 'migration-source', jobWorkflowRef: 'owner/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1.2.0' };

// botocore starts slowly on a busy machine.
jest.setTimeout(60_000);

let issuer: OidcIssuer;
let world: SandboxWorld;
let front: Front;
let sts: STSClient;
let roles = 0;

beforeAll(async () => {
  issuer = await startOidcIssuer({ job: JOB });
  world = createIdentityWorld({ accounts: [ACCOUNT], oidcIssuers: { [GITHUB_ISSUER]: issuer.url } });
  world.createOidcProvider({ account: ACCOUNT, url: GITHUB_ISSUER, clientIds: ['sts.amazonaws.com'] });
  front = await startFront({ world, services: [createStsService(world), createIamService(world)] });
  sts = new STSClient({ endpoint: front.url, region: 'eu-west-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' }, maxAttempts: 1 });
});
afterAll(async () => {
  await front.close();
  await issuer.close();
});

/** A role that a job's token opens under these conditions; more than one operator may be given. */
const policyOf = (statement: Readonly<Record<string, unknown>>): string => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] });

function roleFor(condition: Readonly<Record<string, unknown>>, more: Readonly<{ maxSessionSeconds?: number; policies?: readonly PolicyStatement[] }> = {}): string {
  roles += 1;
  const statement = { Effect: 'Allow', Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}` }, Condition: condition };
  return world.createRole({
    account: ACCOUNT, name: `role-${roles}`, trust: { Version: '2012-10-17', Statement: [statement] }, policies: { p: { Version: '2012-10-17', Statement: more.policies ?? [{ Effect: 'Allow', Action: '*', Resource: '*' }] } },
    ...(more.maxSessionSeconds !== undefined && { maxSessionSeconds: more.maxSessionSeconds }),
  });
}
const GOOD = { StringEquals: { [`${GITHUB}:aud`]: 'sts.amazonaws.com', [`${GITHUB}:sub`]: 'repo:octo-org/workflows:environment:migration-source' } };
const token = (...args: Parameters<OidcIssuer['token']> | []): string => issuer.token(args[0] ?? 'sts.amazonaws.com', args[1]);
const assume = (RoleArn: string, more: object = {}) => sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'run-1', WebIdentityToken: token(), ...more }));
/** The same token, header and key id included, that says it needs no signature. */
function withoutAlgorithm(text: string): string {
  const [head = '', payload = ''] = text.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
  return `${Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')}.${payload}.`;
}
const outcome = async (work: Promise<unknown>): Promise<string> => work.then(() => 'ok', (error: Error) => `${error.name}: ${error.message}`);
const REFUSED = 'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity';

describe('AssumeRoleWithWebIdentity', () => {
  it('gives a session that knows who it is', async () => {
    const { Credentials: made, AssumedRoleUser: user, Audience, Provider, SubjectFromWebIdentityToken } = await assume(roleFor(GOOD));
    expect([Audience, Provider, SubjectFromWebIdentityToken]).toEqual(['sts.amazonaws.com', `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}`, 'repo:octo-org/workflows:environment:migration-source']);
    const [answer] = await callByBotocore(front.url, [{ service: 'sts', operation: 'get_caller_identity', key: { accessKeyId: made?.AccessKeyId ?? '', secretAccessKey: made?.SecretAccessKey ?? '', sessionToken: made?.SessionToken ?? '' } }]);
    expect(answer).toMatchObject({ outcome: 'allowed', answer: { Arn: user?.Arn, Account: ACCOUNT, UserId: user?.AssumedRoleId } });
  });

  it.each<Readonly<{ because: string; condition: Readonly<Record<string, unknown>>; is: string }>>([
    { because: 'another GitHub environment', condition: { StringEquals: { [`${GITHUB}:sub`]: 'repo:octo-org/workflows:environment:production' } }, is: REFUSED },
    { because: 'the immutable form of sub, which this repository does not emit', condition: { StringEquals: { [`${GITHUB}:sub`]: 'repo:octo-org@65/workflows@74:environment:migration-source' } }, is: REFUSED },
    { because: 'any environment of the repository', condition: { StringLike: { [`${GITHUB}:sub`]: 'repo:octo-org/workflows:*' } }, is: 'ok' },
    { because: 'a wildcard under StringEquals is a character', condition: { StringEquals: { [`${GITHUB}:sub`]: 'repo:octo-org/workflows:*' } }, is: REFUSED },
    { because: 'the called workflow’s file and tag', condition: { ...GOOD, StringLike: { [`${GITHUB}:job_workflow_ref`]: 'owner/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1*' } }, is: 'ok' },
    { because: 'another called workflow', condition: { ...GOOD, StringLike: { [`${GITHUB}:job_workflow_ref`]: 'stranger/*' } }, is: REFUSED },
    { because: 'the repository’s id', condition: { StringEquals: { [`${GITHUB}:repository_id`]: '74' } }, is: 'ok' },
    { because: 'a claim that STS does not offer', condition: { StringEquals: { [`${GITHUB}:workflow_sha`]: '0'.repeat(40) } }, is: REFUSED },
  ])('$is: $because', async ({ condition, is }) => expect(await outcome(assume(roleFor(condition)))).toBe(is));

  it.each<Readonly<{ because: string; make: () => string; is: RegExp }>>([
    { because: 'a key that is not the issuer’s', make: () => token('sts.amazonaws.com', { forged: true }), is: /^InvalidIdentityToken/u },
    { because: 'an expired token', make: () => token('sts.amazonaws.com', { seconds: -1 }), is: /^ExpiredTokenException/u },
    { because: 'an audience the provider does not list', make: () => token('https://github.com/octo-org'), is: /^InvalidIdentityTokenException: Incorrect token audience/u },
    { because: 'another issuer', make: () => token('sts.amazonaws.com', { claims: { iss: 'https://example.com' } }), is: /^InvalidIdentityTokenException: No OpenIDConnect provider found in your account for https:\/\/example.com/u },
    { because: 'no token at all', make: () => 'not-a-token', is: /^InvalidIdentityToken/u },
    { because: 'a changed claim', make: () => token().split('.').map((part, index) => (index === 1 ? Buffer.from(Buffer.from(part, 'base64url').toString().replace('migration-source', 'production')).toString('base64url') : part)).join('.'), is: /^InvalidIdentityToken/u },
    { because: 'algorithm none', make: () => withoutAlgorithm(token()), is: /^InvalidIdentityTokenException: The web identity token that was passed could not be validated/u },
  ])('refuses $because, whatever the trust policy says', async ({ make, is }) => expect(await outcome(assume(roleFor({}), { WebIdentityToken: make() }))).toMatch(is));

  it('makes a session that carries sub and provider, but no further claim', async () => {
    const allowedBy = async (condition: object): Promise<string | undefined> => {
      const { Credentials: made } = await assume(roleFor(GOOD, { policies: [{ Effect: 'Allow', Action: 'iam:ListRoles', Resource: '*', Condition: condition }] }));
      const key = { accessKeyId: made?.AccessKeyId ?? '', secretAccessKey: made?.SecretAccessKey ?? '', sessionToken: made?.SessionToken ?? '' };
      return (await callByBotocore(front.url, [{ service: 'iam', operation: 'list_roles', key }]))[0]?.outcome;
    };
    expect(await allowedBy({ StringLike: { [`${GITHUB}:sub`]: 'repo:octo-org/*' }, ArnEquals: { 'aws:FederatedProvider': `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}` } })).toBe('allowed');
    expect(await allowedBy({ StringEquals: { [`${GITHUB}:repository_id`]: '74' } })).toBe('AccessDenied');
  });

  it('does not say whether a role exists', async () => expect(await outcome(assume(`arn:aws:iam::${ACCOUNT}:role/nobody`))).toBe(REFUSED));

  it.each([
    { change: { DurationSeconds: 899 }, is: /ValidationError.*greater than or equal to 900/u },
    { change: { DurationSeconds: 7201 }, is: /ValidationError.*exceeds the MaxSessionDuration/u },
    { change: { DurationSeconds: 7200 }, is: /^ok$/u },
    { change: { RoleSessionName: 'with spaces' }, is: /ValidationError.*roleSessionName/u },
    { change: { Policy: '{"Version":"2012-10-17"}' }, is: /MalformedPolicyDocument/u },
    { change: { Policy: policyOf({ Action: 's3:*', Resource: '*', Principal: '*' }) }, is: /MalformedPolicyDocument.*should not specify a principal/u },
    { change: { Policy: policyOf({ Action: 's3:*', Resource: '*', Sid: 'é→' }) }, is: /ValidationError.*'policy'.*regular expression/u },
    { change: { Policy: policyOf({ Action: 's3:*', Resource: `arn:aws:s3:::${'x'.repeat(1_970)}` }) }, is: /ValidationError.*'policy'.*less than or equal to 2048/u },
    { change: { Policy: policyOf({ Action: 's3:*', Resource: `arn:aws:s3:::${'x'.repeat(1_900)}` }) }, is: /^ok$/u },
    { change: { Policy: policyOf({ Action: 's3:*', Resource: `arn:aws:s3:::${'x'.repeat(1_900)}` }), PolicyArns: [{ arn: `arn:aws:iam::${ACCOUNT}:policy/${'p'.repeat(60)}` }] }, is: /PackedPolicyTooLarge/u },
  ])('looks at $change', async ({ change, is }) => expect(await outcome(assume(roleFor(GOOD, { maxSessionSeconds: 7200 }), change))).toMatch(is));
});

describe('the issuer', () => {
  it('answers the runner’s endpoint, whose address already holds a question mark, only with the request token', async () => {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = issuer.env();
    const ask = async (authorization: string) => fetch(`${url}&audience=sts.amazonaws.com`, { headers: { authorization } });
    const { value } = (await (await ask(`Bearer ${bearer}`)).json()) as { value: string };
    expect(await outcome(assume(roleFor(GOOD), { WebIdentityToken: value }))).toBe('ok');
    expect((await ask('Bearer other')).status).toBe(401);
  });

  it.each([
    { change: { environment: undefined }, sub: 'repo:octo-org/workflows:ref:refs/heads/main' },
    { change: { environment: undefined, eventName: 'pull_request' }, sub: 'repo:octo-org/workflows:pull_request' },
    { change: { environment: 'a:b' }, sub: 'repo:octo-org/workflows:environment:a%3Ab' },
    { change: { subject: 'immutable' as const }, sub: 'repo:octo-org@65/workflows@74:environment:migration-source' },
  ])('speaks of the job: $sub', ({ change, sub }) => {
    issuer.setJob(change);
    const claims = JSON.parse(Buffer.from(token().split('.')[1] ?? '', 'base64url').toString()) as { sub: string; exp: number; iat: number };
    issuer.setJob(JOB);
    expect([claims.sub, claims.exp - claims.iat]).toEqual([sub, 300]);
  });
});

describe('AssumeRole', () => {
  const trusting = (principal: string): string => {
    roles += 1;
    return world.createRole({ account: ACCOUNT, name: `role-${roles}`, maxSessionSeconds: 43_200, trust: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole' }] } });
  };
  it('gives a chained session one hour, whatever the role allows', async () => {
    const first = roleFor(GOOD);
    const second = trusting(first);
    const { Credentials: made } = await assume(first);
    const chained = new STSClient({ endpoint: front.url, region: 'eu-west-1', maxAttempts: 1, credentials: { accessKeyId: made?.AccessKeyId ?? '', secretAccessKey: made?.SecretAccessKey ?? '', sessionToken: made?.SessionToken ?? '' } });
    const ask = (DurationSeconds: number) => chained.send(new AssumeRoleCommand({ RoleArn: second, RoleSessionName: 'next', DurationSeconds }));
    expect(await outcome(ask(3600))).toBe('ok');
    expect(await outcome(ask(3601))).toMatch(/^ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining/u);
  });

  it('is not for root, and not for whom the trust policy does not name', async () => {
    const root = new STSClient({ endpoint: front.url, region: 'eu-west-1', maxAttempts: 1, credentials: world.identities.accessKeyFor(`arn:aws:iam::${ACCOUNT}:root`) });
    expect(await outcome(root.send(new AssumeRoleCommand({ RoleArn: trusting(ACCOUNT), RoleSessionName: 'me' })))).toBe('AccessDenied: Roles may not be assumed by root accounts.');
    expect(await outcome(root.send(new GetCallerIdentityCommand({})))).toBe('ok');
  });
});
