/** One call of every operation that the AWS front knows, aimed at what is really there, so that only a missing permission can make it fail. */
export type Call = readonly [service: string, operation: string, parameters: Readonly<Record<string, unknown>>];

export type There = Readonly<{
  account: string; region: string;
  /** Environments by name; the target exists too, by record or not at all. */
  source: string; target: string;
  dagBucket: string; migrationBucket: string; prefix: string;
  executionRole: string; policy: string; provider: string;
  key: string;
  /** Made with the key, base64. */
  ciphertext: string;
  /** Of the key. */
  grant: string;
}>;

/** By service as boto3 calls it, then by operation. */
export function everyCall(there: There): readonly Call[] {
  const { account, region, source, target, dagBucket, migrationBucket, prefix, executionRole, policy, provider, key, ciphertext, grant } = there;
  const RoleName = executionRole.split('/').at(-1), logGroupName = `airflow-${source}-Task`, group = { logGroupName };
  const stream = { ...group, logStreamName: 'dag_id=a/run_id=b/task_id=c/attempt=1.log' };
  const arnOfGroup = `arn:aws:logs:${region}:${account}:log-group:${logGroupName}`, environmentArn = `arn:aws:airflow:${region}:${account}:environment/${source}`;
  const open = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
  const trust = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: `arn:aws:iam::${account}:root` } }] });
  const bucketPolicy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 's3:GetObject', Resource: `arn:aws:s3:::${dagBucket}/*` }] });
  const creation = {
    Name: target, SourceBucketArn: `arn:aws:s3:::${dagBucket}`, DagS3Path: 'v2/dags', ExecutionRoleArn: executionRole, AirflowVersion: '2.10.3', Tags: { team: 'x' },
    NetworkConfiguration: { SubnetIds: ['subnet-sandbox-a', 'subnet-sandbox-b'], SecurityGroupIds: ['sg-sandbox'] },
  };
  const dag = { Bucket: dagBucket, Key: 'dags/report.py' }, requirements = { Bucket: dagBucket, Key: 'requirements.txt' }, rows = { Bucket: migrationBucket, Key: `${prefix}1/export/variable.csv.gz` }, Bucket = dagBucket;
  const journal = { Bucket: migrationBucket, Key: `${prefix}journal.json` };
  const part = { ...dag, UploadId: 'upload', PartNumber: 1 };
  const calls = (service: string, operations: Readonly<Record<string, Readonly<Record<string, unknown>>>>): readonly Call[] => Object.entries(operations).map(([operation, parameters]) => [service, operation, parameters]);
  return [
    ...calls('s3', {
      ListBuckets: {}, CreateBucket: { Bucket: 'mwaa-migration-new', CreateBucketConfiguration: { LocationConstraint: region } }, DeleteBucket: { Bucket }, HeadBucket: { Bucket }, GetBucketLocation: { Bucket },
      GetBucketVersioning: { Bucket }, PutBucketVersioning: { Bucket, VersioningConfiguration: { Status: 'Suspended' } }, GetBucketEncryption: { Bucket }, DeleteBucketEncryption: { Bucket },
      PutBucketEncryption: { Bucket, ServerSideEncryptionConfiguration: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] } }, GetPublicAccessBlock: { Bucket }, DeletePublicAccessBlock: { Bucket },
      PutPublicAccessBlock: { Bucket, PublicAccessBlockConfiguration: { BlockPublicAcls: false } }, GetBucketPolicy: { Bucket }, PutBucketPolicy: { Bucket, Policy: bucketPolicy }, DeleteBucketPolicy: { Bucket }, GetBucketPolicyStatus: { Bucket },
      GetBucketTagging: { Bucket }, PutBucketTagging: { Bucket, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }, DeleteBucketTagging: { Bucket }, GetBucketOwnershipControls: { Bucket }, GetBucketLifecycleConfiguration: { Bucket },
      PutBucketLifecycleConfiguration: { Bucket, LifecycleConfiguration: { Rules: [{ ID: 'a', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } }] } }, DeleteBucketLifecycle: { Bucket },
      ListObjects: { Bucket }, ListObjectsV2: { Bucket }, ListObjectVersions: { Bucket }, ListMultipartUploads: { Bucket }, DeleteObjects: { Bucket, Delete: { Objects: [{ Key: dag.Key }] } },
      PutObject: { ...dag, Body: 'x' }, CopyObject: { ...dag, CopySource: requirements }, GetObject: dag, HeadObject: dag, DeleteObject: dag, GetObjectAttributes: { ...dag, ObjectAttributes: ['ETag'] }, GetObjectTagging: dag,
      PutObjectTagging: { ...dag, Tagging: { TagSet: [] } }, DeleteObjectTagging: dag, CreateMultipartUpload: dag, UploadPart: { ...part, Body: 'x' }, UploadPartCopy: { ...part, CopySource: requirements },
      CompleteMultipartUpload: { ...dag, UploadId: 'upload', MultipartUpload: { Parts: [{ ETag: 'a', PartNumber: 1 }] } }, AbortMultipartUpload: { ...dag, UploadId: 'upload' }, ListParts: { ...dag, UploadId: 'upload' },
    }),
    // The same operations where the answer depends on the object.
    ['s3', 'GetObject', requirements], ['s3', 'GetObject', journal], ['s3', 'HeadObject', journal], ['s3', 'GetObject', rows], ['s3', 'HeadObject', rows], ['s3', 'PutObject', { ...journal, Body: '{}' }], ['s3', 'DeleteObject', journal], ['s3', 'DeleteObject', rows],
    ['s3', 'CopyObject', { ...journal, CopySource: rows }], ['s3', 'ListObjectsV2', { Bucket: migrationBucket }],
    ...calls('iam', {
      CreateRole: { RoleName: 'mwaa-migrate-x', AssumeRolePolicyDocument: trust }, GetRole: { RoleName }, ListRoles: {}, UpdateRole: { RoleName, Description: 'x' }, UpdateAssumeRolePolicy: { RoleName, PolicyDocument: trust }, DeleteRole: { RoleName },
      TagRole: { RoleName, Tags: [{ Key: 'a', Value: 'b' }] }, UntagRole: { RoleName, TagKeys: ['a'] }, ListRoleTags: { RoleName }, PutRolePermissionsBoundary: { RoleName, PermissionsBoundary: policy }, DeleteRolePermissionsBoundary: { RoleName },
      PutRolePolicy: { RoleName, PolicyName: 'own', PolicyDocument: open }, GetRolePolicy: { RoleName, PolicyName: 'own' }, ListRolePolicies: { RoleName }, DeleteRolePolicy: { RoleName, PolicyName: 'own' }, AttachRolePolicy: { RoleName, PolicyArn: policy },
      DetachRolePolicy: { RoleName, PolicyArn: policy }, ListAttachedRolePolicies: { RoleName }, CreatePolicy: { PolicyName: 'x', PolicyDocument: open }, GetPolicy: { PolicyArn: policy }, GetPolicyVersion: { PolicyArn: policy, VersionId: 'v1' },
      DeletePolicy: { PolicyArn: policy }, CreateOpenIDConnectProvider: { Url: 'https://evil.example', ClientIDList: ['sts.amazonaws.com'] }, GetOpenIDConnectProvider: { OpenIDConnectProviderArn: provider }, ListOpenIDConnectProviders: {},
      GetAccountAuthorizationDetails: {}, SimulatePrincipalPolicy: { PolicySourceArn: executionRole, ActionNames: ['s3:GetObject'] },
    }),
    ...calls('kms', {
      CreateKey: {}, DescribeKey: { KeyId: key }, GetKeyPolicy: { KeyId: key, PolicyName: 'default' }, ListKeyPolicies: { KeyId: key }, PutKeyPolicy: { KeyId: key, PolicyName: 'default', Policy: open }, EnableKey: { KeyId: key }, DisableKey: { KeyId: key },
      ScheduleKeyDeletion: { KeyId: key }, CancelKeyDeletion: { KeyId: key }, CreateAlias: { AliasName: 'alias/x', TargetKeyId: key }, ListAliases: {}, CreateGrant: { KeyId: key, GranteePrincipal: executionRole, Operations: ['Decrypt'] }, ListGrants: { KeyId: key },
      RevokeGrant: { KeyId: key, GrantId: grant }, RetireGrant: { KeyId: key, GrantId: grant }, Encrypt: { KeyId: key, Plaintext: 'x' }, Decrypt: { CiphertextBlob: { base64: ciphertext }, KeyId: key }, GenerateDataKey: { KeyId: key, KeySpec: 'AES_256' },
      GenerateDataKeyWithoutPlaintext: { KeyId: key, KeySpec: 'AES_256' },
    }),
    ...calls('logs', {
      CreateLogGroup: { logGroupName: 'x' }, DescribeLogGroups: {}, DeleteLogGroup: group, PutRetentionPolicy: { ...group, retentionInDays: 1 }, DeleteRetentionPolicy: group, AssociateKmsKey: { ...group, kmsKeyId: key }, DisassociateKmsKey: group,
      TagResource: { resourceArn: arnOfGroup, tags: { a: 'b' } }, UntagResource: { resourceArn: arnOfGroup, tagKeys: ['a'] }, ListTagsForResource: { resourceArn: arnOfGroup }, CreateLogStream: stream, DescribeLogStreams: group, DeleteLogStream: stream,
      PutLogEvents: { ...stream, logEvents: [{ timestamp: 1, message: 'x' }] }, GetLogEvents: stream, FilterLogEvents: group, PutMetricFilter: { ...group, filterName: 'a', filterPattern: '', metricTransformations: [{ metricName: 'a', metricNamespace: 'b', metricValue: '1' }] },
      DescribeMetricFilters: group, PutSubscriptionFilter: { ...group, filterName: 'a', filterPattern: '', destinationArn: `arn:aws:lambda:${region}:${account}:function:x` }, DescribeSubscriptionFilters: group,
    }),
    ...calls('mwaa', {
      CreateEnvironment: creation, GetEnvironment: { Name: source }, ListEnvironments: {}, UpdateEnvironment: { Name: source, MaxWorkers: 3 }, DeleteEnvironment: { Name: source }, CreateCliToken: { Name: source }, CreateWebLoginToken: { Name: source },
      ListTagsForResource: { ResourceArn: environmentArn }, TagResource: { ResourceArn: environmentArn, Tags: { a: 'b' } }, UntagResource: { ResourceArn: environmentArn, tagKeys: ['a'] }, InvokeRestApi: { Name: source, Path: '/dags', Method: 'GET' },
    }),
    ...calls('sts', { GetCallerIdentity: {}, AssumeRole: { RoleArn: executionRole, RoleSessionName: 'test' } }),
  ];
}

/** What the plan role may do, and why; every other call is denied. */
export const ALLOWED: readonly string[] = [
  's3 HeadBucket acme-dags', 's3 ListObjects acme-dags', 's3 ListObjectsV2 acme-dags', 's3 ListObjectsV2 mwaa-migration-test', // names and sizes
  's3 GetBucketVersioning acme-dags', 's3 GetPublicAccessBlock acme-dags', 's3 ListObjectVersions acme-dags', // whether MWAA would take the bucket
  's3 GetObject acme-dags/requirements.txt', // what the target could not install
  's3 GetObject mwaa-migration-test/*journal.json', 's3 HeadObject mwaa-migration-test/*journal.json', // where the migration stands
  'iam GetRole', 'iam GetRolePolicy', 'iam ListRolePolicies', 'iam ListAttachedRolePolicies', 'iam GetPolicy', 'iam GetPolicyVersion', // the role that is cloned
  'logs DescribeLogGroups', 'logs DescribeMetricFilters', 'logs DescribeSubscriptionFilters', // what hangs on the old log groups
  'mwaa GetEnvironment', 'mwaa ListEnvironments', 'mwaa InvokeRestApi', // the environments, and Airflow as Viewer
  'sts GetCallerIdentity', // needs no permission at all
];

/** A call in the words of ALLOWED. */
export function wordsOf([service, operation, parameters]: Call, prefix: string): string {
  const { Bucket, Key } = parameters as Readonly<{ Bucket?: string; Key?: string }>;
  return `${service} ${operation}${service === 's3' && Bucket ? ` ${Bucket}${Key ? `/${Key.replace(prefix, '*')}` : ''}` : ''}`;
}
