/** The DAG folder of the checked-out repository, with a digest of every file. Links are not followed; nothing of a content leaves this file. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import path from 'node:path';
import type { RepositoryFile } from '../ports.js';

/** More is no DAG folder. */
const MAX_FILES = 50_000;
/** Files at a time: enough to keep a disk busy. */
const AT_ONCE = 32;
/** What is larger no scheduler parses; its size is compared all the same. */
const MAX_BYTES = 64 * 1024 * 1024;
const NOT_ENTERED: ReadonlySet<string> = new Set(['.git', 'node_modules', '__pycache__', '.venv', 'venv']);

/**
 * @param folder from the root of the repository; the migration file's schema keeps it inside
 * @returns files in the order of their paths; undefined: there is no such folder, or it has more files than anybody's DAG folder
 */
export async function listRepositoryFiles(workspace: string, folder: string): Promise<readonly RepositoryFile[] | undefined> {
  const root = path.resolve(workspace, folder);
  if (root !== path.resolve(workspace) && !root.startsWith(path.resolve(workspace) + path.sep)) return undefined;
  const paths = await walk(root);
  if (!paths) return undefined;
  const files: RepositoryFile[] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE)
    for (const file of await Promise.all(paths.slice(at, at + AT_ONCE).map((name) => describe(root, name)))) if (file) files.push(file);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function walk(root: string): Promise<readonly string[] | undefined> {
  const found: string[] = [], folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      // A link is neither a file nor a folder here.
      for await (const entry of await opendir(path.join(root, folder))) {
        const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !NOT_ENTERED.has(entry.name)) folders.push(name);
        else if (entry.isFile()) found.push(name);
      }
    } catch {
      if (folder === '') return undefined;
      // One folder that is gone or closed to us: its files show as "only in the bucket".
    }
    if (found.length > MAX_FILES) return undefined;
  }
  return found;
}

async function describe(root: string, name: string): Promise<RepositoryFile | undefined> {
  try {
    // O_NOFOLLOW: between listing and opening nothing can be exchanged.
    const handle = await open(path.join(root, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { size } = await handle.stat();
      return { path: name, bytes: size, md5: size > MAX_BYTES ? '' : createHash('md5').update(await handle.readFile()).digest('hex') };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined; // Gone, or closed to us: it shows as "only in the bucket".
  }
}
