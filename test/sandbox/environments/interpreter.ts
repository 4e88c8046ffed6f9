/** Finds a Python of one minor version on this machine. */
import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { runCommand } from './command.js';

/**
 * @param minor e.g. '3.11'
 * @returns absolute path of the interpreter
 * @throws Error that names the version and the ways to get it
 */
export async function findPython(minor: string): Promise<string> {
  const env = { PATH: process.env.PATH ?? '', HOME: os.homedir() };
  const uv = path.join(ensureTools(), 'uv');
  const isRight = async (candidate: string): Promise<boolean> => {
    const { code, stdout } = await runCommand(candidate, ['-c', 'import ssl, sys; print("%d.%d" % sys.version_info[:2])'], { env, timeoutSeconds: 20 });
    return code === 0 && stdout.trim() === minor;
  };
  for (const candidate of [...installedBelow(path.join(process.env.PYENV_ROOT ?? path.join(os.homedir(), '.pyenv'), 'versions'), minor), ...hostedTools(minor)])
    if (await isRight(candidate)) return candidate;
  // After pyenv's own folders: its shims on PATH answer for a version that is not selected.
  const found = await runCommand(uv, ['python', 'find', '--no-project', '--system', minor], { env });
  if (found.code === 0 && (await isRight(found.stdout.trim()))) return found.stdout.trim();
  const fetched = await runCommand(uv, ['python', 'install', '--quiet', minor], { env, timeoutSeconds: 300 });
  const managed = fetched.code === 0 ? await runCommand(uv, ['python', 'find', '--no-project', '--managed-python', minor], { env }) : fetched;
  if (managed.code === 0 && (await isRight(managed.stdout.trim()))) return managed.stdout.trim();
  throw new Error(`No Python ${minor} was found (looked in pyenv's versions, the runner's tool cache, PATH), and "uv python install ${minor}" could not fetch one. ` +
    `Install it with "pyenv install ${minor}", the system's package manager, or on a machine that reaches GitHub "uv python install ${minor}".`);
}

/** Folders named 3.11.7 below `root`, newest first. */
function installedBelow(root: string, minor: string): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => name.startsWith(`${minor}.`) && existsSync(path.join(root, name, 'bin', 'python3')))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => path.join(root, name, 'bin', 'python3'));
}

/** GitHub-hosted runners: <RUNNER_TOOL_CACHE>/Python/3.11.9/x64/bin/python3. */
function hostedTools(minor: string): readonly string[] {
  const root = path.join(process.env.RUNNER_TOOL_CACHE ?? '/opt/hostedtoolcache', 'Python');
  if (!existsSync(root)) return [];
  return readdirSync(root).filter((name) => name.startsWith(`${minor}.`)).map((name) => path.join(root, name, 'x64', 'bin', 'python3')).filter((file) => existsSync(file));
}
