/** The files by which a step tells the runner something. A DAG that finds them could set the next step's environment: they are put back. */
import { lstat, readFile, rm, writeFile } from 'node:fs/promises';
import type { Variables } from './refuse-credentials.js';

/** https://docs.github.com/actions/reference/workflow-commands: read by the runner after the step. */
const NAMES = ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'] as const;

/** undefined: it was not there. */
export type CommandFiles = readonly Readonly<{ name: string; file: string; content: Buffer | undefined }>[];

export async function readCommandFiles(env: Variables): Promise<CommandFiles> {
  return Promise.all(NAMES.flatMap((name) => {
    const file = env[name];
    return file ? [contentOf(file).then((content) => ({ name, file, content }))] : [];
  }));
}

/**
 * To be called when nothing that was started runs any more.
 * @returns the names of the variables whose files had been changed
 */
export async function restoreCommandFiles(files: CommandFiles): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const { name, file, content } of files) {
    const now = await contentOf(file);
    if (content === undefined ? now === undefined : now?.equals(content) === true) continue;
    changed.push(name);
    // Removed first: a link put there must not lead our bytes elsewhere.
    await rm(file, { recursive: true, force: true });
    if (content !== undefined) await writeFile(file, content, { flag: 'wx', mode: 0o644 });
  }
  return changed;
}

/** A link, a folder or a pipe in its place counts as changed. */
async function contentOf(file: string): Promise<Buffer | undefined> {
  const stats = await lstat(file).catch(() => undefined);
  if (!stats) return undefined;
  return stats.isFile() ? readFile(file) : Buffer.from(`not a file: ${stats.mode}`);
}
