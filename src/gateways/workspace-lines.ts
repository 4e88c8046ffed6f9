/** Searches the checked-out repository. Links are not followed, what is not text is not read, and nothing of a line leaves this file. */
import { constants } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import path from 'node:path';
import type { FileSearch, LineSearch, NamedLine } from '../reference-sources.js';

/** Folders that hold other people's code or none. */
const NOT_ENTERED: ReadonlySet<string> = new Set(['.git', 'node_modules', '.terraform', '__pycache__', '.venv', 'venv', '.tox']);
/** `files`: read in one search. `bytes`: of one file; larger ones are data. `lines`: found; nobody works through more in one sitting. */
export const LIMITS = { files: 20_000, bytes: 1024 * 1024, lines: 500 } as const;
/** Files at a time: enough to keep a disk busy. */
const AT_ONCE = 16;
/** Bytes of a file's beginning in which a NUL means "not text", as git decides. */
const LOOKED_AT = 8_000;

/**
 * @param workspace root of the repository
 * @param limits smaller in tests
 * @returns lines in the order of their paths; a file that goes or cannot be read is left out, and counted as unread
 */
export async function searchLines(workspace: string, { needles, match, without }: LineSearch, limits: Readonly<Record<keyof typeof LIMITS, number>> = LIMITS): Promise<FileSearch> {
  const { paths, isWhole } = await listFiles(workspace, new Set(without), limits.files);
  const wanted = needles.map((needle) => Buffer.from(needle));
  const found: NamedLine[] = [];
  let files = 0, unread = 0;
  for (let at = 0; at < paths.length && found.length <= limits.lines; at += AT_ONCE) {
    const batch = await Promise.all(paths.slice(at, at + AT_ONCE).map(async (name) => [name, await readText(path.join(workspace, name), limits.bytes)] as const));
    for (const [name, text] of batch) {
      if (text === undefined) unread += 1;
      else files += 1;
      if (!text || !wanted.some((needle) => text.includes(needle))) continue;
      text.toString('utf8').split(/\r\n?|\n/u).forEach((line, index) => {
        const kinds = match(line);
        if (kinds.length > 0) found.push({ path: name.split(path.sep).join('/'), line: index + 1, kinds });
      });
    }
  }
  return { lines: found.slice(0, limits.lines), files, unread, isWhole: isWhole && found.length <= limits.lines };
}

async function listFiles(workspace: string, without: ReadonlySet<string>, most: number): Promise<Readonly<{ paths: readonly string[]; isWhole: boolean }>> {
  const paths: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries: { name: string; isFolder: boolean }[] = [];
    try {
      // A link is neither a file nor a folder here.
      for await (const entry of await opendir(path.join(workspace, folder))) if (entry.isFile() || entry.isDirectory()) entries.push({ name: path.join(folder, entry.name), isFolder: entry.isDirectory() });
    } catch {
      continue; // gone or closed to us: the report counts files, and says that links and unreadable ones are left out
    }
    for (const { name, isFolder } of entries) {
      if (isFolder && !NOT_ENTERED.has(path.basename(name))) folders.push(name);
      if (!isFolder && !without.has(name.split(path.sep).join('/'))) paths.push(name);
    }
    if (paths.length > most) return { paths: paths.slice(0, most).sort(), isWhole: false };
  }
  return { paths: paths.sort(), isWhole: true };
}

/** Empty: no text. undefined: too large, or not to be read. */
async function readText(file: string, most: number): Promise<Buffer | undefined> {
  try {
    // Between listing and reading somebody's build may have put a link there.
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await handle.stat();
      if (size > most) return undefined;
      const body = await handle.readFile();
      return body.subarray(0, LOOKED_AT).includes(0) ? Buffer.alloc(0) : body;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
