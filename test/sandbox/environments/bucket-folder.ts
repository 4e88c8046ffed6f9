/** A local folder that follows one prefix of a bucket, read with the execution role's permissions. */
import { GetObjectCommand, ListObjectsV2Command, S3Client, type _Object } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { EnvironmentSettings } from './contract.js';
import { roleCredentials } from './role-credentials.js';

export type Bucket = ReturnType<typeof openBucket>;

/** @param variables what the environment's processes get: the role's credentials are taken from there */
export function openBucket(settings: EnvironmentSettings, endpointUrl: string, variables: Readonly<Record<string, string>>) {
  const client = new S3Client({ region: settings.region, endpoint: endpointUrl, forcePathStyle: true, credentials: roleCredentials(variables), maxAttempts: 3 });
  const get = async (key: string, versionId?: string): Promise<Buffer> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: settings.bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }));
    if (Body === undefined) throw new Error(`s3://${settings.bucket}/${key} came without a body.`);
    return Buffer.from(await Body.transformToByteArray());
  };
  return {
    /** The whole object; plugins, requirements and startup scripts name their version. @throws the SDK's exception */
    get,
    /**
     * Makes `folder` equal to what lies below `prefix`: new and changed objects are written, files without an object deleted.
     * @param known ETag by key as the last call left them; changed in place
     * @throws the SDK's exception; files already written stay
     */
    async mirror(prefix: string, folder: string, known: Map<string, string>): Promise<Readonly<{ written: number; deleted: number }>> {
      const root = prefix.replace(/\/*$/, '/');
      const objects = new Map((await list(client, settings.bucket, root)).flatMap((object) => {
        const name = (object.Key ?? '').slice(root.length);
        return isSafeName(name) ? [[name, object] as const] : [];
      }));
      let written = 0;
      for (const [name, object] of objects) {
        const file = path.join(folder, name), tag = `${object.ETag} ${object.Size}`;
        if (known.get(name) === tag && existsSync(file)) continue;
        mkdirSync(path.dirname(file), { recursive: true });
        // A DAG parser must never see half a file; the temporary name does not end in .py.
        const partial = path.join(path.dirname(file), `.${createHash('sha256').update(name).digest('hex').slice(0, 16)}.part`);
        writeFileSync(partial, await get(root + name));
        renameSync(partial, file);
        known.set(name, tag);
        written++;
      }
      const surplus = filesBelow(folder).filter((name) => !objects.has(name));
      for (const name of surplus) {
        rmSync(path.join(folder, name), { force: true });
        known.delete(name);
        removeEmptyParents(folder, path.dirname(name));
      }
      return { written, deleted: surplus.length };
    },
    close: () => client.destroy(),
  };
}

/** No folder markers, nothing that would leave the folder or clash with a file of ours. */
const isSafeName = (name: string): boolean => name !== '' && !name.endsWith('/') && !name.split('/').some((part) => part === '' || part === '.' || part === '..');

async function list(client: S3Client, bucket: string, prefix: string): Promise<readonly _Object[]> {
  const objects: _Object[] = [];
  for (let token: string | undefined; ; ) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(token === undefined ? {} : { ContinuationToken: token }) }));
    objects.push(...(page.Contents ?? []));
    token = page.NextContinuationToken;
    if (!page.IsTruncated || token === undefined) return objects;
  }
}

/** Python's caches are no objects and stay; they are named after a source that is gone, so nobody imports them. */
function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((name) => !name.split(path.sep).includes('__pycache__') && !name.endsWith('.part'));
}

function removeEmptyParents(root: string, folder: string): void {
  for (let at = folder; at !== '.' && at !== ''; at = path.dirname(at)) {
    rmSync(path.join(root, at, '__pycache__'), { recursive: true, force: true });
    try {
      rmdirSync(path.join(root, at));
    } catch {
      return; // not empty: other objects live there
    }
  }
}
