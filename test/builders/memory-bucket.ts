/** A versioned bucket in memory, as strict as S3 where the product leans on it. */
import { createHash } from 'node:crypto';
import type { Bucket, StoredObject } from '../../src/ports.js';

type Version = Readonly<{ id: string; body: Buffer; metadata: Readonly<Record<string, string>> }>;
export type Objects = Map<string, Version[]>;

const sha = (body: Buffer) => createHash('sha256').update(body).digest('hex');
const etagOf = (body: Buffer) => `"${createHash('md5').update(body).digest('hex')}"`;

/** @param tick called before and after every effect; a throw is a runner that dies there */
export function memoryBucket(name: string, buckets: ReadonlyMap<string, Objects>, tick: (what: string) => void, nextId: () => string): Bucket {
  // Looked up at every call: a bucket can be opened before it is made.
  const objectsOf = (bucket: string): Objects => buckets.get(bucket) ?? new Map();
  const newest = (key: string) => objectsOf(name).get(key)?.at(-1);
  const put = (key: string, body: Buffer, metadata: Readonly<Record<string, string>> = {}) => {
    const version = { id: nextId(), body, metadata };
    const objects = buckets.get(name);
    if (!objects) throw new Error(`no bucket ${name}`);
    objects.set(key, [...(objects.get(key) ?? []), version]);
    return version;
  };
  const effect = async <T>(what: string, work: () => T): Promise<T> => {
    tick(`${what} (before)`);
    const result = work();
    tick(`${what} (after)`);
    return await Promise.resolve(result);
  };
  const find = (key: string, versionId?: string) => (versionId === undefined ? newest(key) : objectsOf(name).get(key)?.find(({ id }) => id === versionId));
  const described = (key: string, version: Version): StoredObject => ({ key, bytes: version.body.length, etag: etagOf(version.body), versionId: version.id, modified: new Date(0) });
  return {
    name, region: 'eu-west-1', ownerAccountId: '111122223333',
    read: (key, versionId) => effect(`read ${key}`, () => {
      const found = find(key, versionId);
      return found && { body: found.body, etag: etagOf(found.body), versionId: found.id };
    }),
    head: (key, versionId) => effect(`head ${key}`, () => {
      const found = find(key, versionId);
      return found && { ...described(key, found), metadata: found.metadata };
    }),
    write: (key, body, options) => effect(`write ${key}`, () => {
      const bytes = Buffer.from(body);
      return { key, versionId: put(key, bytes, options?.metadata).id, sha256: sha(bytes), bytes: bytes.length };
    }),
    writeOnce: (key, body) => effect(`writeOnce ${key}`, () => (newest(key) ? 'taken' : (put(key, Buffer.from(body)), 'written'))),
    replace: (key, body, etag) => effect(`replace ${key}`, () => {
      const there = newest(key);
      return there && etagOf(there.body) === etag ? (put(key, Buffer.from(body)), 'written') : 'changed';
    }),
    async *list(prefix) {
      tick(`list ${prefix}`);
      for (const key of [...objectsOf(name).keys()].sort()) {
        const version = newest(key);
        // As ListObjectsV2: no version ids.
        if (key.startsWith(prefix) && version) yield await Promise.resolve({ ...described(key, version), versionId: undefined });
      }
    },
    versions: (key) => effect(`versions of ${key}`, () => [...(objectsOf(name).get(key) ?? [])].reverse().map(({ id, body }, at) => ({ versionId: id, bytes: body.length, modified: new Date(0), isNewest: at === 0 }))),
    remove: (key) => effect(`remove ${key}`, () => void objectsOf(name).delete(key)),
    countBelow: (prefix) => effect(`count ${prefix}`, () => [...objectsOf(name)].filter(([key]) => key.startsWith(prefix)).reduce((sum, [, versions]) => sum + versions.length, 0)),
    purge: (prefix) => effect(`purge ${prefix}`, () => {
      let gone = 0;
      for (const [key, versions] of [...objectsOf(name)]) if (key.startsWith(prefix)) {
        gone += versions.length;
        objectsOf(name).delete(key);
      }
      return gone;
    }),
    copyFrom: (from, key, metadata) => effect(`copy ${key}`, () => {
      const versions = objectsOf(from.bucket).get(from.key) ?? [];
      const source = from.versionId === undefined ? versions.at(-1) : versions.find(({ id }) => id === from.versionId);
      if (!source) throw new Error(`no ${from.key} in ${from.bucket}`);
      return { versionId: put(key, source.body, metadata ?? source.metadata).id };
    }),
  };
}
