/** Which bucket and key a request names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html */
import { AwsError, type FrontRequest } from '../../front/contract.js';

export type Address = Readonly<{ style: 'path' | 'virtual-host'; bucket: string | undefined; key: string | undefined }>;

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1024;

/** @throws AwsError InvalidURI when the path is no percent-encoded UTF-8, KeyTooLongError */
export function addressOf(request: Pick<FrontRequest, 'host' | 'rawPath'>): Address {
  const path = request.rawPath.replace(/^\//u, '');
  const hosted = bucketOfHost(request.host);
  if (hosted !== undefined) return { style: 'virtual-host', bucket: hosted, key: path === '' ? undefined : decodeKey(path) };
  const slash = path.indexOf('/');
  const bucket = slash < 0 ? path : path.slice(0, slash), key = slash < 0 ? '' : path.slice(slash + 1);
  return { style: 'path', bucket: bucket === '' ? undefined : decodeUri(bucket), key: key === '' ? undefined : decodeKey(key) };
}

/** `bucket.localhost:4566` and `bucket.s3.eu-west-1.amazonaws.com` name a bucket; an address or a bare service host does not. */
function bucketOfHost(host: string): string | undefined {
  const name = host.replace(/:\d+$/u, '');
  const found = /^(.+)\.localhost$/u.exec(name) ?? /^(.+)\.s3[.-](?:[a-z0-9-]+\.)?(?:amazonaws\.com|localhost)$/u.exec(name);
  const bucket = found?.[1]?.replace(/\.s3(?:\.[a-z0-9-]+)?$/u, '');
  return bucket === undefined || /^s3(?:\.|$)/u.test(bucket) ? undefined : bucket;
}

function decodeKey(encoded: string): string {
  const key = decodeUri(encoded);
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw new AwsError('KeyTooLongError', 'Your key is too long', 400, { Size: Buffer.byteLength(key), MaxSizeAllowed: MAX_KEY_BYTES });
  return key;
}

/** S3 reads a bare "+" of a path as a space, which is why every SDK writes a plus sign as %2B. */
function decodeUri(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.", 400, { URI: encoded });
  }
}

export type CopySource = Readonly<{ bucket: string; key: string; versionId: string | undefined }>;

/** `x-amz-copy-source`: "bucket/key" or "/bucket/key", URL-encoded, with an optional ?versionId=. @throws AwsError InvalidArgument */
export function copySourceOf(header: string): CopySource {
  const [name = '', ...query] = header.split('?');
  const path = name.replace(/^\//u, ''), slash = path.indexOf('/');
  const invalid = (message: string) => new AwsError('InvalidArgument', message, 400, { ArgumentName: 'x-amz-copy-source', ArgumentValue: header });
  if (path.startsWith('arn:')) throw new AwsError('NotImplemented', 'The sandbox does not know access points: x-amz-copy-source has to be bucket/key.', 501);
  if (slash <= 0 || slash === path.length - 1) throw invalid('Invalid copy source object key');
  // A "?" that belongs to the key has to be sent as %3F; anything else behind one is a mistake of the caller.
  const parameters = query.join('?');
  if (parameters !== '' && !parameters.startsWith('versionId=')) throw invalid('Unsupported copy source parameter.');
  const versionId = parameters === '' ? undefined : decodeUri(parameters.slice('versionId='.length));
  if (versionId === '') throw invalid('Version id cannot be the empty string');
  return { bucket: decodeUri(path.slice(0, slash)), key: decodeKey(path.slice(slash + 1)), versionId };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/u.test(name)
    && !name.includes('..')
    && !/^\d+\.\d+\.\d+\.\d+$/u.test(name)
    && !/^(?:xn--|sthree-|amzn-s3-demo-)/u.test(name)
    && !/(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/u.test(name);
}

export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;
export const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;
