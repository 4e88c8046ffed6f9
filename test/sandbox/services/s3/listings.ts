/** ListObjects, ListObjectsV2, ListObjectVersions: one walk over the sorted keys, three ways to page. */
import { AwsError, type FrontResponse } from '../../front/contract.js';
import { present } from './access.js';
import { countOf, invalidArgument, quoted, xml, type BucketCall, type Store } from './calls.js';
import { compareKeys } from './keys.js';
import { canonicalId, type Bucket, type ObjectVersion } from './state.js';
import type { XmlRecord } from './xml.js';

const MAX_KEYS = 1000;

type Item = Readonly<{ kind: 'key'; key: string; version: ObjectVersion; isLatest: boolean }> | Readonly<{ kind: 'prefix'; key: string }>;
type Page = Readonly<{ items: readonly Item[]; isTruncated: boolean }>;
type Ask = Readonly<{ prefix: string; delimiter: string; most: number; encode: (text: string) => string; encodingType: string | undefined }>;

/** The parameters that all listings share. @throws AwsError InvalidArgument */
function askOf({ request: { query } }: BucketCall): Ask {
  const encodingType = query.get('encoding-type') ?? undefined;
  if (encodingType !== undefined && encodingType !== 'url') throw invalidArgument('encoding-type', encodingType, 'Invalid Encoding Method specified in Request');
  return {
    prefix: query.get('prefix') ?? '', delimiter: query.get('delimiter') ?? '', most: countOf(query, 'max-keys', MAX_KEYS), encodingType,
    encode: encodingType === undefined ? (text) => text : encodeKey,
  };
}

/** As S3 encodes: "/" and "*" stay, a space becomes a plus sign. */
export const encodeKey = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()]/gu, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll('%2F', '/').replaceAll('%20', '+');

function requireList({ access }: Store, { request, bucket }: BucketCall, action: 's3:ListBucket' | 's3:ListBucketVersions'): void {
  const { query } = request;
  access.require({ request, bucket, action, context: { ...present('s3:prefix', query.get('prefix')), ...present('s3:delimiter', query.get('delimiter')), ...present('s3:max-keys', query.get('max-keys')) } });
}

/** @param skip whether an item lies before the page; it sees every version, newest first */
function walk(bucket: Bucket, { prefix, delimiter, most }: Ask, start: string, candidates: (versions: readonly ObjectVersion[]) => readonly ObjectVersion[], skip: (item: Item) => boolean): Page {
  const items: Item[] = [];
  let group: string | undefined;
  for (const key of bucket.keys.from(compareKeys(start, prefix) > 0 ? start : prefix)) {
    if (!key.startsWith(prefix)) break;
    const versions = bucket.versions.get(key) ?? [], shown = candidates(versions);
    if (shown.length === 0) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const found: readonly Item[] = cut < 0
      ? shown.map((version) => ({ kind: 'key', key, version, isLatest: version === versions[0] }))
      : [{ kind: 'prefix', key: key.slice(0, cut + delimiter.length) }];
    for (const item of found) {
      if (item.kind === 'prefix' && item.key === group || skip(item)) continue;
      if (items.length >= most) return { items, isTruncated: most > 0 };
      group = item.kind === 'prefix' ? item.key : undefined;
      items.push(item);
    }
  }
  return { items, isTruncated: false };
}

const onlyCurrent = ([newest]: readonly ObjectVersion[]): readonly ObjectVersion[] => (newest === undefined || newest.isDeleteMarker ? [] : [newest]);

function contents(page: Page, encode: (text: string) => string, owner: string | undefined): readonly XmlRecord[] {
  return page.items.flatMap((item) => (item.kind === 'prefix' ? [] : [{
    Key: encode(item.key), LastModified: item.version.modified, ETag: quoted(item.version.etag),
    ChecksumAlgorithm: item.version.checksum?.algorithm, ChecksumType: item.version.checksum?.type, Size: item.version.bytes,
    StorageClass: item.version.metadata['x-amz-storage-class'] ?? 'STANDARD', Owner: owner === undefined ? undefined : { ID: owner },
  }]));
}

const commonPrefixes = (page: Page, encode: (text: string) => string): readonly XmlRecord[] =>
  page.items.flatMap((item) => (item.kind === 'prefix' ? [{ Prefix: encode(item.key) }] : []));

const after = (marker: string) => (item: Item): boolean => marker !== '' && compareKeys(item.key, marker) <= 0;

export function listObjects(store: Store, call: BucketCall): FrontResponse {
  requireList(store, call, 's3:ListBucket');
  const ask = askOf(call), { encode } = ask, { bucket } = call, marker = call.request.query.get('marker') ?? '';
  const page = walk(bucket, ask, marker, onlyCurrent, after(marker)), last = page.items.at(-1);
  return xml('ListBucketResult', {
    Name: bucket.name, Prefix: encode(ask.prefix), Marker: encode(marker),
    // Without a delimiter the caller goes on from the last key by himself.
    NextMarker: page.isTruncated && ask.delimiter !== '' && last !== undefined ? encode(last.key) : undefined,
    MaxKeys: ask.most, Delimiter: ask.delimiter === '' ? undefined : encode(ask.delimiter), EncodingType: ask.encodingType, IsTruncated: page.isTruncated,
    Contents: contents(page, encode, canonicalId(bucket.account)), CommonPrefixes: commonPrefixes(page, encode),
  }, { 'x-amz-bucket-region': bucket.region });
}

export function listObjectsV2(store: Store, call: BucketCall): FrontResponse {
  requireList(store, call, 's3:ListBucket');
  const { request: { query }, bucket } = call, ask = askOf(call), { encode } = ask;
  if (query.get('list-type') !== '2') throw invalidArgument('list-type', query.get('list-type') ?? '', 'Invalid List Type specified in Request');
  const token = query.get('continuation-token') ?? undefined, startAfter = query.get('start-after') ?? '';
  const start = token === undefined ? startAfter : keyOfToken(token);
  const page = walk(bucket, ask, start, onlyCurrent, after(start)), last = page.items.at(-1);
  return xml('ListBucketResult', {
    Name: bucket.name, Prefix: encode(ask.prefix), Delimiter: ask.delimiter === '' ? undefined : encode(ask.delimiter), MaxKeys: ask.most, EncodingType: ask.encodingType,
    KeyCount: page.items.length, IsTruncated: page.isTruncated, ContinuationToken: token,
    NextContinuationToken: page.isTruncated && last !== undefined ? tokenOf(last.key) : undefined, StartAfter: startAfter === '' ? undefined : encode(startAfter),
    Contents: contents(page, encode, query.get('fetch-owner') === 'true' ? canonicalId(bucket.account) : undefined), CommonPrefixes: commonPrefixes(page, encode),
  }, { 'x-amz-bucket-region': bucket.region });
}

/** Opaque on purpose: a client that builds one, or mixes it up with a key, has to fail here as it does on AWS. */
const tokenOf = (key: string): string => `1${Buffer.from(`v1:${key}`).toString('base64')}`;

function keyOfToken(token: string): string {
  const text = token.startsWith('1') ? Buffer.from(token.slice(1), 'base64').toString('utf8') : '';
  if (!text.startsWith('v1:') || tokenOf(text.slice(3)) !== token) throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  return text.slice(3);
}

export function listObjectVersions(store: Store, call: BucketCall): FrontResponse {
  requireList(store, call, 's3:ListBucketVersions');
  const { request: { query }, bucket } = call, ask = askOf(call), { encode } = ask;
  const keyMarker = query.get('key-marker') ?? '', idMarker = query.get('version-id-marker') ?? '';
  if (idMarker !== '' && keyMarker === '') throw invalidArgument('version-id-marker', idMarker, 'A version-id marker cannot be specified without a key marker.');
  const page = walk(bucket, ask, keyMarker, (versions) => versions, beforeVersion(bucket, keyMarker, idMarker)), last = page.items.at(-1);
  const versions = page.items.flatMap((item) => (item.kind === 'key' ? [item] : []));
  const owner = { ID: canonicalId(bucket.account) };
  const common = ({ key, version, isLatest }: (typeof versions)[number]) => ({ Key: encode(key), VersionId: version.versionId, IsLatest: isLatest, LastModified: version.modified, Owner: owner });
  return xml('ListVersionsResult', {
    Name: bucket.name, Prefix: encode(ask.prefix), KeyMarker: encode(keyMarker), VersionIdMarker: idMarker, MaxKeys: ask.most, EncodingType: ask.encodingType,
    Delimiter: ask.delimiter === '' ? undefined : encode(ask.delimiter), IsTruncated: page.isTruncated,
    NextKeyMarker: page.isTruncated && last !== undefined ? encode(last.key) : undefined,
    NextVersionIdMarker: page.isTruncated && last?.kind === 'key' ? last.version.versionId : undefined,
    Version: versions.filter(({ version }) => !version.isDeleteMarker).map((item) => ({
      ...common(item), ETag: quoted(item.version.etag), Size: item.version.bytes, StorageClass: item.version.metadata['x-amz-storage-class'] ?? 'STANDARD',
      ChecksumAlgorithm: item.version.checksum?.algorithm, ChecksumType: item.version.checksum?.type,
    })),
    DeleteMarker: versions.filter(({ version }) => version.isDeleteMarker).map(common),
    CommonPrefixes: commonPrefixes(page, encode),
  }, { 'x-amz-bucket-region': bucket.region });
}

/** Goes on behind one version of the marker's key; without an id, behind the key. */
function beforeVersion(bucket: Bucket, keyMarker: string, idMarker: string): (item: Item) => boolean {
  const versions = bucket.versions.get(keyMarker) ?? [], seen = versions.findIndex(({ versionId }) => versionId === idMarker);
  if (idMarker !== '' && idMarker !== 'null' && !/^[A-Za-z0-9._]{32}$/u.test(idMarker)) throw new AwsError('InvalidArgument', 'Invalid version id specified', 400, { ArgumentName: 'version-id-marker', ArgumentValue: idMarker });
  return (item) => {
    if (keyMarker === '') return false;
    const order = compareKeys(item.key, keyMarker);
    if (order !== 0 || item.kind === 'prefix' || idMarker === '') return order <= 0;
    return seen >= 0 && versions.indexOf(item.version) <= seen;
  };
}
