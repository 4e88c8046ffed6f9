/** What the store remembers: buckets, versions and uploads. Everything but the bytes, which blobs.ts keeps on disk. */
import { createHash, randomBytes } from 'node:crypto';
import type { PolicyDocument } from '../../front/contract.js';
import type { Blob } from './blobs.js';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksums.js';
import { SortedKeys } from './keys.js';

export type Encryption =
  | Readonly<{ algorithm: 'AES256' }>
  | Readonly<{ algorithm: 'aws:kms'; keyArn: string; bucketKey: boolean; context: Readonly<Record<string, string>> }>;

/** Default encryption: `key` undefined with aws:kms is the account's AWS managed key. */
export type EncryptionRule = Readonly<{ algorithm: 'AES256' | 'aws:kms'; key: string | undefined; bucketKey: boolean | undefined }>;

export type PublicAccessBlock = Readonly<{ BlockPublicAcls: boolean; IgnorePublicAcls: boolean; BlockPublicPolicy: boolean; RestrictPublicBuckets: boolean }>;

export type Tags = ReadonlyMap<string, string>;

/** System and user metadata as headers, lower-case names: content-type, cache-control …, x-amz-meta-…, x-amz-storage-class. */
export type Metadata = Readonly<Record<string, string>>;

export type StoredPart = Readonly<{ number: number; bytes: number; checksum: string | undefined }>;

export type ObjectVersion = Readonly<{
  key: string;
  /** 'null' for what was written while versioning was not enabled. */
  versionId: string;
  isDeleteMarker: boolean;
  /** Whole seconds, as S3 keeps it. */
  modified: Date;
  /** Without quotes; empty for a delete marker. */
  etag: string;
  bytes: number;
  blobs: readonly Blob[];
  metadata: Metadata;
  tags: Tags;
  encryption: Encryption;
  checksum: Checksum | undefined;
  /** Only of an object that came in parts. */
  parts: readonly StoredPart[] | undefined;
}>;

export type UploadedPart = Readonly<{ number: number; blob: Blob; etag: string; modified: Date; checksum: string | undefined }>;

export type Upload = Readonly<{
  id: string; key: string; initiated: Date; owner: string;
  metadata: Metadata; tags: Tags; encryption: Encryption;
  checksumAlgorithm: ChecksumAlgorithm | undefined; checksumType: ChecksumType | undefined;
  parts: Map<number, UploadedPart>;
}>;

export type Bucket = {
  readonly name: string; readonly account: string; readonly region: string; readonly created: Date;
  versioning: 'Enabled' | 'Suspended' | undefined;
  encryption: EncryptionRule;
  publicAccessBlock: PublicAccessBlock | undefined;
  /** As it was sent, and parsed. */
  policy: Readonly<{ text: string; document: PolicyDocument; isPublic: boolean }> | undefined;
  tags: Tags | undefined;
  /** The configuration's XML, checked, as it was sent. */
  lifecycle: string | undefined;
  readonly keys: SortedKeys;
  /** Newest first; no empty list. */
  readonly versions: Map<string, ObjectVersion[]>;
  readonly uploads: Map<string, Upload>;
  /** How often a key has changed: a conditional write whose key moved meanwhile is a conflict. */
  readonly changes: Map<string, number>;
};

export const ALL_BLOCKED: PublicAccessBlock = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };

/** A bucket as AWS makes one since April 2023: SSE-S3, every public access block on, ACLs off, no versioning. */
export function newBucket(name: string, account: string, region: string, created: Date): Bucket {
  return {
    name, account, region, created, versioning: undefined, encryption: { algorithm: 'AES256', key: undefined, bucketKey: false },
    publicAccessBlock: ALL_BLOCKED, policy: undefined, tags: undefined, lifecycle: undefined,
    keys: new SortedKeys(), versions: new Map(), uploads: new Map(), changes: new Map(),
  };
}

/** @returns undefined when there is none, or when the newest one is a delete marker */
export function currentVersion(bucket: Bucket, key: string): ObjectVersion | undefined {
  const newest = bucket.versions.get(key)?.[0];
  return newest === undefined || newest.isDeleteMarker ? undefined : newest;
}

/** Stores a version under the bucket's versioning state. @returns it with its id, and what it replaced for good */
export function addVersion(bucket: Bucket, version: Omit<ObjectVersion, 'versionId'>): Readonly<{ added: ObjectVersion; replaced: readonly ObjectVersion[] }> {
  const versionId = bucket.versioning === 'Enabled' ? newId() : 'null';
  const added: ObjectVersion = { ...version, versionId };
  const before = bucket.versions.get(version.key) ?? [];
  const replaced = versionId === 'null' ? before.filter((old) => old.versionId === 'null') : [];
  bucket.versions.set(version.key, [added, ...before.filter((old) => !replaced.includes(old))]);
  bucket.keys.add(version.key);
  touch(bucket, version.key);
  return { added, replaced };
}

/** @returns the removed version, undefined when there was none */
export function removeVersion(bucket: Bucket, key: string, versionId: string): ObjectVersion | undefined {
  const before = bucket.versions.get(key) ?? [];
  const removed = before.find((version) => version.versionId === versionId);
  if (removed === undefined) return undefined;
  const left = before.filter((version) => version !== removed);
  if (left.length > 0) bucket.versions.set(key, left);
  else {
    bucket.versions.delete(key);
    bucket.keys.remove(key);
  }
  touch(bucket, key);
  return removed;
}

/** Same version, other tags: the object itself does not change. */
export function replaceVersion(bucket: Bucket, old: ObjectVersion, changed: ObjectVersion): void {
  bucket.versions.set(old.key, (bucket.versions.get(old.key) ?? []).map((version) => (version === old ? changed : version)));
}

function touch(bucket: Bucket, key: string): void {
  bucket.changes.set(key, (bucket.changes.get(key) ?? 0) + 1);
}

/** 32 characters, as opaque as S3's version ids. */
export function newId(): string {
  return randomBytes(24).toString('base64').replaceAll('+', '.').replaceAll('/', '_');
}

/** The canonical user id that S3 shows as an owner. */
export const canonicalId = (account: string): string => createHash('sha256').update(`canonical ${account}`).digest('hex');
