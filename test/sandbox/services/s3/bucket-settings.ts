/** Sub-resources of a bucket: versioning, default encryption, public access, policy, tags, ownership, lifecycle. */
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { empty, xml, type BucketCall, type Store } from './calls.js';
import { isPublicPolicy, parseBucketPolicy } from './policies.js';
import { ALL_BLOCKED, type EncryptionRule, type PublicAccessBlock } from './state.js';
import { tagSet, tagsOfBody } from './tags.js';
import { malformedXml, parseXml } from './xml.js';

type Handler = (store: Store, call: BucketCall) => FrontResponse;
const allowed = (action: string, handler: Handler): Handler => (store, call) => {
  store.access.require({ ...call, action });
  return handler(store, call);
};

export const getBucketVersioning = allowed('s3:GetBucketVersioning', (_, { bucket }) => xml('VersioningConfiguration', { Status: bucket.versioning }));

export const putBucketVersioning = allowed('s3:PutBucketVersioning', (_, { request, bucket }) => {
  const configuration = parseXml(request.body, 'VersioningConfiguration'), status = configuration.text('Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw malformedXml();
  if (configuration.text('MfaDelete') === 'Enabled') throw new AwsError('NotImplemented', "The sandbox's S3 does not know MFA delete.", 501);
  bucket.versioning = status;
  return empty();
});

export const getBucketEncryption = allowed('s3:GetEncryptionConfiguration', (_, { bucket: { encryption } }) => xml('ServerSideEncryptionConfiguration', {
  Rule: {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: encryption.algorithm, KMSMasterKeyID: encryption.key },
    BucketKeyEnabled: encryption.bucketKey ?? false,
  },
}));

/** A key is not looked up here: AWS too finds out with the first write. */
export const putBucketEncryption = allowed('s3:PutEncryptionConfiguration', (_, { request, bucket }) => {
  const rules = parseXml(request.body, 'ServerSideEncryptionConfiguration').list('Rule'), byDefault = rules[0]?.child('ApplyServerSideEncryptionByDefault');
  if (rules.length !== 1 || byDefault === undefined) throw malformedXml();
  const algorithm = byDefault.text('SSEAlgorithm'), key = byDefault.text('KMSMasterKeyID');
  if (algorithm === 'aws:kms:dsse') throw new AwsError('NotImplemented', "The sandbox's S3 does not know aws:kms:dsse.", 501);
  if (algorithm !== 'AES256' && algorithm !== 'aws:kms') throw malformedXml();
  if (algorithm === 'AES256' && key !== undefined) throw new AwsError('InvalidArgument', 'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse', 400, { ArgumentName: 'ApplyServerSideEncryptionByDefault' });
  const rule: EncryptionRule = { algorithm, key, bucketKey: rules[0]!.text('BucketKeyEnabled') === 'true' };
  bucket.encryption = rule;
  return empty();
});

/** Back to SSE-S3, which no bucket can lose. */
export const deleteBucketEncryption = allowed('s3:PutEncryptionConfiguration', (_, { bucket }) => {
  bucket.encryption = { algorithm: 'AES256', key: undefined, bucketKey: false };
  return empty(204);
});

export const getPublicAccessBlock = allowed('s3:GetBucketPublicAccessBlock', (_, { bucket }) => {
  if (bucket.publicAccessBlock === undefined) throw new AwsError('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found', 404, { BucketName: bucket.name });
  return xml('PublicAccessBlockConfiguration', bucket.publicAccessBlock);
});

export const putPublicAccessBlock = allowed('s3:PutBucketPublicAccessBlock', (_, { request, bucket }) => {
  const configuration = parseXml(request.body, 'PublicAccessBlockConfiguration');
  const settings = Object.keys(ALL_BLOCKED).map((name) => [name, configuration.text(name)?.toLowerCase() === 'true'] as const);
  bucket.publicAccessBlock = Object.fromEntries(settings) as unknown as PublicAccessBlock;
  return empty();
});

export const deletePublicAccessBlock = allowed('s3:PutBucketPublicAccessBlock', (_, { bucket }) => {
  bucket.publicAccessBlock = undefined;
  return empty(204);
});

/** Only the owner's account may, and its root always may: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
const onPolicy = (action: string, handler: Handler): Handler => (store, call) => {
  const { request: { principal }, bucket } = call;
  if (!(principal.kind === 'root' && principal.account === bucket.account)) store.access.require({ ...call, action });
  if (principal.kind === 'anonymous' || principal.account !== bucket.account)
    throw new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, { Method: call.request.method, ResourceType: 'BUCKETPOLICY' });
  return handler(store, call);
};

const noPolicy = (name: string): AwsError => new AwsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404, { BucketName: name });

export const getBucketPolicy = onPolicy('s3:GetBucketPolicy', (_, { bucket }) => {
  if (bucket.policy === undefined) throw noPolicy(bucket.name);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: bucket.policy.text };
});

export const putBucketPolicy = onPolicy('s3:PutBucketPolicy', ({ world }, { request, bucket }) => {
  const text = request.body.toString('utf8');
  const document = parseBucketPolicy(text, { bucket: bucket.name, principalExists: (value) => world.identities.principalExists(value) });
  const isPublic = isPublicPolicy(document);
  if (isPublic && bucket.publicAccessBlock?.BlockPublicPolicy === true) {
    const who = request.principal.kind === 'anonymous' ? 'anonymous' : request.principal.arn;
    throw new AwsError('AccessDenied', `User: ${who} is not authorized to perform: s3:PutBucketPolicy on resource: "arn:aws:s3:::${bucket.name}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`, 403);
  }
  bucket.policy = { text, document, isPublic };
  return empty(204);
});

export const deleteBucketPolicy = onPolicy('s3:DeleteBucketPolicy', (_, { bucket }) => {
  bucket.policy = undefined;
  return empty(204);
});

export const getBucketPolicyStatus = allowed('s3:GetBucketPolicyStatus', (_, { bucket }) => {
  if (bucket.policy === undefined) throw noPolicy(bucket.name);
  return xml('PolicyStatus', { IsPublic: bucket.policy.isPublic });
});

export const getBucketTagging = allowed('s3:GetBucketTagging', (_, { bucket }) => {
  if (bucket.tags === undefined) throw new AwsError('NoSuchTagSet', 'The TagSet does not exist', 404, { BucketName: bucket.name });
  return xml('Tagging', tagSet(bucket.tags));
});

export const putBucketTagging = allowed('s3:PutBucketTagging', (_, { request, bucket }) => {
  bucket.tags = tagsOfBody(request.body, 'bucket');
  return empty(204);
});

export const deleteBucketTagging = allowed('s3:PutBucketTagging', (_, { bucket }) => {
  bucket.tags = undefined;
  return empty(204);
});

export const getBucketOwnershipControls = allowed('s3:GetBucketOwnershipControls', () => xml('OwnershipControls', { Rule: { ObjectOwnership: 'BucketOwnerEnforced' } }));

export const getBucketLifecycle = allowed('s3:GetLifecycleConfiguration', (_, { bucket }) => {
  if (bucket.lifecycle === undefined) throw new AwsError('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist', 404, { BucketName: bucket.name });
  return { status: 200, headers: { 'content-type': 'application/xml', 'x-amz-transition-default-minimum-object-size': 'all_storage_classes_128K' }, body: bucket.lifecycle };
});

const LIFECYCLE_ACTIONS = ['Expiration', 'Transition', 'NoncurrentVersionExpiration', 'NoncurrentVersionTransition', 'AbortIncompleteMultipartUpload'];

/** The rules are kept and shown; nothing expires, because no test waits for days. */
export const putBucketLifecycle = allowed('s3:PutLifecycleConfiguration', (_, { request, bucket }) => {
  const rules = parseXml(request.body, 'LifecycleConfiguration').list('Rule');
  if (rules.length === 0 || rules.length > 1000) throw malformedXml();
  const ids = rules.map((rule) => rule.text('ID')).filter((id) => id !== undefined);
  if (new Set(ids).size !== ids.length) throw new AwsError('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule', 400);
  for (const rule of rules) {
    if (!['Enabled', 'Disabled'].includes(rule.text('Status') ?? '')) throw malformedXml();
    if ((rule.child('Filter') === undefined) === (rule.child('Prefix') === undefined)) throw malformedXml();
    if (!LIFECYCLE_ACTIONS.some((action) => rule.child(action) !== undefined)) throw new AwsError('InvalidRequest', 'At least one action needs to be specified in a rule', 400);
  }
  bucket.lifecycle = request.body.toString('utf8');
  return empty();
});

export const deleteBucketLifecycle = allowed('s3:PutLifecycleConfiguration', (_, { bucket }) => {
  bucket.lifecycle = undefined;
  return empty(204);
});
