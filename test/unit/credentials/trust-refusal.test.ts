import { describe, expect, it } from '@jest/globals';
import { readClaims } from '../../../src/credentials/claims.js';
import { explainTrust } from '../../../src/credentials/trust-refusal.js';
import { A_JOB, claimsOf, type OidcJob } from '../../sandbox/oidc/claims.js';

const ISSUER = 'https://token.actions.githubusercontent.com', ARN = 'arn:aws:iam::111122223333:role/mwaa-migrate-source';
const tokenOf = (claims: unknown): string => `header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2lnbmF0dXJl`;
const told = (job: Partial<OidcJob>, input = 'source-role', more: Readonly<Record<string, unknown>> = {}): Readonly<{ why: string; fix: string }> =>
  explainTrust({ input, roleArn: ARN, said: 'STS answered AccessDenied: no', claims: readClaims(tokenOf({ iss: ISSUER, aud: 'sts.amazonaws.com', ...claimsOf({ ...A_JOB, ...job }), ...more })) });
/** The first two words of each reason, in order. */
const order = (fix: string): readonly string[] => [...fix.matchAll(/^ {4}\d+\. ([^:,]+)/gmu)].map((match) => match[1] ?? '');

describe('a role that refuses the job', () => {
  it('is told with what its policy can compare', () => {
    const { why } = told({ environment: 'migration-production', jobWorkflowRef: 'OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1' });
    for (const part of ['iss="https://token.actions.githubusercontent.com"', 'aud="sts.amazonaws.com"', 'sub="repo:octo-org/workflows:environment:migration-production"', 'environment="migration-production"', 'event_name="workflow_dispatch"',
      'ref="refs/heads/main"', 'repository="octo-org/workflows"', 'repository_id="74"', 'repository_owner_id="65"', 'workflow_ref="octo-org/workflows/.github/workflows/migrate.yml@refs/heads/main"',
      'job_workflow_ref="OWNER/mwaa-migrate/.github/workflows/migrate.yml@refs/tags/v1"']) expect(why).toContain(part);
  });

  it('shows the lines that would accept the job, its subject in both forms', () => {
    const legacy = 'repo:octo-org/workflows:environment:prod', immutable = 'repo:octo-org@65/workflows@74:environment:prod';
    expect(told({ environment: 'prod' }).fix).toContain(`"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",\n      "token.actions.githubusercontent.com:sub": ["${legacy}", "${immutable}"]`);
    const other = told({ environment: 'prod', subject: 'immutable' });
    expect(other.fix).toContain(`:sub": ["${immutable}", "${legacy}"]`);
    expect(other.fix).toContain('parameter RepositoryWithIds of docs/iam/roles.yaml must be "octo-org@65/workflows@74"');
    expect(other.why).toContain(`sub="${immutable}"`);
  });

  it('suspects the audience first when it is another one', () => expect(order(told({ environment: 'prod' }, 'source-role', { aud: 'https://github.com/octo-org' }).fix)[0]).toBe('aud'));

  it.each([
    { what: 'an environment under another name', job: { environment: 'Prod:1' }, says: /^ {4}1\. sub: the job has the environment "Prod%3A1"; parameter GitHubEnvironment or SecondGitHubEnvironment/mu },
    { what: 'no environment', job: {}, says: /^ {4}1\. sub: the job has no "environment:"/mu },
    { what: 'a pull request', job: { eventName: 'pull_request', ref: 'refs/pull/7/merge' }, says: /^ {4}1\. sub: the job runs for a pull request\. Source and target role are not for pull requests/mu },
  ])('explains $what to source and target role', ({ job, says }) => expect(told(job).fix).toMatch(says));

  it.each([{ eventName: 'pull_request', ref: 'refs/pull/7/merge' }, {}])('gives no line that would open source or target role to a job without environment: %p', (job) => expect(told(job).fix).not.toContain('StringEquals'));

  it.each([{ environment: 'prod', first: 'the job has the environment "prod"' }, { environment: 'migration-prepare', first: "this repository's subjects carry ids" }])('suspects the name of the environment first, unless it is one of the template\'s: $environment', ({ environment, first }) =>
    expect(told({ environment, subject: 'immutable' }).fix).toContain(`in this order:\n    1. sub: ${first}`));

  it('explains another branch to the plan role, and gives the line', () => {
    const { fix } = told({ ref: 'refs/heads/feature' }, 'plan-role');
    expect(fix).toMatch(/^ {4}1\. sub: the job runs on "refs\/heads\/feature" \(event "workflow_dispatch"\); parameter DefaultBranch/mu);
    expect(fix).toContain('"repo:octo-org/workflows:ref:refs/heads/feature"');
  });

  it('says that the subject was customised, and shows it as it is', () => {
    const { fix } = told({ environment: 'prod' }, 'source-role', { sub: 'repository_id:74:job_workflow_ref:x' });
    expect(fix).toMatch(/^ {4}1\. sub: its form is "repository_id:74:job_workflow_ref:x"/mu);
    expect(fix).toContain('"token.actions.githubusercontent.com:sub": "repository_id:74:job_workflow_ref:x"');
  });

  it('ends with the ARN, after the conditions that only some policies have', () => expect(order(told({ environment: 'prod' }).fix)).toEqual(['sub', 'sub', 'job_workflow_ref', 'repository_id', 'the ARN']));

  it('never shows the token, its signature or any other claim, and lets no claim begin a line', () => {
    const claims = { iss: ISSUER, aud: 'sts.amazonaws.com', ...claimsOf({ ...A_JOB, environment: 'x\n::set-output name=a::b' }), jti: 'unique-id', secret: 'swordfish' };
    const token = tokenOf(claims), { why, fix } = explainTrust({ input: 'source-role', roleArn: ARN, said: 'STS answered AccessDenied: no', claims: readClaims(token) });
    for (const part of [...token.split('.'), 'unique-id', 'swordfish', 'octocat']) expect(`${why}${fix}`).not.toContain(part);
    expect(`${why}\n${fix}`).not.toMatch(/^::/mu);
  });

  it.each(['', 'a.b', 'a.bnVsbA.c', 'x.!!.y'])('goes without claims that cannot be read: %p', (token) => expect(explainTrust({ input: 'plan-role', roleArn: ARN, said: 'STS answered AccessDenied: no', claims: readClaims(token) }).why).toContain('nothing that can be read'));
});
