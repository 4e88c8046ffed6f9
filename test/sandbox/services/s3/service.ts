/** Amazon S3 for the sandbox: a store of its own, bytes on disk, as strict as AWS where AWS is strict (README.md beside it says why it is not moto). */
import { AwsError, type FrontRequest, type FrontResponse, type Service } from '../../front/contract.js';
import { createAccess } from './access.js';
import { addressOf, isBucketName } from './address.js';
import { openBlobs } from './blobs.js';
import { createBucket, findBucket, listBuckets } from './buckets.js';
import type { S3World, Store } from './calls.js';
import { checksumOf } from './checksums.js';
import { createEncryption } from './encryption.js';
import { BUCKET_HANDLERS, OBJECT_HANDLERS } from './handlers.js';
import { etagOf, commit } from './object-writes.js';
import { markerHeaders } from './object-reads.js';
import { operationOf, type OperationName } from './operations.js';
import { currentVersion, newBucket, type Bucket } from './state.js';
import { xmlError, type XmlRecord } from './xml.js';

export type S3Settings = Readonly<{
  /** Where the bytes lie; default: a temporary folder that `close` removes. */
  folder?: string;
}>;

/** What the rest of the sandbox may do without a request: seed a world, look at it, let MWAA check a bucket. */
export interface S3Inside {
  /** @throws Error when the name is taken or no bucket name */
  makeBucket(bucket: Readonly<{ name: string; account: string; region: string; versioning?: boolean }>): void;
  /** undefined: there is none. `publicAccessBlocked`: all four settings are on, as MWAA demands. */
  describeBucket(name: string): Readonly<{ account: string; region: string; versioning: 'Enabled' | 'Suspended' | undefined; publicAccessBlocked: boolean; kmsKey: string | undefined }> | undefined;
  putObject(bucket: string, key: string, body: Buffer | string, options?: Readonly<{ contentType?: string; metadata?: Readonly<Record<string, string>> }>): Promise<Readonly<{ versionId: string; etag: string }>>;
  /** undefined: no such key or version, or a delete marker. */
  readObject(bucket: string, key: string, versionId?: string): Promise<Readonly<{ body: Buffer; versionId: string; etag: string; metadata: Readonly<Record<string, string>> }> | undefined>;
  /** Current objects below the prefix, in S3's order. */
  listObjects(bucket: string, prefix?: string): readonly Readonly<{ key: string; bytes: number; etag: string; versionId: string; modified: Date }>[];
  /** Every version and delete marker of every bucket, and every part of an open upload, for tests that search all bytes. */
  everyByte(): AsyncGenerator<Readonly<{ bucket: string; key: string; versionId: string; metadata: Readonly<Record<string, string>>; body: Buffer }>>;
}

export type S3Service = Service & S3Inside & Readonly<{ close: () => Promise<void> }>;

/** @param world clock, authorizer, KMS and accounts; a bucket's account has to be one of them */
export async function createS3Service(world: S3World, settings: S3Settings = {}): Promise<S3Service> {
  const store: Store = {
    world, buckets: new Map(), blobs: await openBlobs(settings.folder), access: createAccess(world), encryption: createEncryption(world),
    now: () => new Date(Math.floor(world.clock.now().getTime() / 1000) * 1000),
  };
  return { name: 's3', actionOf, handle: (request) => handle(store, hoisted(request)), renderError, close: () => store.blobs.close(), ...insideOf(store) };
}

function actionOf(request: FrontRequest): string {
  try {
    return operationOf(request, addressOf(request));
  } catch {
    return 'Unknown'; // handle() meets the same error and answers it
  }
}

/** A presigned address carries headers as parameters: x-amz-checksum-mode, x-amz-expected-bucket-owner. */
function hoisted(request: FrontRequest): FrontRequest {
  const carried = [...request.query].filter(([name]) => /^x-amz-(?!algorithm$|credential$|date$|expires$|signedheaders$|signature$|security-token$|content-sha256$)/iu.test(name));
  return carried.length === 0 ? request : { ...request, headers: { ...Object.fromEntries(carried.map(([name, value]) => [name.toLowerCase(), value])), ...request.headers } };
}

/** GetBucketLocation of any bucket is answered in us-east-1: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html */
const worksAnywhere = (operation: OperationName, request: FrontRequest): boolean => operation === 'GetBucketLocation' && request.region === 'us-east-1';

async function handle(store: Store, request: FrontRequest): Promise<FrontResponse> {
  // boto3 presigns like this unless it is told signature_version "s3v4"; buckets made since June 2020 refuse it.
  if (request.query.has('AWSAccessKeyId') && request.query.has('Signature')) throw new AwsError('InvalidRequest', 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.', 400);
  const address = addressOf(request);
  const operation = operationOf(request, address);
  const { bucket: name, key } = address;
  if (name === undefined) return listBuckets(store, request);
  if (operation === 'CreateBucket') return createBucket(store, request, name);
  const bucket = findBucket(store, request, address, worksAnywhere(operation, request));
  const onObject = OBJECT_HANDLERS[operation];
  if (key !== undefined && onObject !== undefined) return onObject(store, { request, bucket, key });
  const onBucket = BUCKET_HANDLERS[operation];
  if (onBucket === undefined) throw new AwsError('NotImplemented', `The sandbox's S3 has no handler for ${operation}.`, 501);
  return onBucket(store, { request, bucket });
}

function renderError(error: AwsError, request: FrontRequest): FrontResponse {
  const region = regionOf(error);
  const headers = {
    'x-amz-request-id': request.id, 'x-amz-id-2': Buffer.from(request.id).toString('base64'), ...markerHeaders(error),
    ...(region === undefined ? {} : { 'x-amz-bucket-region': region }),
  };
  if (request.method === 'HEAD' || error.status === 304) return { status: error.status, headers, body: '' };
  const members = Object.fromEntries(Object.entries(error.members).filter(([name]) => !name.startsWith('#'))) as XmlRecord;
  const body = xmlError({ Code: error.code, Message: error.message, ...members, RequestId: request.id, HostId: headers['x-amz-id-2'] });
  return { status: error.status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

/** Clients follow a redirect by this header: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
function regionOf({ code, members }: AwsError): string | undefined {
  if (code === 'AuthorizationHeaderMalformed' && typeof members.Region === 'string') return members.Region;
  return code === 'PermanentRedirect' ? /\.s3\.([a-z0-9-]+)\.amazonaws\.com$/u.exec(String(members.Endpoint))?.[1] : undefined;
}

function insideOf(store: Store): S3Inside {
  const known = (name: string): Bucket => {
    const bucket = store.buckets.get(name);
    if (bucket === undefined) throw new Error(`the sandbox has no bucket ${name}`);
    return bucket;
  };
  return {
    makeBucket({ name, account, region, versioning = false }) {
      if (!isBucketName(name)) throw new Error(`${name} is no bucket name`);
      if (store.buckets.has(name)) throw new Error(`the bucket ${name} exists already`);
      if (!store.world.accounts.includes(account)) throw new Error(`the sandbox has no account ${account} for the bucket ${name}`);
      const bucket = newBucket(name, account, region, store.now());
      if (versioning) bucket.versioning = 'Enabled';
      store.buckets.set(name, bucket);
    },
    describeBucket(name) {
      const bucket = store.buckets.get(name);
      if (bucket === undefined) return undefined;
      const block = bucket.publicAccessBlock;
      return {
        account: bucket.account, region: bucket.region, versioning: bucket.versioning, kmsKey: bucket.encryption.algorithm === 'aws:kms' ? bucket.encryption.key : undefined,
        publicAccessBlocked: block !== undefined && Object.values(block).every(Boolean),
      };
    },
    async putObject(name, key, body, { contentType = 'binary/octet-stream', metadata = {} } = {}) {
      const bucket = known(name), bytes = Buffer.from(body), encryption = { algorithm: 'AES256' } as const;
      const user = Object.entries(metadata).map(([field, value]) => [`x-amz-meta-${field.toLowerCase()}`, value] as const);
      const { versionId, etag } = await commit(store, bucket, () => undefined, {
        key, isDeleteMarker: false, modified: store.now(), etag: etagOf(bytes, encryption), bytes: bytes.length, blobs: [await store.blobs.write(bytes)],
        metadata: { 'content-type': contentType, ...Object.fromEntries(user) }, tags: new Map(), encryption,
        checksum: { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: checksumOf('CRC64NVME', bytes) }, parts: undefined,
      });
      return { versionId, etag };
    },
    async readObject(name, key, versionId) {
      const bucket = known(name);
      const version = versionId === undefined ? currentVersion(bucket, key) : bucket.versions.get(key)?.find((one) => one.versionId === versionId && !one.isDeleteMarker);
      if (version === undefined) return undefined;
      return { body: await store.blobs.read(version.blobs, 0, version.bytes), versionId: version.versionId, etag: version.etag, metadata: version.metadata };
    },
    listObjects(name, prefix = '') {
      const bucket = known(name);
      return [...bucket.keys.from(prefix)].filter((key) => key.startsWith(prefix)).flatMap((key) => {
        const version = currentVersion(bucket, key);
        return version === undefined ? [] : [{ key, bytes: version.bytes, etag: version.etag, versionId: version.versionId, modified: version.modified }];
      });
    },
    async *everyByte() {
      for (const bucket of store.buckets.values()) {
        for (const version of [...bucket.versions.values()].flat())
          yield { bucket: bucket.name, key: version.key, versionId: version.versionId, metadata: version.metadata, body: await store.blobs.read(version.blobs, 0, version.bytes) };
        for (const upload of bucket.uploads.values()) {
          for (const { blob } of upload.parts.values())
            yield { bucket: bucket.name, key: upload.key, versionId: `upload ${upload.id}`, metadata: upload.metadata, body: await store.blobs.read([blob], 0, blob.bytes) };
        }
      }
    },
  };
}
