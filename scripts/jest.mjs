/** Runs jest on folders of test/: `node scripts/jest.mjs unit contract/action [-- jest options]`. */
import { spawnSync } from 'node:child_process';
import { ensurePackages, root } from './packages.mjs';

const at = process.argv.indexOf('--');
const folders = process.argv.slice(2, at < 0 ? undefined : at).filter((word) => !word.startsWith('-'));
const options = at < 0 ? process.argv.slice(2).filter((word) => word.startsWith('-')) : process.argv.slice(at + 1);
ensurePackages();
const { status } = spawnSync(process.execPath,
  ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...folders.map((folder) => `test/${folder}`), ...options],
  { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
