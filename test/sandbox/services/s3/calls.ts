/** What every operation is given, and the small answers they share. */
import { AwsError, type FrontRequest, type FrontResponse, type World } from '../../front/contract.js';
import type { Access } from './access.js';
import type { Blobs } from './blobs.js';
import type { ServerSideEncryption } from './encryption.js';
import type { Bucket, ObjectVersion } from './state.js';
import { xmlDocument, type XmlRecord } from './xml.js';

/** Besides the contract: a bucket policy may name only principals that exist. */
export type S3World = World & Readonly<{ identities: Readonly<{ principalExists: (value: string) => boolean }> }>;

export type Store = Readonly<{
  world: S3World;
  buckets: Map<string, Bucket>;
  blobs: Blobs;
  access: Access;
  encryption: ServerSideEncryption;
  /** Whole seconds, as S3 dates objects. */
  now: () => Date;
}>;

export type BucketCall = Readonly<{ request: FrontRequest; bucket: Bucket }>;
export type ObjectCall = BucketCall & Readonly<{ key: string }>;

export const empty = (status = 200, headers: Readonly<Record<string, string>> = {}): FrontResponse => ({ status, headers, body: '' });

export function xml(root: string, value: XmlRecord, headers: Readonly<Record<string, string>> = {}, status = 200): FrontResponse {
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: xmlDocument(root, value) };
}

export const noSuchKey = (key: string): AwsError => new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key });

export const invalidArgument = (name: string, value: string, message: string): AwsError =>
  new AwsError('InvalidArgument', message, 400, { ArgumentName: name, ArgumentValue: value });

/** Only a bucket with a versioning state shows version ids; 'null' is one of them. */
export const versionHeader = (bucket: Bucket, version: Pick<ObjectVersion, 'versionId'>): Readonly<Record<string, string>> =>
  bucket.versioning === undefined ? {} : { 'x-amz-version-id': version.versionId };

export const quoted = (etag: string): string => `"${etag}"`;

/** A whole number of the query within its bounds. @throws AwsError InvalidArgument */
export function countOf(query: URLSearchParams, name: string, most: number): number {
  const text = query.get(name);
  if (text === null || text === '') return most;
  if (!/^\d{1,10}$/u.test(text)) throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  return Math.min(Number(text), most);
}
