/** Two accounts with the shipped roles in both, as the how-tos have them deployed, one source, and migration files for them. */
import { CALLER_REPOSITORY } from '../../sandbox/act/caller.js';

/** As several-accounts.yml names them. */
export const SOURCE_ACCOUNT = '111122223333', TARGET_ACCOUNT = '444455556666';
export const TARGET_BUCKET = `target-dags-${TARGET_ACCOUNT}`;

const roles = (account: string, parameters: Readonly<Record<string, string>>) => ({
  account, template: '../../../docs/iam/roles.yaml',
  parameters: { Repository: CALLER_REPOSITORY, SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: `mwaa-analytics-${SOURCE_ACCOUNT}`, ...parameters },
});
/** For a-caller's world and others: two accounts, the roles as the how-tos have them deployed, one source. */
export const SPEC = JSON.stringify({
  accounts: [SOURCE_ACCOUNT, TARGET_ACCOUNT], github: { repository: CALLER_REPOSITORY, event: 'workflow_dispatch' },
  // As docs/how-to/monorepo.md and several-accounts.md have them deployed.
  iam: [
    roles(SOURCE_ACCOUNT, {}),
    roles(TARGET_ACCOUNT, { TargetBucket: TARGET_BUCKET, ExecutionRoleArn: `arn:aws:iam::${TARGET_ACCOUNT}:role/analytics-v2-execution` }),
    roles(SOURCE_ACCOUNT, { NamePrefix: 'mwaa-migrate-analytics', GitHubEnvironment: 'migration-analytics', CreateOidcProvider: 'no', CloneBoundaryArn: `arn:aws:iam::${SOURCE_ACCOUNT}:policy/mwaa-migrate-clone-boundary` }),
  ],
  environments: [
    { name: 'analytics', account: SOURCE_ACCOUNT, 'airflow-version': '2.7.2', dags: '../../sandbox/examples/dags' },
    // Stands in for a bucket in the target's account: the sandbox makes buckets for environments.
    { name: 'other', account: TARGET_ACCOUNT, 'airflow-version': '2.10.3', bucket: TARGET_BUCKET, dags: '../../sandbox/examples/dags' },
  ],
});

export const MIGRATION_FILE = 'source: { environment: analytics, region: eu-west-1 }\ntarget: { environment: analytics-v2, region: eu-west-1, airflow-version: 2.10.3 }\napprovers: [rita, paul]\n';
/** As docs/how-to/several-accounts.md has it, with the names of this world. */
export const OTHER_ACCOUNT_FILE = `source: { environment: analytics, region: eu-west-1 }
target:
  environment: analytics-v2
  region: eu-west-1
  airflow-version: 2.10.3
  bucket: ${TARGET_BUCKET}
  execution-role: arn:aws:iam::${TARGET_ACCOUNT}:role/analytics-v2-execution
  environment-overrides:
    NetworkConfiguration: { SubnetIds: [subnet-sandbox-a, subnet-sandbox-b], SecurityGroupIds: [sg-sandbox] }
`;
