/** Real Airflow releases as virtual environments in the cache folder, shared by all environments of a version. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, ensureTools } from '../../../scripts/python.mjs';
import { buildOnce } from './build-once.js';
import { runOrFail } from './command.js';
import { findPython } from './interpreter.js';
import { isAtLeast, releaseOf, type Release } from './releases.js';

export type Installation = Readonly<{
  release: Release;
  folder: string;
  python: string;
  /** Names this installation among all others, for what is cached beside it. */
  key: string;
  constraintsFile: string;
}>;

const CONSTRAINTS_FOLDER = fileURLToPath(new URL('../airflow-constraints/', import.meta.url));
/** Raised when the way of building changes, so that old folders are not taken for new ones. */
const LAYOUT = 1;

/** Installs the version once per machine; 4–50 s the first time (network), a few milliseconds later. */
export async function ensureAirflow(version: string, log: (line: string) => void): Promise<Installation> {
  const release = releaseOf(version);
  const constraintsFile = path.join(CONSTRAINTS_FOLDER, `${version}-py${release.python}.txt`);
  const constraints = readFileSync(constraintsFile, 'utf8');
  const key = `airflow-${version}-py${release.python}-${digest([String(LAYOUT), constraints, JSON.stringify(release)])}`;
  const folder = path.join(cacheFolder, key);
  await buildOnce(folder, async () => {
    const started = Date.now();
    log(`Installing Airflow ${version} with Python ${release.python} into the cache …`);
    const interpreter = await findPython(release.python);
    await (release.installer === 'uv' ? installWithUv(folder, interpreter, release.requirements, constraintsFile) : installWithOldPip(folder, interpreter, release, constraints));
    log(`Airflow ${version} is installed after ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  });
  return { release, folder, python: path.join(folder, 'bin', 'python'), key, constraintsFile };
}

/** What the installation's Python is given to run `airflow <args>`: 1.10 is a program beside it, and no module that can be run. */
export const airflowArguments = ({ release, python }: Pick<Installation, 'release' | 'python'>, args: readonly string[]): readonly string[] =>
  isAtLeast(release.version, '2.0') ? ['-m', 'airflow', ...args] : [path.join(path.dirname(python), 'airflow'), ...args];

/** First 12 hex digits. */
export const digest = (parts: readonly string[]): string => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);

/** What installers get of our own environment; registries and proxies are configured there. */
export function installerEnvironment(): Readonly<Record<string, string>> {
  const wanted = /^(PATH|LANG|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|PIP_.*|UV_.*|XDG_.*)$/;
  return { HOME: os.homedir(), ...Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => wanted.test(entry[0]) && entry[1] !== undefined)) };
}

export async function installWithUv(folder: string, interpreter: string, requirements: readonly string[], constraintsFile: string): Promise<void> {
  const uv = path.join(ensureTools(), 'uv'), env = installerEnvironment();
  await runOrFail(uv, ['venv', '--quiet', '--python', interpreter, folder], { env });
  await runOrFail(uv, ['pip', 'install', '--quiet', '--python', path.join(folder, 'bin', 'python'), ...requirements, '--constraint', constraintsFile], { env });
}

async function installWithOldPip(folder: string, interpreter: string, release: Release, constraints: string): Promise<void> {
  const env = installerEnvironment(), python = path.join(folder, 'bin', 'python');
  await runOrFail(interpreter, ['-m', 'venv', folder], { env });
  await runOrFail(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'pip<22', 'setuptools<58', 'wheel'], { env });
  const usable = constraints.split('\n').filter((line) => !release.unconstrained.some((name) => line.toLowerCase().startsWith(`${name}==`))).join('\n');
  const file = path.join(folder, 'constraints.txt');
  writeFileSync(file, usable);
  await runOrFail(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...release.requirements, '--constraint', file], { env });
}
