import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { listRepositoryFiles } from '../../../src/gateways/repository-files.js';

let workspace: string;
beforeAll(() => {
  workspace = mkdtempSync(path.join(os.tmpdir(), 'repository-files-'));
  for (const folder of ['dags/lib', 'dags/.git', 'dags/__pycache__', 'elsewhere']) mkdirSync(path.join(workspace, folder), { recursive: true });
  for (const [file, text] of [['dags/b.py', 'two'], ['dags/a.py', 'one'], ['dags/lib/c.py', ''], ['dags/.git/HEAD', 'x'], ['dags/__pycache__/a.pyc', 'x'], ['elsewhere/secret.txt', 'secret'], ['file', 'x']] as const) writeFileSync(path.join(workspace, file), text);
  symlinkSync(path.join(workspace, 'elsewhere'), path.join(workspace, 'dags/linked'));
  symlinkSync(path.join(workspace, 'elsewhere/secret.txt'), path.join(workspace, 'dags/linked.py'));
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('DAG files of the repository', () => {
  it('come with size and digest, in the order of their paths, without links and folders of tools', async () =>
    expect(await listRepositoryFiles(workspace, 'dags')).toEqual([{ path: 'a.py', bytes: 3, md5: md5('one') }, { path: 'b.py', bytes: 3, md5: md5('two') }, { path: 'lib/c.py', bytes: 0, md5: md5('') }]));

  it.each(['nowhere', 'file', '../', '../../etc'])('are not there for %s', async (folder) => expect(await listRepositoryFiles(workspace, folder)).toBeUndefined());
});
