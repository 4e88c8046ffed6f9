/** Which operation a request is. What is not in the table is refused by name, never answered with success. */
import { AwsError, type FrontRequest } from '../../front/contract.js';
import type { Address } from './address.js';

export type Level = 'service' | 'bucket' | 'object';
type Shape = Readonly<{
  method: string; level: Level;
  /** Parameters whose presence selects the operation. */
  selects?: readonly string[];
  /** Parameters it understands besides. */
  allows?: readonly string[];
  /** Header that selects it. */
  header?: string;
}>;

const RESPONSE_OVERRIDES = ['response-content-type', 'response-content-language', 'response-expires', 'response-cache-control', 'response-content-disposition', 'response-content-encoding'];
const LISTING = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];

export const OPERATIONS = {
  ListBuckets: { method: 'GET', level: 'service', allows: ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'] },
  CreateBucket: { method: 'PUT', level: 'bucket' },
  DeleteBucket: { method: 'DELETE', level: 'bucket' },
  HeadBucket: { method: 'HEAD', level: 'bucket' },
  GetBucketLocation: { method: 'GET', level: 'bucket', selects: ['location'] },
  GetBucketVersioning: { method: 'GET', level: 'bucket', selects: ['versioning'] },
  PutBucketVersioning: { method: 'PUT', level: 'bucket', selects: ['versioning'] },
  GetBucketEncryption: { method: 'GET', level: 'bucket', selects: ['encryption'] },
  PutBucketEncryption: { method: 'PUT', level: 'bucket', selects: ['encryption'] },
  DeleteBucketEncryption: { method: 'DELETE', level: 'bucket', selects: ['encryption'] },
  GetPublicAccessBlock: { method: 'GET', level: 'bucket', selects: ['publicAccessBlock'] },
  PutPublicAccessBlock: { method: 'PUT', level: 'bucket', selects: ['publicAccessBlock'] },
  DeletePublicAccessBlock: { method: 'DELETE', level: 'bucket', selects: ['publicAccessBlock'] },
  GetBucketPolicy: { method: 'GET', level: 'bucket', selects: ['policy'] },
  PutBucketPolicy: { method: 'PUT', level: 'bucket', selects: ['policy'] },
  DeleteBucketPolicy: { method: 'DELETE', level: 'bucket', selects: ['policy'] },
  GetBucketPolicyStatus: { method: 'GET', level: 'bucket', selects: ['policyStatus'] },
  GetBucketTagging: { method: 'GET', level: 'bucket', selects: ['tagging'] },
  PutBucketTagging: { method: 'PUT', level: 'bucket', selects: ['tagging'] },
  DeleteBucketTagging: { method: 'DELETE', level: 'bucket', selects: ['tagging'] },
  GetBucketOwnershipControls: { method: 'GET', level: 'bucket', selects: ['ownershipControls'] },
  GetBucketLifecycleConfiguration: { method: 'GET', level: 'bucket', selects: ['lifecycle'] },
  PutBucketLifecycleConfiguration: { method: 'PUT', level: 'bucket', selects: ['lifecycle'] },
  DeleteBucketLifecycle: { method: 'DELETE', level: 'bucket', selects: ['lifecycle'] },
  ListObjects: { method: 'GET', level: 'bucket', allows: [...LISTING, 'marker'] },
  ListObjectsV2: { method: 'GET', level: 'bucket', selects: ['list-type'], allows: [...LISTING, 'continuation-token', 'start-after', 'fetch-owner'] },
  ListObjectVersions: { method: 'GET', level: 'bucket', selects: ['versions'], allows: [...LISTING, 'key-marker', 'version-id-marker'] },
  ListMultipartUploads: { method: 'GET', level: 'bucket', selects: ['uploads'], allows: ['prefix', 'delimiter', 'max-uploads', 'encoding-type', 'key-marker', 'upload-id-marker'] },
  DeleteObjects: { method: 'POST', level: 'bucket', selects: ['delete'] },
  PutObject: { method: 'PUT', level: 'object' },
  CopyObject: { method: 'PUT', level: 'object', header: 'x-amz-copy-source' },
  GetObject: { method: 'GET', level: 'object', allows: ['versionId', 'partNumber', ...RESPONSE_OVERRIDES] },
  HeadObject: { method: 'HEAD', level: 'object', allows: ['versionId', 'partNumber', ...RESPONSE_OVERRIDES] },
  DeleteObject: { method: 'DELETE', level: 'object', allows: ['versionId'] },
  GetObjectAttributes: { method: 'GET', level: 'object', selects: ['attributes'], allows: ['versionId'] },
  GetObjectTagging: { method: 'GET', level: 'object', selects: ['tagging'], allows: ['versionId'] },
  PutObjectTagging: { method: 'PUT', level: 'object', selects: ['tagging'], allows: ['versionId'] },
  DeleteObjectTagging: { method: 'DELETE', level: 'object', selects: ['tagging'], allows: ['versionId'] },
  CreateMultipartUpload: { method: 'POST', level: 'object', selects: ['uploads'] },
  UploadPart: { method: 'PUT', level: 'object', selects: ['uploadId', 'partNumber'] },
  UploadPartCopy: { method: 'PUT', level: 'object', selects: ['uploadId', 'partNumber'], header: 'x-amz-copy-source' },
  CompleteMultipartUpload: { method: 'POST', level: 'object', selects: ['uploadId'] },
  AbortMultipartUpload: { method: 'DELETE', level: 'object', selects: ['uploadId'] },
  ListParts: { method: 'GET', level: 'object', selects: ['uploadId'], allows: ['max-parts', 'part-number-marker'] },
} as const satisfies Readonly<Record<string, Shape>>;

export type OperationName = keyof typeof OPERATIONS;

const SHAPES = Object.entries(OPERATIONS) as readonly (readonly [OperationName, Shape])[];

/** SDKs say the operation in x-id; presigned addresses carry the signature. */
const isCommon = (parameter: string): boolean => /^x-id$|^x-amz-/iu.test(parameter);

export function levelOf(address: Address): Level {
  if (address.bucket === undefined) return 'service';
  return address.key === undefined ? 'bucket' : 'object';
}

/** @throws AwsError MethodNotAllowed, NotImplemented with the name of what is missing */
export function operationOf(request: FrontRequest, address: Address): OperationName {
  const level = levelOf(address);
  const parameters = [...request.query.keys()].filter((parameter) => !isCommon(parameter));
  const candidates = SHAPES.filter(([, shape]) => shape.method === request.method && shape.level === level
    && (shape.selects ?? []).every((parameter) => request.query.has(parameter))
    && (shape.header === undefined || request.headers[shape.header] !== undefined));
  const weight = ([, shape]: readonly [OperationName, Shape]) => (shape.selects?.length ?? 0) * 2 + (shape.header === undefined ? 0 : 1);
  const best = [...candidates].sort((left, right) => weight(right) - weight(left))[0];
  if (best === undefined) {
    const known = SHAPES.some(([, shape]) => shape.method === request.method && shape.level === level);
    if (known) throw notImplemented(request, parameters);
    throw new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, { Method: request.method, ResourceType: level.toUpperCase() });
  }
  const [name, shape] = best;
  const unknown = parameters.filter((parameter) => ![...(shape.selects ?? []), ...(shape.allows ?? [])].includes(parameter));
  if (unknown.length > 0) throw notImplemented(request, unknown);
  return name;
}

function notImplemented(request: FrontRequest, parameters: readonly string[]): AwsError {
  return new AwsError('NotImplemented', `The sandbox's S3 does not know ${request.method} with ${parameters.map((name) => `?${name}`).join(' and ') || 'no sub-resource'}: `
    + 'add the operation to test/sandbox/services/s3/operations.ts.', 501, { Header: parameters.join(',') });
}
