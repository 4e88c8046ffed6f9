/** What of the repository is copied to where it is loaded: what MWAA would get, and nothing from outside. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { copyFolder, findWorkflowFiles, leftOutNote } from '../../../src/check/workflow-files.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-files-')));
  put('repo/dags/plain.py', 'plain');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);
function put(name: string, content: string): void {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
}
/** @param to from the folder of the link */
const link = (name: string, to: string): void => symlinkSync(to, at(name));
const copied = async (): Promise<readonly [readonly string[], readonly string[]]> => {
  const leftOut = await copyFolder(at('repo'), 'dags', at('copy'));
  const files = readdirSync(at('copy'), { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  for (const entry of files) expect(entry.isFile()).toBe(true);
  return [files.map((entry) => path.relative(at('copy'), path.join(entry.parentPath, entry.name))).sort(), leftOut];
};

it('copies what a link leads to, a file or a folder, where it stays in the repository', async () => {
  put('repo/shared/linked.py', 'behind the link');
  link('repo/dags/linked.py', '../shared/linked.py');
  link('repo/dags/common', '../shared');
  expect(await copied()).toEqual([['common/linked.py', 'linked.py', 'plain.py'], []]);
  expect(readFileSync(at('copy/linked.py'), 'utf8')).toBe('behind the link');
});

it.each([
  ['out of the repository', '../../outside/secret.py'], ['to a folder whose name only begins as the repository\'s', '../../repo-beside'], ['into .git', '../.git/config'], ['to .git', '../.git'], ['to nothing', 'nowhere.py'], ['to itself', 'link'], ['to the folder that it is in', '.'], ['to the whole repository', '..'],
])('leaves out a link that leads %s, and names it', async (_, to) => {
  for (const name of ['outside/secret.py', 'repo-beside/secret.py', 'repo/.git/config', 'repo/dags/.git/config', 'repo/dags/__pycache__/plain.pyc']) put(name, 'canary');
  link('repo/dags/link', to);
  const [files, leftOut] = await copied();
  expect(files).toEqual(['plain.py']);
  expect(leftOut).toEqual(['dags/link']);
  expect(leftOutNote(leftOut).join()).toContain('dags/link');
});

it('follows a DAG folder that is a link, and calls it by its real name, where an annotation can stand', async () => {
  put('repo/src/pipelines/real.py', 'real');
  put('repo/requirements.txt', '');
  link('repo/workflows', 'src/pipelines');
  const files = await findWorkflowFiles(at('repo'), { from: 'repository', dags: 'workflows', requirements: undefined, plugins: undefined }, 'mwaa-migration.yml');
  if (files === undefined) throw new Error('nothing found');
  expect(files).toMatchObject({ dags: 'src/pipelines', requirements: 'requirements.txt' });
  expect(await copyFolder(at('repo'), files.dags, at('copy'))).toEqual([]);
  expect(readdirSync(at('copy'))).toEqual(['real.py']);
});

it('finds nothing in a repository that holds the migration alone, and refuses a folder that is named and missing', async () => {
  const find = async (given: object) => findWorkflowFiles(at('other'), { from: 'source', dags: 'dags', isDagsNamed: false, requirements: undefined, plugins: undefined, ...given }, 'mwaa-migration.yml');
  mkdirSync(at('other'));
  expect(await find({})).toBeUndefined();
  for (const named of [{ isDagsNamed: true }, { isDagsNamed: true, dags: 'workflows' }, { requirements: 'requirements.txt' }, { plugins: 'plugins' }]) await expect(find(named)).rejects.toThrow('There is no folder');
  // A file of that name is no DAG folder, but no sign either that nothing is to be checked.
  put('other/dags', '');
  await expect(find({})).rejects.toThrow('There is no folder');
});

it('says nothing where nothing was left out', () => expect(leftOutNote([])).toEqual([]));
