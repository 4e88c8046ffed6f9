/** Tags of one object or version. */
import type { FrontResponse } from '../../front/contract.js';
import { existingTags, present, requestTags } from './access.js';
import { empty, versionHeader, xml, type ObjectCall, type Store } from './calls.js';
import { readableVersion, versionIdOf } from './object-reads.js';
import { replaceVersion, type Tags } from './state.js';
import { tagSet, tagsOfBody } from './tags.js';

export function getObjectTagging(store: Store, { request, bucket, key }: ObjectCall): FrontResponse {
  const version = readableVersion(store, { request, bucket, key, versionId: versionIdOf(request) }, ['s3:GetObjectTagging', 's3:GetObjectVersionTagging']);
  return xml('Tagging', tagSet(version.tags), versionHeader(bucket, version));
}

export function putObjectTagging(store: Store, call: ObjectCall): FrontResponse {
  const tags = tagsOfBody(call.request.body, 'object');
  return change(store, call, ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'], tags, 200);
}

export function deleteObjectTagging(store: Store, call: ObjectCall): FrontResponse {
  return change(store, call, ['s3:DeleteObjectTagging', 's3:DeleteObjectVersionTagging'], new Map(), 204);
}

function change(store: Store, { request, bucket, key }: ObjectCall, actions: readonly [string, string], tags: Tags, status: number): FrontResponse {
  const versionId = versionIdOf(request);
  const context = { ...requestTags(tags), ...present('s3:versionid', versionId), ...existingTags(bucket.versions.get(key)?.[0]?.tags) };
  store.access.require({ request, action: versionId === undefined ? actions[0] : actions[1], bucket, key, context });
  const version = readableVersion(store, { request, bucket, key, versionId }, actions);
  replaceVersion(bucket, version, { ...version, tags });
  return empty(status, versionHeader(bucket, version));
}
