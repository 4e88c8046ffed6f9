/** Who asks, and what they may do: tokens, roles, sessions and permissions. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCOUNT, type MigrationWorld, REGION, SOURCE } from '../support/world.js';
import type { Row } from './row.js';

const PLAN_ROLE = (account = ACCOUNT) => `arn:aws:iam::${account}:role/mwaa-migrate-plan`;
const WITHOUT_ROLES = { 'plan-role': '', 'source-role': '', 'target-role': '' };
const token = { url: '' };

/** GitHub's token endpoint, but with tokens that STS must not take. */
async function serveToken(make: () => string): Promise<() => Promise<void>> {
  const server = createServer((_, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify({ value: make() })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  token.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?api-version=2`;
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}
const tokenRow = (name: string, make: (world: MigrationWorld) => string, why: readonly string[], fix: readonly string[]): Row => ({
  name, phase: 'plan', prepare: (world) => serveToken(() => make(world)), late: () => ({ more: { env: { ACTIONS_ID_TOKEN_REQUEST_URL: token.url } } }),
  what: [`The role of input plan-role cannot be assumed: ${PLAN_ROLE()}.`], why, fix,
});

/** A role that GitHub's job may assume and that may do just these things. */
function narrowRole({ sandbox, roles }: MigrationWorld, name: string, allowed: readonly Readonly<Record<string, unknown>>[]): string {
  const trust = sandbox.world.identities.trustPolicy(roles.plan);
  if (!trust) throw new Error('the plan role has no trust policy');
  return sandbox.world.createRole({ account: ACCOUNT, name, trust, policies: { narrow: { Version: '2012-10-17', Statement: allowed } } });
}
const allow = (Action: string | readonly string[], Resource = '*') => ({ Effect: 'Allow', Action, Resource });

export const CREDENTIALS: readonly Row[] = [
  {
    name: 'a job without the permission id-token', phase: 'plan', calls: 'none', late: () => ({ more: { env: { ACTIONS_ID_TOKEN_REQUEST_URL: '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: '' } } }),
    what: ['GitHub gives this job no OIDC token.'], why: ['the job lacks the permission "id-token: write"', 'fork'], fix: ['permissions: { id-token: write, contents: read }'],
  },
  {
    name: 'a role that does not exist', phase: 'plan', inputs: { 'plan-role': `arn:aws:iam::${ACCOUNT}:role/mwaa-migrat-plan` },
    what: [`The role of input plan-role cannot be assumed: arn:aws:iam::${ACCOUNT}:role/mwaa-migrat-plan.`],
    why: ['there is no such role', 'aud="sts.amazonaws.com"', 'sub="repo:acme/airflow:environment:migration"'], fix: [`the ARN: arn:aws:iam::${ACCOUNT}:role/mwaa-migrat-plan may not exist`],
  },
  {
    name: 'a trust policy that expects another job', phase: 'export', inputs: { mode: 'final' },
    prepare: ({ sandbox }) => {
      sandbox.oidc.setJob({ environment: undefined, ref: 'refs/heads/feature' });
      return () => sandbox.oidc.setJob({ environment: 'migration', ref: 'refs/heads/main' });
    },
    what: [`The role of input source-role cannot be assumed: arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-source.`],
    why: ['its trust policy does not accept this job', 'sub="repo:acme/airflow:ref:refs/heads/feature"'], fix: ['compare the role\'s trust policy with these values', 'the job has no "environment:"'],
  },
  tokenRow('a token for another audience', ({ sandbox }) => sandbox.oidc.token('https://github.com/acme'),
    ['aud="https://github.com/acme"', 'issuer or audience'], ['audience "sts.amazonaws.com"', 'CreateOidcProvider=yes']),
  tokenRow('a token that expired on its way', ({ sandbox }) => sandbox.oidc.token('sts.amazonaws.com', { seconds: -600 }),
    ['had expired when it arrived'], ['run the job again', 'clock (NTP)']),
  {
    name: 'no role and no credentials', phase: 'plan', inputs: WITHOUT_ROLES, calls: 'none',
    what: ['No AWS credentials for sts:GetCallerIdentity'], why: ['plan-role is empty and the job has no credentials of its own'], fix: ['set plan-role and the permission "id-token: write"', 'aws-actions/configure-aws-credentials'],
  },
  {
    name: 'keys that AWS does not know', phase: 'plan', inputs: WITHOUT_ROLES, late: () => ({ more: { env: { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'not-the-key' } } }),
    what: ['AWS does not accept the credentials of the job (input plan-role is empty)'], why: ['InvalidClientTokenId'], fix: ['set plan-role', 'valid credentials'],
  },
  {
    name: 'a session of the job that expires', phase: 'plan', inputs: WITHOUT_ROLES,
    prepare: ({ sandbox }) => {
      sandbox.faults.add({ service: 'airflow', action: 'GetEnvironment', times: 1, kind: 'expired-token' });
      return () => sandbox.faults.clear();
    },
    late: ({ sandbox, roles }) => ({ more: { env: sandbox.env({ as: roles.plan }) } }),
    what: [`The credentials of the job (input plan-role is empty) expired before airflow:GetEnvironment on arn:aws:airflow:${REGION}:${ACCOUNT}:environment/${SOURCE}.`], why: ['ExpiredToken'], fix: ['set plan-role, so that mwaa-migrate renews its credentials by itself'],
  },
  {
    name: 'a session of a role that AWS calls expired at once', phase: 'plan',
    prepare: ({ sandbox }) => {
      sandbox.faults.add({ service: 'airflow', action: 'GetEnvironment', times: 1, kind: 'expired-token' });
      return () => sandbox.faults.clear();
    },
    what: ['The credentials of plan-role expired before airflow:GetEnvironment'], why: ['ExpiredToken'], fix: ['run the phase again', 'clock'],
  },
  {
    name: 'a role that may not look at the environment', phase: 'plan', late: (world) => ({ inputs: { 'plan-role': narrowRole(world, 'no-get', [allow('airflow:ListEnvironments')]) } }),
    what: [`Access denied: airflow:GetEnvironment on arn:aws:airflow:${REGION}:${ACCOUNT}:environment/${SOURCE}.`],
    why: ['the credentials of plan-role are not allowed to do this', 'no identity-based policy allows the airflow:GetEnvironment action'],
    fix: [`allow airflow:GetEnvironment on arn:aws:airflow:${REGION}:${ACCOUNT}:environment/${SOURCE} to the role of plan-role`, 'docs/iam/roles.yaml'],
  },
  {
    name: 'a role that may not read the execution role that is cloned', phase: 'plan', late: (world) => ({ inputs: { 'plan-role': narrowRole(world, 'no-iam', [allow(['airflow:GetEnvironment', 'airflow:ListEnvironments'])]) } }),
    what: ['Access denied: iam:GetRole on arn:aws:iam::'], why: ['the credentials of plan-role'], fix: ['allow iam:GetRole on arn:aws:iam::'],
  },
  {
    name: 'a role that may not make the migration bucket', phase: 'resources', refused: ['CreateBucket'],
    late: (world) => {
      const role = narrowRole(world, 'no-bucket', [allow(['airflow:*', 'iam:Get*', 'iam:List*', 's3:Get*', 's3:List*'])]);
      return { inputs: { 'source-role': role } };
    },
    what: ['Access denied: s3:CreateBucket on arn:aws:s3:::mwaa-migration-111122223333-eu-west-1.'], why: ['the credentials of source-role'], fix: ['allow s3:CreateBucket on arn:aws:s3:::mwaa-migration-111122223333-eu-west-1 to the role of source-role'],
  },
  {
    name: 'an AWS that cannot be reached', phase: 'plan', isSlow: true, late: () => ({ more: { env: { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' } } }), calls: 'none',
    what: [`AWS could not be reached to assume the role of input plan-role: ${PLAN_ROLE()}.`], why: ['ECONNREFUSED', 'half a minute'], fix: ['network of the runner', 'run the phase again'],
  },
  {
    name: 'a region for which no host exists', phase: 'plan', file: { source: { environment: SOURCE, region: 'eu-wset-1' } }, calls: 'none',
    late: () => ({ more: { env: { AWS_ENDPOINT_URL: `http://${'x'.repeat(64)}.invalid` } } }),
    what: ['No AWS endpoint answers'], why: ['the host name does not exist', 'region is misspelt'], fix: ['check "region"', 'migration file'],
  },
];
