/** Whether the commands of package.json call npm before they begin: a folder of its own, and an npm that only says so. */
import { expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const one = { version: '1.0.0', integrity: 'sha512-one' }, other = { version: '2.0.0', integrity: 'sha512-other', optional: true };
const LOCK = { '': { name: 'root' }, 'node_modules/one': one, 'node_modules/other': other };

/** @param installed what npm recorded; undefined: there is no node_modules */
function callsOfNpm(installed: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-packages-'));
  try {
    for (const name of ['scripts', 'bin', 'node_modules']) mkdirSync(path.join(folder, name));
    copyFileSync('scripts/packages.mjs', path.join(folder, 'scripts', 'packages.mjs'));
    writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify({ packages: LOCK }));
    if (installed) writeFileSync(path.join(folder, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
    writeFileSync(path.join(folder, 'bin', 'npm'), '#!/bin/sh\necho "npm $1" >&2\n', { mode: 0o755 });
    const start = () => spawnSync(process.execPath, ['--input-type=module', '--eval', `(await import(${JSON.stringify(path.join(folder, 'scripts/packages.mjs'))})).ensurePackages()`], { encoding: 'utf8', env: { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin` } });
    return [start(), start()].map(({ stderr }) => /^npm ci$/mu.exec(stderr)?.[0] ?? stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

it.each([
  { because: 'a clone has no packages', installed: undefined, calls: ['npm ci', ''] },
  { because: 'somebody ran npm ci by hand', installed: { 'node_modules/one': one, 'node_modules/other': other }, calls: ['', ''] },
  { because: 'an optional package is for another system', installed: { 'node_modules/one': one }, calls: ['', ''] },
  { because: 'the lock file has a newer one', installed: { 'node_modules/one': { ...one, version: '0.9.0' } }, calls: ['npm ci', ''] },
  { because: 'one is missing', installed: { 'node_modules/other': other }, calls: ['npm ci', ''] },
  { because: 'the lock file knows it no more', installed: { 'node_modules/one': one, 'node_modules/third': one }, calls: ['npm ci', ''] },
])('npm is called at the first and the second start as $calls: $because', ({ installed, calls }) => expect(callsOfNpm(installed)).toEqual(calls));
