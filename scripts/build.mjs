/**
 * Builds dist/ from src/: the bundle with its licences, and the DAG files. `--check` builds aside and compares with what is committed.
 * The bundle is then run once, because ncc can succeed and leave a bundle that dies at its first import.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensurePackages, root } from './packages.mjs';

const check = process.argv.includes('--check');

function run(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`"${path.basename(command)} ${args.join(' ')}" ended with code ${status}:\n${stdout}\n${stderr}`);
  return stdout;
}

function filesBelow(folder, prefix = '') {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(path.join(folder, entry.name), `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`]).sort();
}

/** Names of files that differ between two folders, or are in one of them only. */
function differences(one, other) {
  const names = new Set([...filesBelow(one), ...(existsSync(other) ? filesBelow(other) : [])]);
  return [...names].filter((name) => {
    const [a, b] = [path.join(one, name), path.join(other, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
}

/** The bundle must start and refuse a phase that does not exist, by our own message. */
function smoke(folder) {
  const { status, stdout } = spawnSync(process.execPath, [path.join(folder, 'index.js')], {
    cwd: os.tmpdir(), encoding: 'utf8', env: { PATH: process.env.PATH, MWAA_INPUTS: JSON.stringify({ phase: 'no-such-phase' }) },
  });
  if (status !== 1 || !stdout.includes('no-such-phase')) throw new Error(`The bundle does not run: code ${status}, output:\n${stdout}`);
}

ensurePackages();
const out = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-dist-'));
try {
  run(process.execPath, ['node_modules/@vercel/ncc/dist/ncc/cli.js', 'build', 'src/index.ts', '--minify', '--license', 'licenses.txt', '--no-cache', '--out', out]);
  run(process.execPath, ['scripts/dags.mjs', path.join(out, 'dags')]);
  cpSync(path.join(root, 'src/check/python'), path.join(out, 'check'), { recursive: true, filter: (name) => !/__pycache__|\.toml$/.test(name) });
  smoke(out);
  const dist = path.join(root, 'dist');
  const changed = differences(out, dist);
  if (check) {
    if (changed.length > 0) throw new Error(`dist is not built from src: ${changed.join(', ')} differ. Run "npm run build" and commit dist.`);
    console.log('dist is what src builds, and it runs.');
  } else {
    rmSync(dist, { recursive: true, force: true });
    cpSync(out, dist, { recursive: true });
    console.log(`dist: ${filesBelow(dist).length} files, index.js ${(statSync(path.join(dist, 'index.js')).size / 1024 / 1024).toFixed(2)} MiB, ${changed.length} changed.`);
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
