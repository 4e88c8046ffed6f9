import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dagFiles, dailySalesUntil, pluginsZip } from '../../e2e/source/folder.js';
import { storedZip } from '../../e2e/source/zip.js';

it('makes a plugins.zip that Python opens, the same each time', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-zip-'));
  try {
    const file = path.join(folder, 'plugins.zip');
    writeFileSync(file, storedZip([{ path: 'a.py', body: Buffer.from('x = 1\n') }, { path: 'ordner/größe.txt', body: Buffer.from('ü'.repeat(1000)) }]));
    const { stdout, status } = spawnSync('python3', ['-c', `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(archive.testzip(), [(i.filename, i.file_size, oct(i.external_attr >> 16)) for i in archive.infolist()], archive.read("a.py"))`, file], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: `None [('a.py', 6, '0o100644'), ('ordner/größe.txt', 2000, '0o100644')] b'x = 1\\n'\n`, status: 0 });
    expect(pluginsZip().equals(pluginsZip())).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('moves the last day of daily_sales on, and nothing else', () => {
  const before = dagFiles().find(({ path: name }) => name === 'daily_sales.py')?.body.toString().split('\n') ?? [];
  const after = dailySalesUntil('2026-06-21').body.toString().split('\n');
  expect(after.filter((line, index) => line !== before[index])).toEqual(['LAST_DAY = "2026-06-21"']);
});
