/** Installs the npm packages of the lock file when they are missing or older than it; silent and instant otherwise. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** @throws Error when Node is too old or npm fails, with what to do. */
export function ensurePackages() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node ${process.versions.node} is too old: mwaa-migrate needs Node 20 or newer. Install it and run the command again.`);
  }
  const lock = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex');
  const stamp = path.join(root, 'node_modules', '.mwaa-migrate-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing the npm packages of package-lock.json (about 20 s) …');
  // --ignore-scripts: nothing here needs an install script, so none may run.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`"npm ci" ended with code ${status}. Its message stands above; the npm registry must be reachable.`);
  writeFileSync(stamp, lock);
}
