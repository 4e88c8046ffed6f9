/** Buckets as such: made, found, listed, deleted. */
import { AwsError, type FrontRequest, type FrontResponse } from '../../front/contract.js';
import { present } from './access.js';
import { bucketArn, isBucketName, type Address } from './address.js';
import { countOf, empty, invalidArgument, xml, type BucketCall, type Store } from './calls.js';
import { canonicalId, newBucket, type Bucket } from './state.js';
import { parseXml } from './xml.js';

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/u;

/**
 * The bucket of a request, before anybody asks for rights: 404, then the wrong region, then the wrong owner.
 * @throws AwsError NoSuchBucket, PermanentRedirect, AuthorizationHeaderMalformed, AccessDenied
 */
export function findBucket({ buckets }: Store, request: FrontRequest, address: Address, anyRegion: boolean): Bucket {
  const bucket = buckets.get(address.bucket!);
  if (bucket === undefined) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, { BucketName: address.bucket! });
  if (request.region !== bucket.region && request.principal.kind !== 'anonymous' && !anyRegion) throw wrongRegion(request, bucket, address);
  const expected = request.headers['x-amz-expected-bucket-owner'];
  if (expected !== undefined) expectOwner(bucket, expected, 'x-amz-expected-bucket-owner');
  return bucket;
}

/** @throws AwsError AccessDenied 403: somebody else owns a bucket of this name by now */
export function expectOwner(bucket: Bucket, expected: string, header: string): void {
  if (!/^\d{12}$/u.test(expected)) throw invalidArgument(header, expected, `The value specified in the ${header} header must be an AWS account ID`);
  if (expected !== bucket.account) throw new AwsError('AccessDenied', 'Access Denied', 403);
}

/** A name under the global host is routed to the bucket's region, whose servers refuse the signature; a regional endpoint redirects. */
function wrongRegion(request: FrontRequest, bucket: Bucket, address: Address): AwsError {
  if (address.style === 'virtual-host')
    return new AwsError('AuthorizationHeaderMalformed', `The authorization header is malformed; the region '${request.region}' is wrong; expecting '${bucket.region}'`, 400, { Region: bucket.region });
  return new AwsError('PermanentRedirect', 'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.', 301,
    { Endpoint: `${bucket.name}.s3.${bucket.region}.amazonaws.com`, Bucket: bucket.name });
}

export function createBucket(store: Store, request: FrontRequest, name: string): FrontResponse {
  const configuration = request.body.length === 0 ? undefined : parseXml(request.body, 'CreateBucketConfiguration');
  const constraint = configuration?.text('LocationConstraint') || undefined;
  const unsupported = configuration?.names.find((element) => element !== 'LocationConstraint');
  if (unsupported !== undefined) throw new AwsError('NotImplemented', `The sandbox's S3 does not know CreateBucketConfiguration/${unsupported}.`, 501);
  if (!isBucketName(name)) throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, { BucketName: name });
  store.access.requireIdentity(request, 's3:CreateBucket', bucketArn(name),
    { ...present('s3:locationconstraint', constraint), ...present('s3:x-amz-acl', request.headers['x-amz-acl']), ...present('s3:x-amz-object-ownership', request.headers['x-amz-object-ownership']) });
  refuseBucketHeaders(request);
  const region = regionOfNewBucket(request.region, constraint);
  const { account } = request.principal as { account: string };
  const before = store.buckets.get(name);
  if (before !== undefined && before.account !== account)
    throw new AwsError('BucketAlreadyExists', 'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.', 409, { BucketName: name });
  // us-east-1 alone keeps the old answer "200" when the owner creates his bucket again.
  if (before !== undefined && !(before.region === 'us-east-1' && region === 'us-east-1'))
    throw new AwsError('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.', 409, { BucketName: name });
  if (before === undefined) store.buckets.set(name, newBucket(name, account, region, store.now()));
  return empty(200, { location: `/${name}`, 'x-amz-bucket-arn': bucketArn(name) });
}

function regionOfNewBucket(endpoint: string, constraint: string | undefined): string {
  if (constraint === undefined) {
    if (endpoint === 'us-east-1') return endpoint;
    throw new AwsError('IllegalLocationConstraintException', 'The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.', 400);
  }
  const region = constraint === 'EU' ? 'eu-west-1' : constraint;
  if (region === 'us-east-1' || !REGION.test(region)) throw new AwsError('InvalidLocationConstraint', 'The specified location-constraint is not valid', 400, { LocationConstraint: constraint });
  if (endpoint !== 'us-east-1' && endpoint !== region)
    throw new AwsError('IllegalLocationConstraintException', `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`, 400);
  return region;
}

function refuseBucketHeaders({ headers }: FrontRequest): void {
  if (headers['x-amz-acl'] !== undefined && headers['x-amz-acl'] !== 'private')
    throw new AwsError('InvalidBucketAclWithObjectOwnership', 'Bucket cannot have ACLs set with ObjectOwnership\'s BucketOwnerEnforced setting', 400);
  if ((headers['x-amz-object-ownership'] ?? 'BucketOwnerEnforced') !== 'BucketOwnerEnforced') throw new AwsError('NotImplemented', "The sandbox's S3 knows the object ownership BucketOwnerEnforced only.", 501);
  if (headers['x-amz-bucket-object-lock-enabled'] === 'true') throw new AwsError('NotImplemented', "The sandbox's S3 does not know Object Lock.", 501);
}

export function headBucket({ access }: Store, { request, bucket }: BucketCall): FrontResponse {
  access.require({ request, action: 's3:ListBucket', bucket });
  return empty(200, { 'x-amz-bucket-region': bucket.region, 'x-amz-bucket-arn': bucketArn(bucket.name), 'x-amz-access-point-alias': 'false' });
}

export function getBucketLocation({ access }: Store, { request, bucket }: BucketCall): FrontResponse {
  access.require({ request, action: 's3:GetBucketLocation', bucket });
  const location = bucket.region === 'us-east-1' ? '' : bucket.region;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${location}</LocationConstraint>` };
}

export function deleteBucket({ access, buckets }: Store, { request, bucket }: BucketCall): FrontResponse {
  access.require({ request, action: 's3:DeleteBucket', bucket });
  if (bucket.versions.size > 0) {
    const text = bucket.versioning === undefined ? 'The bucket you tried to delete is not empty' : 'The bucket you tried to delete is not empty. You must delete all versions in the bucket.';
    throw new AwsError('BucketNotEmpty', text, 409, { BucketName: bucket.name });
  }
  buckets.delete(bucket.name);
  return empty(204);
}

export function listBuckets(store: Store, request: FrontRequest): FrontResponse {
  store.access.requireIdentity(request, 's3:ListAllMyBuckets', '*');
  const { account } = request.principal as { account: string };
  const { query } = request, prefix = query.get('prefix') ?? '', region = query.get('bucket-region');
  const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString('utf8');
  const most = countOf(query, 'max-buckets', 10_000);
  const found = [...store.buckets.values()].filter((bucket) => bucket.account === account && bucket.name.startsWith(prefix) && bucket.name > after && (region === null || bucket.region === region))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
  const page = found.slice(0, most), last = page.at(-1);
  return xml('ListAllMyBucketsResult', {
    Owner: { ID: canonicalId(account) },
    Buckets: { Bucket: page.map(({ name, created, region: where }) => ({ Name: name, CreationDate: created, BucketRegion: where, BucketArn: bucketArn(name) })) },
    ContinuationToken: found.length > page.length && last !== undefined ? Buffer.from(last.name).toString('base64') : undefined,
    Prefix: prefix || undefined,
  });
}
