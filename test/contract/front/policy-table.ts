/**
 * Action, resource, policies, expected: AWS's documented outcome. Each row gets a role, a bucket, a key, a log group of its own, filled in for `{…}`:
 * {role} ARN of the caller's role, {session} its session's ARN, {target} another role, {bucket}, {shared} a bucket of the other account, {key}, {group}, {limit} a managed policy.
 * Sources: "eval" = IAM User Guide, reference_policies_evaluation-logic…; "elements" = …/reference_policies_elements; "kms" = KMS Developer Guide, policy-evaluation, grants.
 */
export const ACCOUNT = '111122223333', OTHER_ACCOUNT = '444455556666', REGION = 'eu-west-1';

type Statement = Readonly<Record<string, unknown>>;
export type PolicyRow = Readonly<{
  because: string; source: 'eval' | 'elements' | 'kms';
  action: ActionName;
  identity?: readonly Statement[];
  boundary?: readonly Statement[]; session?: readonly Statement[];
  /** Put on {bucket}, or with `action` on the shared bucket on {shared}. */
  bucketPolicy?: readonly Statement[];
  keyPolicy?: readonly Statement[];
  targetTrust?: readonly Statement[];
  expected: 'allowed' | 'denied';
  /** What AWS names as the reason. */
  reason?: RegExp;
}>;

/** One call per action; the resource stands in the parameters. */
export const ACTIONS = {
  's3:GetObject': { service: 's3', operation: 'get_object', parameters: { Bucket: '{bucket}', Key: 'in/a=1+b.csv' } },
  's3:GetObject of the other account': { service: 's3', operation: 'get_object', parameters: { Bucket: '{shared}', Key: 'in/a=1+b.csv' } },
  's3:PutObject': { service: 's3', operation: 'put_object', parameters: { Bucket: '{bucket}', Key: 'out/1.csv', Body: 'x' } },
  's3:ListBucket': { service: 's3', operation: 'list_objects_v2', parameters: { Bucket: '{bucket}', Prefix: 'in/' } },
  'kms:GenerateDataKey': { service: 'kms', operation: 'generate_data_key', parameters: { KeyId: '{key}', KeySpec: 'AES_256', EncryptionContext: { table: 'dag_run' } } },
  'kms:DescribeKey': { service: 'kms', operation: 'describe_key', parameters: { KeyId: '{key}' } },
  'iam:GetRole': { service: 'iam', operation: 'get_role', parameters: { RoleName: '{target-name}' } },
  'iam:AttachRolePolicy': { service: 'iam', operation: 'attach_role_policy', parameters: { RoleName: '{target-name}', PolicyArn: '{limit}' } },
  'iam:CreateRole with boundary': { service: 'iam', operation: 'create_role', parameters: { RoleName: '{target-name}-new', AssumeRolePolicyDocument: '{trust}', PermissionsBoundary: '{limit}' } },
  'iam:CreateRole': { service: 'iam', operation: 'create_role', parameters: { RoleName: '{target-name}-new', AssumeRolePolicyDocument: '{trust}' } },
  'sts:AssumeRole': { service: 'sts', operation: 'assume_role', parameters: { RoleArn: '{target}', RoleSessionName: 'next' } },
  'logs:DescribeLogStreams': { service: 'logs', operation: 'describe_log_streams', parameters: { logGroupName: '{group}' } },
} as const;
export type ActionName = keyof typeof ACTIONS;

const allow = (Action: unknown, Resource: unknown = '*', more: Statement = {}): Statement => ({ Effect: 'Allow', Action, Resource, ...more });
const deny = (Action: unknown, Resource: unknown = '*', more: Statement = {}): Statement => ({ Effect: 'Deny', Action, Resource, ...more });
const ALL = [allow('*')];
const OBJECTS = 'arn:aws:s3:::{bucket}/*';
const READ = [allow('s3:GetObject', OBJECTS)];
const to = (Principal: unknown, more: Statement = {}): Statement => ({ Effect: 'Allow', Principal, Action: 's3:GetObject', Resource: OBJECTS, ...more });
const DELEGATES: Statement = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' };
/** A key whose policy names only this account's administrator keeps everybody else out. */
const CLOSED: Statement = { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/starter` }, Action: 'kms:*', Resource: '*' };

export const POLICY_TABLE: readonly PolicyRow[] = [
  // Identity policies
  { because: 'all requests are implicitly denied', source: 'eval', action: 's3:GetObject', expected: 'denied', reason: /because no identity-based policy allows the s3:GetObject action/u },
  { because: 'an Allow on the object', source: 'eval', action: 's3:GetObject', identity: READ, expected: 'allowed' },
  { because: 'an Allow on the bucket is none on its objects', source: 'elements', action: 's3:GetObject', identity: [allow('s3:GetObject', 'arn:aws:s3:::{bucket}')], expected: 'denied' },
  { because: '* in an action', source: 'elements', action: 's3:GetObject', identity: [allow('s3:Get*', OBJECTS)], expected: 'allowed' },
  { because: '? stands for one character', source: 'elements', action: 's3:GetObject', identity: [allow('s3:GetObjec?', OBJECTS)], expected: 'allowed' },
  { because: 'actions have no case', source: 'elements', action: 's3:GetObject', identity: [allow('S3:getobject', OBJECTS)], expected: 'allowed' },
  { because: '* in a resource goes over slashes', source: 'elements', action: 's3:GetObject', identity: [allow('s3:GetObject', 'arn:aws:s3:::{bucket}*csv')], expected: 'allowed' },
  { because: 'another prefix', source: 'elements', action: 's3:GetObject', identity: [allow('s3:GetObject', 'arn:aws:s3:::{bucket}/out/*')], expected: 'denied' },
  { because: 'resources have case', source: 'elements', action: 's3:GetObject', identity: [allow('s3:GetObject', 'arn:aws:s3:::{bucket}/IN/*')], expected: 'denied' },
  { because: 'NotAction allows what it does not name', source: 'elements', action: 's3:GetObject', identity: [{ Effect: 'Allow', NotAction: ['iam:*', 's3:Put*'], Resource: '*' }], expected: 'allowed' },
  { because: 'NotAction does not allow what it names', source: 'elements', action: 's3:PutObject', identity: [{ Effect: 'Allow', NotAction: ['iam:*', 's3:Put*'], Resource: '*' }], expected: 'denied' },
  { because: 'NotResource does not allow what it names', source: 'elements', action: 's3:GetObject', identity: [{ Effect: 'Allow', Action: 's3:*', NotResource: 'arn:aws:s3:::{bucket}/in/*' }], expected: 'denied' },
  { because: 'Deny with NotResource spares what it names', source: 'elements', action: 's3:GetObject', identity: [...ALL, { Effect: 'Deny', Action: 's3:*', NotResource: ['arn:aws:s3:::{bucket}', OBJECTS] }], expected: 'allowed' },
  { because: 'an explicit deny overrides', source: 'eval', action: 's3:GetObject', identity: [...ALL, deny('s3:GetObject', OBJECTS)], expected: 'denied', reason: /with an explicit deny in an identity-based policy/u },
  { because: 'a policy variable', source: 'elements', action: 's3:ListBucket', identity: [allow('s3:ListBucket', '*', { Condition: { StringLike: { 's3:prefix': '${aws:PrincipalTag/prefix}*' } } })], expected: 'allowed' },
  // Conditions
  { because: 'the prefix is not the one allowed', source: 'elements', action: 's3:ListBucket', identity: [allow('s3:ListBucket', '*', { Condition: { StringEquals: { 's3:prefix': 'out/' } } })], expected: 'denied' },
  { because: 'the region asked for', source: 'elements', action: 'kms:DescribeKey', identity: [allow('kms:*', '*', { Condition: { StringEquals: { 'aws:RequestedRegion': ['eu-west-1', 'eu-west-3'] } } })], expected: 'allowed' },
  { because: 'another region', source: 'elements', action: 'kms:DescribeKey', identity: [...ALL, deny('*', '*', { Condition: { StringNotEquals: { 'aws:RequestedRegion': 'us-east-1' } } })], expected: 'denied', reason: /explicit deny/u },
  { because: 'the source address', source: 'elements', action: 's3:GetObject', identity: [allow('s3:*', '*', { Condition: { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } } })], expected: 'allowed' },
  { because: 'an address outside', source: 'elements', action: 's3:GetObject', identity: [...ALL, deny('s3:*', '*', { Condition: { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } })], expected: 'denied' },
  { because: 'IfExists holds for an absent key', source: 'elements', action: 's3:GetObject', identity: [allow('s3:*', '*', { Condition: { StringEqualsIfExists: { 'aws:SourceVpce': 'vpce-1' } } })], expected: 'allowed' },
  { because: 'without IfExists an absent key holds nothing', source: 'elements', action: 's3:GetObject', identity: [allow('s3:*', '*', { Condition: { StringEquals: { 'aws:SourceVpce': 'vpce-1' } } })], expected: 'denied' },
  { because: 'a past date', source: 'elements', action: 's3:GetObject', identity: [allow('s3:*', '*', { Condition: { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } } })], expected: 'denied' },
  { because: 'aws:PrincipalArn is the role, not the session', source: 'elements', action: 's3:GetObject', identity: [allow('s3:*', '*', { Condition: { ArnEquals: { 'aws:PrincipalArn': '{role}' } } })], expected: 'allowed' },
  { because: 'iam:PolicyARN pins what may be attached', source: 'elements', action: 'iam:AttachRolePolicy', identity: [allow('iam:AttachRolePolicy', '*', { Condition: { ArnEquals: { 'iam:PolicyARN': '{limit}' } } })], expected: 'allowed' },
  { because: 'another policy is pinned', source: 'elements', action: 'iam:AttachRolePolicy', identity: [allow('iam:AttachRolePolicy', '*', { Condition: { ArnEquals: { 'iam:PolicyARN': `arn:aws:iam::${ACCOUNT}:policy/other` } } })], expected: 'denied' },
  { because: 'a role may be made with the required boundary', source: 'elements', action: 'iam:CreateRole with boundary', identity: [allow('iam:CreateRole', `arn:aws:iam::${ACCOUNT}:role/target-*`, { Condition: { StringEquals: { 'iam:PermissionsBoundary': '{limit}' } } })], expected: 'allowed' },
  { because: 'and not without it', source: 'elements', action: 'iam:CreateRole', identity: [allow('iam:CreateRole', `arn:aws:iam::${ACCOUNT}:role/target-*`, { Condition: { StringEquals: { 'iam:PermissionsBoundary': '{limit}' } } })], expected: 'denied' },
  { because: 'a short ARN is completed with wildcards', source: 'elements', action: 'logs:DescribeLogStreams', identity: [allow('logs:Describe*', 'arn:aws:logs:*')], expected: 'allowed' },
  { because: 'another log group', source: 'elements', action: 'logs:DescribeLogStreams', identity: [allow('logs:*', `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:airflow-other-*`)], expected: 'denied' },
  // Boundaries and session policies
  { because: 'a boundary limits', source: 'eval', action: 's3:GetObject', identity: ALL, boundary: [allow('iam:*')], expected: 'denied', reason: /because no permissions boundary allows the s3:GetObject action/u },
  { because: 'a boundary grants nothing', source: 'eval', action: 'iam:GetRole', boundary: ALL, expected: 'denied', reason: /no identity-based policy/u },
  { because: 'boundary and identity policy allow', source: 'eval', action: 'iam:GetRole', identity: ALL, boundary: [allow('iam:Get*')], expected: 'allowed' },
  { because: 'a session policy limits', source: 'eval', action: 's3:PutObject', identity: ALL, session: READ, expected: 'denied', reason: /because no session policy allows the s3:PutObject action/u },
  { because: 'what the session policy leaves is allowed', source: 'eval', action: 's3:GetObject', identity: ALL, session: READ, expected: 'allowed' },
  // Bucket policies
  { because: 'a bucket policy that names the role is enough', source: 'eval', action: 's3:GetObject', bucketPolicy: [to({ AWS: '{role}' })], expected: 'allowed' },
  { because: 'what is given to the role is limited by its boundary', source: 'eval', action: 's3:GetObject', boundary: [allow('iam:*')], bucketPolicy: [to({ AWS: '{role}' })], expected: 'denied', reason: /no permissions boundary/u },
  { because: 'what is given to the session is not', source: 'eval', action: 's3:GetObject', boundary: [allow('iam:*')], bucketPolicy: [to({ AWS: '{session}' })], expected: 'allowed' },
  { because: 'naming the account lets its own policies decide', source: 'eval', action: 's3:GetObject', bucketPolicy: [to({ AWS: ACCOUNT })], expected: 'denied' },
  { because: 'a bucket policy denies whatever the role may', source: 'eval', action: 's3:PutObject', identity: ALL, bucketPolicy: [{ Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: OBJECTS, Condition: { StringNotEquals: { 's3:x-amz-server-side-encryption': 'aws:kms' } } }], expected: 'denied', reason: /with an explicit deny in a resource-based policy/u },
  { because: 'Deny of what is not TLS does not hit TLS', source: 'eval', action: 's3:GetObject', identity: READ, bucketPolicy: [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: OBJECTS, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }], expected: 'allowed' },
  { because: 'the other account has to allow too', source: 'eval', action: 's3:GetObject of the other account', identity: ALL, expected: 'denied' },
  { because: 'the own account has to allow too', source: 'eval', action: 's3:GetObject of the other account', bucketPolicy: [to({ AWS: '{role}' })], expected: 'denied' },
  { because: 'both accounts allow', source: 'eval', action: 's3:GetObject of the other account', identity: [allow('s3:GetObject', 'arn:aws:s3:::{shared}/*')], bucketPolicy: [to({ AWS: '{role}' })], expected: 'allowed' },
  // Key policies and trust policies
  { because: 'the key policy hands over to the account', source: 'kms', action: 'kms:GenerateDataKey', identity: [allow('kms:GenerateDataKey', '{key}')], keyPolicy: [DELEGATES], expected: 'allowed' },
  { because: 'handing over is not allowing', source: 'kms', action: 'kms:GenerateDataKey', keyPolicy: [DELEGATES], expected: 'denied', reason: /no identity-based policy/u },
  { because: 'a closed key opens to no identity policy', source: 'kms', action: 'kms:GenerateDataKey', identity: ALL, keyPolicy: [CLOSED], expected: 'denied', reason: /no resource-based policy/u },
  { because: 'the key policy names the role', source: 'kms', action: 'kms:GenerateDataKey', keyPolicy: [CLOSED, { Effect: 'Allow', Principal: { AWS: '{role}' }, Action: 'kms:GenerateDataKey', Resource: '*' }], expected: 'allowed' },
  { because: 'the encryption context is another', source: 'kms', action: 'kms:GenerateDataKey', identity: [allow('kms:*', '*', { Condition: { StringEquals: { 'kms:EncryptionContext:table': 'variable' } } })], keyPolicy: [DELEGATES], expected: 'denied' },
  { because: 'only through S3', source: 'kms', action: 'kms:GenerateDataKey', identity: [allow('kms:*', '*', { Condition: { StringEquals: { 'kms:ViaService': `s3.${REGION}.amazonaws.com` } } })], keyPolicy: [DELEGATES], expected: 'denied' },
  { because: 'a trust policy that names the role is enough', source: 'eval', action: 'sts:AssumeRole', targetTrust: [{ Effect: 'Allow', Principal: { AWS: '{role}' }, Action: 'sts:AssumeRole' }], expected: 'allowed' },
  { because: 'being allowed to assume is not being trusted', source: 'eval', action: 'sts:AssumeRole', identity: ALL, targetTrust: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/starter` }, Action: 'sts:AssumeRole' }], expected: 'denied' },
  { because: 'an account that is trusted still decides itself', source: 'eval', action: 'sts:AssumeRole', targetTrust: [{ Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' }], expected: 'denied' },
];
