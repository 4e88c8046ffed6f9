/** S3's authorisation: identity and bucket policy together, with S3's condition keys. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html */
import { AwsError, type FrontRequest, type World } from '../../front/contract.js';
import { bucketArn, objectArn } from './address.js';
import type { Bucket, Tags } from './state.js';

export type Context = Readonly<Record<string, readonly string[]>>;
type Question = Readonly<{ request: FrontRequest; action: string; bucket: Bucket; key?: string | undefined; context?: Context }>;
export type Access = ReturnType<typeof createAccess>;

export function createAccess({ authorizer }: Pick<World, 'authorizer'>) {
  const ask = ({ request, action, bucket, key, context }: Question) => ({
    principal: request.principal, action, resource: key === undefined ? bucketArn(bucket.name) : objectArn(bucket.name, key),
    resourceAccount: bucket.account, resourcePolicy: bucket.policy?.document,
    context: { ...requestContext(request, bucket), ...context },
  });

  /** RestrictPublicBuckets: under a public policy only the owner's account and AWS's own services get in. */
  const isRestricted = ({ request: { principal }, bucket }: Question): boolean =>
    bucket.publicAccessBlock?.RestrictPublicBuckets === true && bucket.policy?.isPublic === true
    && principal.kind !== 'service' && (principal.kind === 'anonymous' || principal.account !== bucket.account);

  return {
    /** @throws AwsError AccessDenied, 403 */
    require(question: Question): void {
      if (isRestricted(question)) throw accessDenied();
      authorizer.require(ask(question));
    },
    allows(question: Question): boolean {
      return !isRestricted(question) && authorizer.allows(ask(question));
    },
    /** ListAllMyBuckets and CreateBucket, which no bucket's policy decides. */
    requireIdentity(request: FrontRequest, action: string, resource: string, context: Context = {}): void {
      if (request.principal.kind === 'anonymous') throw accessDenied();
      authorizer.require({ principal: request.principal, action, resource, resourceAccount: request.principal.account, context });
    },
    /** What S3 answers for an object that is not there: the truth only to those who may list the bucket. */
    missing(request: FrontRequest, bucket: Bucket, error: AwsError): AwsError {
      return this.allows({ request, action: 's3:ListBucket', bucket }) ? error : accessDenied();
    },
  };
}

export const accessDenied = (): AwsError => new AwsError('AccessDenied', 'Access Denied', 403);

function requestContext(request: FrontRequest, bucket: Bucket): Context {
  const presigned = request.query.has('X-Amz-Signature');
  return {
    's3:resourceaccount': [bucket.account],
    's3:authtype': [presigned ? 'REST-QUERY-STRING' : 'REST-HEADER'],
    's3:signatureversion': ['AWS4-HMAC-SHA256'],
    ...present('s3:x-amz-content-sha256', request.headers['x-amz-content-sha256']),
  };
}

/** A condition key exists only when the request carries the value. */
export function present(key: string, value: string | undefined | null): Context {
  return value === undefined || value === null ? {} : { [key]: [value] };
}

/** Keys of the headers of PutObject, CopyObject and CreateMultipartUpload. */
export function writeContext(headers: Readonly<Record<string, string>>, region: string, account: string, tags: Tags | undefined): Context {
  const fromHeader = ['x-amz-acl', 'x-amz-copy-source', 'x-amz-metadata-directive', 'x-amz-storage-class', 'x-amz-server-side-encryption',
    'x-amz-server-side-encryption-customer-algorithm', 'x-amz-website-redirect-location'];
  const key = headers['x-amz-server-side-encryption-aws-kms-key-id'];
  const keyArn = key === undefined || key.startsWith('arn:') ? key : `arn:aws:kms:${region}:${account}:${key.startsWith('alias/') ? key : `key/${key}`}`;
  return Object.assign({}, ...fromHeader.map((name) => present(`s3:${name}`, headers[name])),
    present('s3:x-amz-server-side-encryption-aws-kms-key-id', keyArn),
    present('s3:if-none-match', headers['if-none-match']), present('s3:if-match', headers['if-match']),
    requestTags(tags)) as Context;
}

export function requestTags(tags: Tags | undefined): Context {
  if (tags === undefined || tags.size === 0) return {};
  const each = [...tags].map(([name, value]) => [`s3:requestobjecttag/${name.toLowerCase()}`, [value]] as const);
  return { ...Object.fromEntries(each), 's3:requestobjecttagkeys': [...tags.keys()] };
}

export function existingTags(tags: Tags | undefined): Context {
  return Object.fromEntries([...(tags ?? [])].map(([name, value]) => [`s3:existingobjecttag/${name.toLowerCase()}`, [value]]));
}
