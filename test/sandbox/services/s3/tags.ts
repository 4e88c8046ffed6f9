/** Tags of objects and buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
import { AwsError } from '../../front/contract.js';
import type { Tags } from './state.js';
import { malformedXml, parseXml } from './xml.js';

const MAX_OBJECT_TAGS = 10, MAX_BUCKET_TAGS = 50, MAX_KEY = 128, MAX_VALUE = 256;

/** `x-amz-tagging: a=1&b=2`. @throws AwsError InvalidTag, InvalidArgument */
export function tagsOfHeader(header: string | undefined): Tags {
  if (header === undefined || header === '') return new Map();
  const pairs = [...new URLSearchParams(header)];
  if (new Set(pairs.map(([key]) => key)).size !== pairs.length)
    throw new AwsError('InvalidArgument', "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", 400, { ArgumentName: 'x-amz-tagging', ArgumentValue: header });
  return checked(pairs, MAX_OBJECT_TAGS);
}

/** A body `Tagging`. */
export function tagsOfBody(body: Buffer, of: 'object' | 'bucket'): Tags {
  const set = parseXml(body, 'Tagging').child('TagSet');
  if (set === undefined) throw malformedXml();
  const pairs = set.list('Tag').map((tag) => [tag.text('Key'), tag.text('Value')] as const);
  if (pairs.some(([key, value]) => key === undefined || value === undefined)) throw malformedXml();
  return checked(pairs as readonly (readonly [string, string])[], of === 'object' ? MAX_OBJECT_TAGS : MAX_BUCKET_TAGS);
}

function checked(pairs: readonly (readonly [string, string])[], most: number): Tags {
  const invalid = (message: string, key?: string) => new AwsError('InvalidTag', message, 400, key === undefined ? {} : { TagKey: key });
  if (pairs.length > most) throw new AwsError('BadRequest', most === MAX_OBJECT_TAGS ? 'Object tags cannot be greater than 10' : 'Tag count cannot be greater than 50', 400);
  for (const [key, value] of pairs) {
    if (key === '' || key.length > MAX_KEY || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key)) throw invalid('The TagKey you have provided is invalid', key);
    if (value.length > MAX_VALUE || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(value)) throw invalid('The TagValue you have provided is invalid', key);
    if (/^aws:/iu.test(key)) throw invalid('System tags cannot be added/updated by requester', key);
  }
  const tags = new Map(pairs);
  if (tags.size !== pairs.length) throw invalid('Cannot provide multiple Tags with the same key');
  return tags;
}

export const tagSet = (tags: Tags) => ({ TagSet: { Tag: [...tags].map(([Key, Value]) => ({ Key, Value })) } });
