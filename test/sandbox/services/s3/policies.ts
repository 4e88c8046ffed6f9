/** Bucket policies: what S3 refuses to store, and which ones it calls public. */
import { AwsError, type PolicyDocument, type PolicyStatement } from '../../front/contract.js';
import { checkPolicy, LIMITS } from '../../iam/validate.js';
import { bucketArn } from './address.js';

const malformed = (message: string): AwsError => new AwsError('MalformedPolicy', message, 400);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

export const statementsOf = (document: PolicyDocument): readonly PolicyStatement[] =>
  listOf(document.Statement) as readonly PolicyStatement[];

/** What S3 looks up while it stores a policy. */
type Known = Readonly<{ bucket: string; principalExists: (value: string) => boolean }>;

/**
 * S3 looks each principal up: a role that was deleted, or is not there yet, makes the whole policy fail.
 * @throws AwsError MalformedPolicy, with AWS's own words
 */
export function parseBucketPolicy(text: string, { bucket, principalExists }: Known): PolicyDocument {
  if (Buffer.byteLength(text) > LIMITS.bucketPolicyBytes) throw malformed('Policy exceeds the maximum allowed document size.');
  if (!text.startsWith('{')) throw malformed("Policies must be valid JSON and the first byte must be '{'");
  const document = grammatical(text, principalExists);
  for (const statement of statementsOf(document)) checkStatement(statement, bucketArn(bucket));
  return document;
}

/** The grammar that all policies share; S3 has a code of its own for its breaches. */
function grammatical(text: string, principalExists: (value: string) => boolean): PolicyDocument {
  try {
    return checkPolicy(text, 'resource', principalExists);
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'MalformedPolicyDocument') throw error;
    throw malformed(error.message.startsWith('Invalid principal in policy') ? 'Invalid principal in policy' : error.message);
  }
}

function checkStatement(statement: PolicyStatement, bucket: string): void {
  const actions = listOf(statement.Action ?? statement.NotAction).map(String), resources = listOf(statement.Resource ?? statement.NotResource).map(String);
  if (!actions.every((action) => /^(?:\*|s3:[A-Za-z*?]+)$/iu.test(action))) throw malformed('Policy has invalid action');
  if (!resources.every((resource) => resource === bucket || resource === `${bucket}*` || resource.startsWith(`${bucket}/`))) throw malformed('Policy has invalid resource');
  if (statement.Action !== undefined && statement.Resource !== undefined && !actions.every((action) => resources.some((resource) => fits(action, resource))))
    throw malformed('Action does not apply to any resource(s) in statement');
  for (const key of Object.values((statement.Condition ?? {}) as Record<string, object>).flatMap((keys) => Object.keys(keys)))
    if (!/^(?:aws|s3|saml|sts|[a-z0-9.-]+\.[a-z]+(?:\/[^:]*)?):/iu.test(key)) throw malformed('Policy has an invalid condition key');
}

/** Whether an action and a resource speak of the same kind of thing; a wildcard in the action, or one that swallows the slash, fits both. */
function fits(action: string, resource: string): boolean {
  if (/[*?]/u.test(action) || !resource.includes('/') && resource.endsWith('*')) return true;
  const isOfObject = /^s3:(?:(?:Get|Put|Delete|Restore|Replicate|BypassGovernance)(?:Object|Retention|Delete|Tags)|AbortMultipartUpload$|ListMultipartUploadParts$|ObjectOwnerOverrideToBucketOwner$)/iu.test(action);
  return isOfObject === resource.includes('/');
}

/** Conditions that narrow "everybody" to fixed values: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
const NARROWING = ['aws:principalorgid', 'aws:principalorgpaths', 'aws:principalaccount', 'aws:principalarn', 'aws:sourceip', 'aws:sourcearn', 'aws:sourcevpc', 'aws:sourcevpce', 'aws:sourceowner',
  'aws:sourceaccount', 'aws:userid', 's3:dataaccesspointarn', 's3:dataaccesspointaccount', 's3:x-amz-server-side-encryption-aws-kms-key-id'];

/** Whether S3 calls the policy public: one Allow for everybody that no fixed value narrows. */
export function isPublicPolicy(document: PolicyDocument): boolean {
  return statementsOf(document).some((statement) => statement.Effect === 'Allow' && isForEverybody(statement) && !isNarrowed(statement.Condition));
}

function isForEverybody({ Principal: principal, NotPrincipal: not }: PolicyStatement): boolean {
  if (not !== undefined) return true;
  return principal === '*' || (typeof principal === 'object' && principal !== null && listOf((principal as Record<string, unknown>).AWS).includes('*'));
}

function isNarrowed(condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null) return false;
  return Object.entries(condition as Record<string, Record<string, unknown>>).some(([operator, keys]) =>
    /^(?:ForAnyValue:)?(?:String(?:Equals|EqualsIgnoreCase|Like)|Arn(?:Equals|Like)|IpAddress)$/u.test(operator)
    && Object.entries(keys).some(([key, values]) => NARROWING.includes(key.toLowerCase())
      && listOf(values).every((value) => isFixed(key.toLowerCase(), String(value)))));
}

function isFixed(key: string, value: string): boolean {
  if (key === 'aws:sourceip') return !/\/0$/u.test(value) && !value.includes('${');
  if (key === 's3:dataaccesspointarn') return /^arn:aws:s3:[^:]*:\d{12}:/u.test(value);
  return !/[*?]|\$\{/u.test(value);
}
