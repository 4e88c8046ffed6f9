/** Installs the npm packages of the lock file when they are missing or other than it says; silent and instant otherwise. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const readJson = (...names) => JSON.parse(readFileSync(path.join(root, ...names), 'utf8'));

/**
 * Whether npm's own record of what it has installed (node_modules/.package-lock.json) is what the lock file asks for: someone ran `npm ci` by hand.
 * A package that is optional may be missing, as it is where it belongs to another system.
 */
function isInstalled(lock, installed) {
  // The entry without a name is the repository itself.
  const wanted = Object.fromEntries(Object.entries(lock.packages).filter(([name]) => name !== ''));
  const isSame = (name) => installed.packages[name]?.version === wanted[name]?.version && installed.packages[name]?.integrity === wanted[name]?.integrity;
  return Object.keys(installed.packages).every(isSame) && Object.keys(wanted).every((name) => wanted[name].optional || isSame(name));
}

/** @throws Error when Node is too old or npm fails, with what to do. */
export function ensurePackages() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node ${process.versions.node} is too old: mwaa-migrate needs Node 20 or newer. Install it and run the command again.`);
  }
  const lock = createHash('sha256').update(readFileSync(path.join(root, 'package-lock.json'))).digest('hex');
  const stamp = path.join(root, 'node_modules', '.mwaa-migrate-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  if (existsSync(path.join(root, 'node_modules', '.package-lock.json')) && isInstalled(readJson('package-lock.json'), readJson('node_modules', '.package-lock.json'))) {
    writeFileSync(stamp, lock);
    return;
  }
  console.error('Installing the npm packages of package-lock.json (about 20 s) …');
  // --ignore-scripts: nothing here needs an install script, so none may run.
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`"npm ci" ended with code ${status}. Its message stands above; the npm registry must be reachable.`);
  writeFileSync(stamp, lock);
}
