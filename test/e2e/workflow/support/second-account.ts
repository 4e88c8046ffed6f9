/** A target in an account of its own, made ready as docs/how-to/several-accounts.md says: its bucket, its execution role, the migration file. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { executionRolePolicy, executionRoleTrust } from '../../../sandbox/spec/execution-role.js';
import type { PolicyDocument } from '../../../sandbox/front/contract.js';
import { repository } from '../../../sandbox/act/stage.js';
import { type MigrationWorld, REGION, TARGET } from '../../support/world.js';

/** As docs/examples/several-accounts.yml names it beside the source's. */
export const TARGET_ACCOUNT = '444455556666';
export const TARGET_BUCKET = `target-dags-${TARGET_ACCOUNT}`;
const ROLE = 'analytics-v2-execution';

const page = readFileSync(path.join(repository, 'docs/how-to/several-accounts.md'), 'utf8');
const listing = (language: string, holds: string): string => {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gmu'))].map(([, text = '']) => text).find((text) => text.includes(holds));
  if (found === undefined) throw new Error(`docs/how-to/several-accounts.md has no ${language} listing with ${holds}.`);
  return found;
};

/** The page's migration file, in the sandbox's names of what belongs to an account. */
export const SECOND_ACCOUNT_FILE = parse(listing('yaml', 'environment-overrides').replace('their-dags-bucket', TARGET_BUCKET)
  .replaceAll('subnet-0123456789abcdef0', 'subnet-sandbox-a').replaceAll('subnet-0123456789abcdef1', 'subnet-sandbox-b').replaceAll('sg-0123456789abcdef0', 'sg-sandbox')) as Readonly<Record<string, unknown>>;

/** Parameters of docs/iam/roles.yaml, the same in both accounts. */
export const SECOND_ACCOUNT_PARAMETERS: Readonly<Record<string, string>> = { TargetBucket: TARGET_BUCKET, ExecutionRoleArn: `arn:aws:iam::${TARGET_ACCOUNT}:role/${ROLE}` };

/** What must be there before the migration, but for the page's statements in the execution role. @returns the role's ARN */
export function prepareSecondAccount({ sandbox }: MigrationWorld): string {
  sandbox.s3.makeBucket({ name: TARGET_BUCKET, account: TARGET_ACCOUNT, region: REGION, versioning: true });
  return sandbox.world.createRole({
    account: TARGET_ACCOUNT, name: ROLE, trust: executionRoleTrust(TARGET_ACCOUNT, REGION, TARGET),
    policies: { mwaa: executionRolePolicy({ account: TARGET_ACCOUNT, region: REGION, environment: TARGET, bucket: TARGET_BUCKET }) },
  });
}

/** Those statements: the other half of what the migration bucket's policy allows. */
export const allowMigrationBucket = ({ sandbox }: MigrationWorld, role: string): void =>
  sandbox.world.putPolicy(role, 'migration', JSON.parse(listing('json', 's3:GetObjectVersion')) as PolicyDocument);
