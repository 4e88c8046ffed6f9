/** All linters, one line each: TypeScript, the Python DAGs (3.7 grammar), workflows, shell. `--json` prints what test.mjs counts. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ensurePackages, root } from './packages.mjs';
import { ensureTools } from './python.mjs';

ensurePackages();
const bin = ensureTools();
const tool = (name) => path.join(bin, name);
const files = (...patterns) => {
  const { stdout } = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns], { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((file) => file && existsSync(path.join(root, file)));
};

export const LINTERS = [
  { name: 'eslint', command: process.execPath, args: ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', 'src', 'test', 'scripts'] },
  { name: 'ruff (DAG files, Python 3.7)', command: tool('ruff'), args: ['check', '--quiet', '--config', 'src/dags/ruff.toml', 'src/dags'] },
  { name: 'ruff (check)', command: tool('ruff'), args: ['check', '--quiet', '--config', 'src/dags/ruff.toml', 'src/check/python'] },
  { name: 'ruff (tests)', command: tool('ruff'), args: ['check', '--quiet', '--config', 'test/ruff.toml', 'test'] },
  { name: 'actionlint', command: tool('actionlint'), args: ['-shellcheck', tool('shellcheck'), ...files('.github/workflows/*.yml', 'docs/examples/*.yml')] },
  { name: 'zizmor', command: tool('zizmor'), args: ['--offline', '--quiet', '--persona', 'pedantic', '--config', '.github/zizmor.yml', '.github', 'action.yml', ...files('docs/examples/*.yml')] },
  { name: 'shellcheck', command: tool('shellcheck'), args: files('.ci/run', '*.sh') },
];

let failed = 0;
for (const { name, command, args } of LINTERS) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) console.log(`ok    ${name}`);
  else {
    failed += 1;
    console.log(`FAIL  ${name}\n${stdout ?? ''}${stderr ?? ''}${error ? error.message : ''}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
