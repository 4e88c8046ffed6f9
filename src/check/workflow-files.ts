/** DAGs, plugins and requirements of the repository, copied to where MWAA puts them, so that loading them changes nothing in the workspace. */
import { cp, lstat, mkdir, readFile, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../errors.js';
import type { MigrationFile } from '../migration-file/migration-file.js';

export type WorkflowFiles = Readonly<{
  /** From the root of the repository, with "/". */
  dags: string;
  requirements: string | undefined;
  plugins: string | undefined;
  /** A zip file is unpacked before it is loaded. */
  isPluginsZip: boolean;
}>;

/**
 * @returns undefined where the migration file names no path and the usual DAG folder is not there: a repository that holds the migration alone
 * @throws UserError when a path that the migration file names is not there
 */
export async function findWorkflowFiles(root: string, resources: MigrationFile['resources'], location: string): Promise<WorkflowFiles | undefined> {
  const kindOf = (name: string): Promise<'folder' | 'file' | undefined> => kindIn(root, name);
  const dags = clean(resources.dags);
  const namesNothing = resources.isDagsNamed === false && resources.requirements === undefined && resources.plugins === undefined;
  if (namesNothing && (await kindOf(dags)) === undefined) return undefined;
  if ((await kindOf(dags)) !== 'folder')
    throw new UserError(`There is no folder "${dags}" in ${root}.`, 'phase check loads the DAGs of the repository.', `check out the repository before this step (actions/checkout), or name the folder in ${location}: resources.dags.`);
  const beside = path.posix.dirname(dags);
  const first = async (names: readonly string[], kinds: readonly string[]): Promise<string | undefined> => {
    for (const name of names) if (kinds.includes((await kindOf(name)) ?? '')) return name;
    return undefined;
  };
  const named = async (name: string, key: string, kinds: readonly string[]): Promise<string> => {
    if (kinds.includes((await kindOf(name)) ?? '')) return name;
    throw new UserError(`${location}: resources.${key} names "${name}", which is no ${kinds.join(' or ')} in ${root}.`, 'without it the check would say that all is well where nothing was looked at.', 'correct the path, from the root of the repository.');
  };
  const requirements = resources.requirements === undefined
    ? await first([path.posix.join(beside, 'requirements.txt'), 'requirements.txt', path.posix.join(dags, 'requirements.txt')], ['file'])
    : await named(clean(resources.requirements), 'requirements', ['file']);
  const plugins = resources.plugins === undefined
    ? await first(['plugins', 'plugins.zip'].flatMap((name) => [path.posix.join(beside, name), name]), ['folder', 'file'])
    : await named(clean(resources.plugins), 'plugins', ['folder', 'file']);
  const isPluginsZip = plugins !== undefined && (await kindOf(plugins)) === 'file';
  return { dags: await realName(root, dags), requirements, plugins: plugins === undefined || isPluginsZip ? plugins : await realName(root, plugins), isPluginsZip };
}

/** A folder that is a link goes by the name of what it leads to: there an annotation can stand. */
const realName = async (root: string, name: string): Promise<string> => path.relative(await realpath(root), await realpath(path.join(root, name))).split(path.sep).join('/') || '.';

/** Entries behind links; a few links that lead to each other's folders would give any number. */
const MAX_BEHIND_LINKS = 20_000;

/**
 * Copies a folder. A link becomes what it leads to, as by `aws s3 sync` and `cp`, if that lies in the repository and is not git's own.
 * @returns the links that were left out, and whatever is neither file nor folder, from the root of the repository
 */
export async function copyFolder(root: string, name: string, to: string): Promise<readonly string[]> {
  const base = await realpath(root), leftOut: string[] = [];
  let behindLinks = 0;
  /** @param around the real folders that hold `from`: a link to one of them would have no end */
  const copy = async (from: string, shown: string, target: string, around: readonly string[], isBehindLink: boolean): Promise<void> => {
    if (isBehindLink && (behindLinks += 1) > MAX_BEHIND_LINKS) return void leftOut.push(shown);
    const stats = await lstat(from);
    if (stats.isSymbolicLink()) {
      const real = await realpath(from).catch(() => undefined);
      const parts = real?.startsWith(base + path.sep) === true ? path.relative(base, real).split(path.sep) : ['.git'];
      // .git/config holds the token with which the repository was checked out.
      if (real === undefined || parts.includes('.git') || around.includes(real)) return void leftOut.push(shown);
      return copy(real, shown, target, around, true);
    }
    if (stats.isFile()) return cp(from, target, { preserveTimestamps: true });
    if (!stats.isDirectory()) return void leftOut.push(shown);
    await mkdir(target, { recursive: true });
    for (const entry of (await readdir(from)).sort())
      if (entry !== '__pycache__' && entry !== '.git') await copy(path.join(from, entry), path.posix.join(shown, entry), path.join(target, entry), [...around, from], isBehindLink);
  };
  await copy(await realpath(path.join(root, name)), name, to, [], false);
  return leftOut;
}

/** What a reader has to know of what copyFolder left out. */
export const leftOutNote = (leftOut: readonly string[]): readonly string[] => (leftOut.length === 0 ? [] : [
  `${leftOut.slice(0, 20).join(', ')}${leftOut.length > 20 ? `, … (${leftOut.length})` : ''}: ${leftOut.length === 1 ? 'a link that leads' : 'links that lead'} nowhere, in a circle, into .git or out of the repository, or no ordinary ${leftOut.length === 1 ? 'file' : 'files'}. Not loaded here; a copy by "aws s3 sync" may hold what is behind.`,
]);

/** At most 1 MiB: a larger one is none. Undefined: it is not there. */
export async function readText(root: string, name: string): Promise<string | undefined> {
  if ((await kindIn(root, name)) !== 'file') return undefined;
  const content = await readFile(path.join(root, name));
  return content.length > 1024 * 1024 ? undefined : content.toString('utf8');
}

/** Number of .py files below a folder. */
export async function countPython(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.py')).length;
}

const clean = (name: string): string => path.posix.normalize(name).replace(/\/$/u, '');

/** undefined also for what is a link, or lies behind one that leads out of the repository. */
async function kindIn(root: string, name: string): Promise<'folder' | 'file' | undefined> {
  const wanted = path.join(root, name);
  const [real, base] = await Promise.all([realpath(wanted).catch(() => undefined), realpath(root)]);
  if (real === undefined || (real !== base && !real.startsWith(base + path.sep))) return undefined;
  const stats = await lstat(real);
  return stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : undefined;
}
