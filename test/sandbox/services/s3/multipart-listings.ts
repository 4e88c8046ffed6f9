/** ListParts and ListMultipartUploads. */
import type { FrontResponse } from '../../front/contract.js';
import { countOf, invalidArgument, quoted, xml, type BucketCall, type ObjectCall, type Store } from './calls.js';
import { compareKeys } from './keys.js';
import { encodeKey } from './listings.js';
import { partChecksum, uploadOf } from './multipart.js';
import { canonicalId, type Upload } from './state.js';

const PAGE = 1000;
const storageClass = ({ metadata }: Upload): string => metadata['x-amz-storage-class'] ?? 'STANDARD';

export function listParts(store: Store, call: ObjectCall): FrontResponse {
  const { request, bucket, key } = call;
  store.access.require({ ...call, action: 's3:ListMultipartUploadParts' });
  const upload = uploadOf(call);
  store.encryption.forRead(request, bucket, upload.encryption);
  const marker = countOf(request.query, 'part-number-marker', Number.MAX_SAFE_INTEGER), most = countOf(request.query, 'max-parts', PAGE);
  const from = request.query.has('part-number-marker') ? marker : 0;
  const parts = [...upload.parts.values()].filter(({ number }) => number > from).sort((left, right) => left.number - right.number), page = parts.slice(0, most);
  return xml('ListPartsResult', {
    Bucket: bucket.name, Key: key, UploadId: upload.id, Initiator: { ID: upload.owner }, Owner: { ID: canonicalId(bucket.account) }, StorageClass: storageClass(upload),
    PartNumberMarker: from, NextPartNumberMarker: page.at(-1)?.number ?? 0, MaxParts: most, IsTruncated: parts.length > page.length,
    ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType,
    Part: page.map((part) => ({ PartNumber: part.number, LastModified: part.modified, ETag: quoted(part.etag), Size: part.blob.bytes, ...partChecksum(upload, part) })),
  });
}

export function listMultipartUploads(store: Store, call: BucketCall): FrontResponse {
  const { request, request: { query }, bucket } = call;
  store.access.require({ request, bucket, action: 's3:ListBucketMultipartUploads' });
  const encodingType = query.get('encoding-type') ?? undefined;
  if (encodingType !== undefined && encodingType !== 'url') throw invalidArgument('encoding-type', encodingType, 'Invalid Encoding Method specified in Request');
  const encode = encodingType === undefined ? (text: string) => text : encodeKey;
  const prefix = query.get('prefix') ?? '', delimiter = query.get('delimiter') ?? '', most = countOf(query, 'max-uploads', PAGE);
  const keyMarker = query.get('key-marker') ?? '', idMarker = query.get('upload-id-marker') ?? '';
  const isBehind = ({ key, id }: Upload) => {
    const order = compareKeys(key, keyMarker);
    return keyMarker === '' || order > 0 || (order === 0 && idMarker !== '' && id > idMarker);
  };
  const commonPrefix = ({ key }: Upload): string | undefined => {
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
  };
  const found = [...bucket.uploads.values()].filter((upload) => upload.key.startsWith(prefix) && isBehind(upload) && (keyMarker === '' || commonPrefix(upload) !== keyMarker))
    .sort((left, right) => compareKeys(left.key, right.key) || (left.id < right.id ? -1 : 1));
  // A common prefix takes one place of the page, whatever lies below it.
  const places = new Map<string, Upload>();
  for (const upload of found) places.set(commonPrefix(upload) ?? `${upload.key}\u0000${upload.id}`, upload);
  const page = [...places].slice(0, most), [lastName, last] = page.at(-1) ?? [];
  const uploads = page.flatMap(([, upload]) => (commonPrefix(upload) === undefined ? [upload] : []));
  const lastIsUpload = last !== undefined && commonPrefix(last) === undefined;
  return xml('ListMultipartUploadsResult', {
    Bucket: bucket.name, KeyMarker: encode(keyMarker), UploadIdMarker: idMarker, Prefix: encode(prefix), Delimiter: delimiter === '' ? undefined : encode(delimiter), EncodingType: encodingType,
    NextKeyMarker: last === undefined ? '' : encode(lastIsUpload ? last.key : lastName!), NextUploadIdMarker: lastIsUpload ? last.id : '',
    MaxUploads: most, IsTruncated: places.size > page.length,
    Upload: uploads.map((upload) => ({
      Key: encode(upload.key), UploadId: upload.id, Initiator: { ID: upload.owner }, Owner: { ID: canonicalId(bucket.account) }, StorageClass: storageClass(upload), Initiated: upload.initiated,
      ChecksumAlgorithm: upload.checksumAlgorithm, ChecksumType: upload.checksumType,
    })),
    CommonPrefixes: page.flatMap(([name, upload]) => (commonPrefix(upload) === undefined ? [] : [{ Prefix: encode(name) }])),
  });
}
