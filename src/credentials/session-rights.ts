/** What each phase calls with each role; docs/iam/roles.yaml is the union of it. A call that is not in here is refused in every test that runs a phase. */
import type { Phase } from '../inputs.js';

export type RoleInput = 'plan-role' | 'target-plan-role' | 'source-role' | 'target-role';

export type RightsOf = Readonly<{
  phase: Phase;
  role: RoleInput;
  /** Of the role's ARN: aws, aws-cn, aws-us-gov. */
  partition: string;
  /** Names in MWAA. */
  source: string; target: string;
  /** ARN of target.execution-role; undefined: a clone. */
  executionRole: string | undefined;
  /** Input dry-run: the phase says what it would do. */
  isDry: boolean;
  /** No plan role is given, so that source and target role look at what it would look at. */
  looks: boolean;
}>;

export type Right = Readonly<{ actions: readonly string[]; resources: readonly string[]; condition?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined }>;

const LOOK_AT_ROLES = ['iam:GetRole', 'iam:ListRolePolicies', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:GetPolicy', 'iam:GetPolicyVersion'];
const READ = ['s3:GetObject', 's3:GetObjectVersion'];
const MAKE_BUCKET = [
  's3:CreateBucket', 's3:GetBucketVersioning', 's3:PutBucketVersioning', 's3:GetBucketPublicAccessBlock', 's3:PutBucketPublicAccessBlock', 's3:GetEncryptionConfiguration', 's3:PutEncryptionConfiguration',
];
const LET_ROLES_IN = ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 'kms:ListGrants', 'kms:CreateGrant'];
const SHUT_ROLES_OUT = ['s3:GetBucketPolicy', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy', 'kms:ListGrants', 'kms:RevokeGrant'];
const FIND_VERSIONS = ['s3:ListBucketVersions', 's3:ListBucketMultipartUploads'];
const REMOVE = ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:AbortMultipartUpload'];
/** Asked of the caller by MWAA: user guide, "Accessing an Amazon MWAA environment" (AmazonMWAAFullApiAccess). */
const ASKED_BY_MWAA = [
  'ec2:CreateNetworkInterface', 'ec2:CreateVpcEndpoint', 'ec2:Describe*', 'iam:CreateServiceLinkedRole', 'kms:CreateGrant', 'kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*', 's3:GetBucket*', 's3:GetEncryptionConfiguration',
];

/** Phases that command Airflow by a DAG file of ours. */
export const COMMANDS: readonly Phase[] = ['export', 'import', 'verify', 'cutover', 'rollback', 'watch'];
/** Of them those that ask the source: import and cutover look whether it stands still, which takes a DAG run where no REST API reaches it. */
const COMMANDS_SOURCE: readonly Phase[] = ['export', 'import', 'cutover', 'rollback', 'watch'];
const BACK: readonly Phase[] = ['rollback', 'watch'];

/** Actions that change nothing. InvokeRestApi can, by Airflow's own rights: IAM does not know its verbs, and the names of lists need a POST. */
const READS = /:(?:Get|List|Describe|Invoke|Decrypt)/u;

export function rightsOf(use: RightsOf): readonly Right[] {
  if (use.role === 'plan-role' || use.role === 'target-plan-role') return planRights(use);
  const rights = use.role === 'source-role' ? sourceRights(use) : targetRights(use);
  if (!use.isDry) return rights;
  return rights.map((right) => ({ ...right, actions: right.actions.filter((action) => READS.test(action)) })).filter(({ actions }) => actions.length > 0);
}

const anywhere = (...actions: readonly string[]): Right => ({ actions, resources: ['*'] });
const objects = ({ partition }: RightsOf, keys: readonly string[], actions: readonly string[]): Right => ({ actions, resources: keys.map((key) => `arn:${partition}:s3:::*${key}`) });
/** S3 asks for these in the caller's name where an object is encrypted with a key of KMS. */
const withKeys = (...actions: readonly string[]): Right => ({ actions, resources: ['*'], condition: { StringLike: { 'kms:ViaService': 's3.*' } } });
const toRead = withKeys('kms:Decrypt'), toWrite = withKeys('kms:Decrypt', 'kms:GenerateDataKey');
const environment = ({ partition }: RightsOf, names: readonly string[], ...actions: readonly string[]): Right =>
  ({ actions: ['airflow:GetEnvironment', 'airflow:InvokeRestApi', ...actions], resources: names.flatMap((name) => [`arn:${partition}:airflow:*:*:environment/${name}`, `arn:${partition}:airflow:*:*:role/${name}/*`]) });

const OWN_DAG_FILE = '/mwaa_migrate/db_*.py', MIGRATION = '/data/migration/*';

function planRights(use: RightsOf): readonly Right[] {
  const isPlan = use.phase === 'plan';
  return [
    environment(use, [use.source, use.target]),
    anywhere('airflow:ListEnvironments', ...LOOK_AT_ROLES, 'kms:DescribeKey', 's3:ListBucket'),
    ...(isPlan ? [anywhere('iam:GetAccountAuthorizationDetails', 'logs:DescribeLogGroups', 'logs:DescribeMetricFilters', 'logs:DescribeSubscriptionFilters', 's3:GetBucketPublicAccessBlock', 's3:GetBucketVersioning', 's3:ListBucketVersions')] : []),
    objects(use, [`${MIGRATION}.json`, ...(isPlan ? ['.txt'] : [])], READ),
    toRead,
  ];
}

function sourceRights(use: RightsOf): readonly Right[] {
  const { phase, looks } = use;
  const makes = phase === 'resources' || phase === 'create' || phase === 'export';
  const goesBack = BACK.includes(phase), commands = COMMANDS_SOURCE.includes(phase);
  return [
    // Below Airflow 2.4.3 the way inside; a token could do anything, so no role has it that only looks.
    environment(use, [use.source], ...(commands ? ['airflow:CreateCliToken'] : [])),
    anywhere(
      's3:ListBucket', 'kms:DescribeKey', ...(looks ? ['airflow:ListEnvironments', ...LOOK_AT_ROLES] : []), ...(makes ? MAKE_BUCKET : []),
      ...(COMMANDS.includes(phase) ? LET_ROLES_IN : []), ...(goesBack ? SHUT_ROLES_OUT : []), ...(phase === 'import' || goesBack ? FIND_VERSIONS : []),
    ),
    objects(use, [MIGRATION], [...READ, 's3:PutObject', ...(phase === 'import' || goesBack ? REMOVE : [])]),
    ...(phase === 'resources' ? [objects(use, ['/*'], READ)] : []),
    ...(commands ? [objects(use, [OWN_DAG_FILE], ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'])] : []),
    toWrite,
  ];
}

function targetRights(use: RightsOf): readonly Right[] {
  const { phase, looks, isDry } = use;
  return [
    environment(use, [use.target], ...(phase === 'create' ? ['airflow:CreateEnvironment', 'airflow:TagResource'] : [])),
    anywhere('s3:ListBucket', 'kms:DescribeKey', ...(looks ? ['airflow:ListEnvironments', ...LOOK_AT_ROLES] : []), ...(phase === 'create' ? [...(isDry ? [] : ASKED_BY_MWAA), 'iam:GetPolicy', 'iam:GetPolicyVersion'] : [])),
    ...(phase === 'create' ? [executionRole(use)] : []),
    ...(phase === 'resources' ? [objects(use, ['/*'], [...READ, 's3:GetObjectTagging', 's3:GetObjectVersionTagging', 's3:PutObject', 's3:PutObjectTagging', 's3:DeleteObject', 's3:AbortMultipartUpload'])] : []),
    ...(COMMANDS.includes(phase) ? [objects(use, [OWN_DAG_FILE], ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'])] : []),
    toWrite,
  ];
}

/** A given role is read and passed on; only a clone, under a name of ours, is made. */
function executionRole({ partition, executionRole: given }: RightsOf): Right {
  const use = ['iam:GetRole', 'iam:ListRolePolicies', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:PassRole'];
  if (given) return { actions: use, resources: [given] };
  return { actions: [...use, 'iam:CreateRole', 'iam:PutRolePolicy', 'iam:AttachRolePolicy', 'iam:TagRole'], resources: [`arn:${partition}:iam::*:role/mwaa-migrate-*`] };
}
