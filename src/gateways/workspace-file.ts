/** Files of the repository that the job checked out. Nothing outside it is read, whatever a path or a link says. */
import { lstat, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../errors.js';

const MAX_BYTES = 1024 * 1024;

/**
 * @param workspace root of the checked-out repository
 * @param name path from there, as the input gives it
 * @param input the input that names it, for messages
 */
export async function readWorkspaceFile(workspace: string, name: string, input: string): Promise<string> {
  const refuse = (what: string, why: string, fix: string, cause?: unknown): UserError => new UserError(`Input ${input}: ${what}`, why, fix, cause ? { cause } : undefined);
  const root = await realpath(workspace);
  const wanted = path.resolve(root, name);
  if (wanted !== root && !wanted.startsWith(root + path.sep)) throw refuse(`"${name}" lies outside the workspace ${workspace}.`, 'the migration file decides what moves where, so it comes from the reviewed repository only.', 'put the file into the repository and name it from its root.');
  const [file, stats] = await Promise.all([realpath(wanted), lstat(wanted)]).catch((error: unknown) => {
    throw refuse(`there is no file "${name}" in ${workspace}.`, isMissing(error) ? 'without it nothing says which environments to move.' : `it cannot be read (${error instanceof Error ? error.message : 'no reason given'}).`, 'check out the repository before this step (actions/checkout), or correct the path; docs/reference/migration-file.md shows a first file.', error);
  });
  if (file !== wanted) throw refuse(`"${name}" is a symbolic link, or lies behind one.`, 'a link could lead out of the reviewed repository.', 'put the file itself there.');
  if (!stats.isFile()) throw refuse(`"${name}" is not a file.`, 'only a file can say what to move.', `name the file, for example ${name.replace(/\/$/u, '')}/mwaa-migration.yml.`);
  if (stats.size > MAX_BYTES) throw refuse(`"${name}" has ${stats.size} bytes.`, 'a migration file is at most 1 MiB.', 'name the right file.');
  return await readFile(file, 'utf8');
}

const isMissing = (error: unknown): boolean => typeof error === 'object' && error !== null && (error as { code?: unknown }).code === 'ENOENT';
