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

/** @throws UserError when a path that the migration file names is not there, or there are no DAGs at all */
export async function findWorkflowFiles(root: string, resources: MigrationFile['resources'], location: string): Promise<WorkflowFiles> {
  const kindOf = (name: string): Promise<'folder' | 'file' | undefined> => kindIn(root, name);
  const dags = clean(resources.dags);
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
  return { dags, requirements, plugins, isPluginsZip: plugins !== undefined && (await kindOf(plugins)) === 'file' };
}

/** Copies a folder. Links are left out: S3, where MWAA takes the files from, has none, and one could lead out of the repository. */
export async function copyFolder(root: string, name: string, to: string): Promise<void> {
  const from = path.join(root, name);
  await mkdir(to, { recursive: true });
  await cp(from, to, {
    recursive: true, preserveTimestamps: true,
    filter: async (source) => {
      const base = path.basename(source);
      if (source !== from && (base === '__pycache__' || base === '.git')) return false;
      const stats = await lstat(source);
      return stats.isFile() || stats.isDirectory();
    },
  });
}

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
