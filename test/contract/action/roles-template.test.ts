/** docs/iam/roles.yaml as a user deploys it, twice in one account. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';

const ACCOUNT = '111122223333';
const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`;
const WITHOUT_BUCKET = { Repository: 'acme/airflow', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2' };
const FIRST = { ...WITHOUT_BUCKET, SourceBucket: 'acme-dags' };
const SECOND = { ...FIRST, NamePrefix: 'sales', CreateOidcProvider: 'no', CloneBoundaryArn: BOUNDARY, SourceEnvironment: 'sales', TargetEnvironment: 'sales-v2', SourceBucket: 'sales-dags' };

const deploy = (...stacks: readonly Readonly<Record<string, string>>[]) => {
  const world = createIdentityWorld({ accounts: [ACCOUNT] });
  return { world, outputs: stacks.map((parameters) => loadTemplate(world, path.join(process.cwd(), 'docs/iam/roles.yaml'), { account: ACCOUNT, region: 'eu-west-1', parameters }).outputs) };
};

describe('the template of roles', () => {
  it('can be deployed for a second migration of the account, under other names', () => {
    const { world, outputs } = deploy(FIRST, SECOND);
    expect(outputs.map(({ PlanRole, SourceRole, TargetRole }) => [PlanRole, SourceRole, TargetRole].map((arn) => arn?.split('/')[1]))).toEqual([
      ['mwaa-migrate-plan', 'mwaa-migrate-source', 'mwaa-migrate-target'], ['sales-plan', 'sales-source', 'sales-target'],
    ]);
    const create = world.identities.role(ACCOUNT, 'sales-target')?.attached;
    expect(create).toEqual([`arn:aws:iam::${ACCOUNT}:policy/sales-create`]);
  });

  it.each([
    { what: 'the names', given: { NamePrefix: 'mwaa-migrate' } }, { what: 'the boundary', given: { CloneBoundaryArn: '' } }, { what: 'the identity provider', given: { CreateOidcProvider: 'yes' } },
  ])('cannot make $what twice', ({ given }) => expect(() => deploy(FIRST, { ...SECOND, ...given })).toThrow(/EntityAlreadyExists|already exists/u));

  it.each([
    { parameters: { ...WITHOUT_BUCKET, SourceBucket: 'mwaa-*' }, because: 'a pattern would match the migration bucket' }, { parameters: WITHOUT_BUCKET, because: 'nobody can know it' },
  ])('wants the exact bucket: $because', ({ parameters }) => expect(() => deploy(parameters)).toThrow(/parameter SourceBucket/u));

  it('keeps what others live by when a stack goes, but not when its first deployment fails: the next one could not make it', () => {
    const { Resources } = parse(readFileSync('docs/iam/roles.yaml', 'utf8'), { logLevel: 'silent' }) as Readonly<{ Resources: Readonly<Record<string, Readonly<{ DeletionPolicy?: string }>>> }>;
    const kept = Object.entries(Resources).flatMap(([name, { DeletionPolicy }]) => (DeletionPolicy ? [[name, DeletionPolicy]] : []));
    // One for GitHub's provider, and the boundary of the execution role with which the new environment runs.
    expect(kept).toEqual([['GitHubProvider', 'RetainExceptOnCreate'], ['CloneBoundary', 'RetainExceptOnCreate']]);
  });
});
