/** uv, and a Python of the target's minor version, wherever this machine has them. */
import { access, mkdir, readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../errors.js';
import { installerEnvironment } from './child-environment.js';
import type { Variables } from './refuse-credentials.js';
import { runProgram, type ProgramResult } from './run-program.js';

/** Fetched from PyPI where the machine has none. */
const UV_VERSION = '0.13.9';

export type Tools = Readonly<{ uv: string; python: string }>;

/**
 * @param minor e.g. '3.11'
 * @param folder ours, empty; thrown away afterwards
 * @throws UserError that says what is missing and how to get it
 */
export async function findTools(minor: string, env: Variables, folder: string): Promise<Tools> {
  const environment = installerEnvironment(env, os.homedir());
  const run = (command: string, args: readonly string[], timeoutSeconds: number): Promise<ProgramResult | undefined> =>
    // No such program, or none that may be started: the next place is tried.
    runProgram({ command, args, env: environment, folder, timeoutSeconds }).catch(() => undefined);
  const uv = await findUv(run, environment, env);
  return { uv, python: await findPython(run, uv, minor, env) };
}

type Run = (command: string, args: readonly string[], timeoutSeconds: number) => Promise<ProgramResult | undefined>;

async function findUv(run: Run, environment: Readonly<Record<string, string>>, env: Variables): Promise<string> {
  for (const folder of (environment['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, 'uv');
    if (path.isAbsolute(folder) && (await isThere(candidate)) && (await run(candidate, ['--version'], 20))?.code === 0) return candidate;
  }
  // Kept between runs: it is only a tool, and nothing of a user's is installed there.
  const kept = path.join(env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'mwaa-migrate', `uv-${UV_VERSION}`);
  const uv = path.join(kept, 'bin', 'uv');
  if (await isThere(uv)) return uv;
  await mkdir(path.dirname(kept), { recursive: true });
  const made = await run('python3', ['-m', 'venv', kept], 120);
  const installed = made?.code === 0 ? await run(path.join(kept, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', `uv==${UV_VERSION}`], 300) : made;
  if (installed?.code === 0) return uv;
  throw new UserError(
    `uv is not on the PATH, and it could not be installed${installed === undefined ? ': there is no python3' : made?.code === 0 ? ' from the Python package index' : ': "python3 -m venv" failed'}.`,
    'phase check installs the target\'s Airflow with it.',
    'install uv (pip install uv, or https://docs.astral.sh/uv/), or python3 with venv and a way to the package index (PIP_INDEX_URL, HTTPS_PROXY).',
  );
}

async function findPython(run: Run, uv: string, minor: string, env: Variables): Promise<string> {
  const isRight = async (candidate: string): Promise<boolean> => (await run(candidate, ['-c', 'import ssl, sys; print("%d.%d" % sys.version_info[:2])'], 20))?.stdout.trim() === minor;
  // pyenv's own folders before PATH: its shims there answer for a version that is not selected.
  const installed = [
    ...(await below(path.join(env['PYENV_ROOT'] || path.join(os.homedir(), '.pyenv'), 'versions'), minor, ['bin', 'python3'])),
    ...(await below(path.join(env['RUNNER_TOOL_CACHE'] || '/opt/hostedtoolcache', 'Python'), minor, ['x64', 'bin', 'python3'])),
    ...(await below(path.join(env['RUNNER_TOOL_CACHE'] || '/opt/hostedtoolcache', 'Python'), minor, ['arm64', 'bin', 'python3'])),
  ];
  for (const candidate of installed) if (await isRight(candidate)) return candidate;
  const found = await run(uv, ['python', 'find', '--no-project', minor], 60);
  const known = found?.code === 0 ? found.stdout.trim() : '';
  if (known !== '' && (await isRight(known))) return known;
  await run(uv, ['python', 'install', '--quiet', minor], 300);
  const managed = await run(uv, ['python', 'find', '--no-project', '--managed-python', minor], 60);
  const fetched = managed?.code === 0 ? managed.stdout.trim() : '';
  if (fetched !== '' && (await isRight(fetched))) return fetched;
  throw new UserError(
    `There is no Python ${minor} on this machine, and "uv python install ${minor}" could not fetch one.`,
    'the target\'s image has that Python, and what loads on another one proves nothing.',
    `add a step with actions/setup-python and python-version: '${minor}' before this one; on a laptop: pyenv install ${minor}, or the system's package manager.`,
  );
}

/** Folders like 3.11.7 below `root`, newest first. */
async function below(root: string, minor: string, inside: readonly string[]): Promise<readonly string[]> {
  const names = (await readdir(root).catch(() => [])).filter((name) => name.startsWith(`${minor}.`));
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).map((name) => path.join(root, name, ...inside));
}

const isThere = (file: string): Promise<boolean> => access(file).then(() => true, () => false);
