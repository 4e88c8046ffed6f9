/** The corpora as repositories of a user, in folders of their own. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Edit, Road } from './break-table.js';

const HERE = fileURLToPath(new URL('.', import.meta.url));

export type Kind = 'broken' | 'good' | 'moved' | 'hostile';

/**
 * Copies the repositories of these kinds into `folder`, one over the other, with a migration file as a user has it.
 * What lies in `packed.zip.d` becomes `dags/packed.zip`.
 */
export async function makeRepository(folder: string, road: Road, ...kinds: readonly Kind[]): Promise<string> {
  mkdirSync(path.join(folder, '.github'), { recursive: true });
  for (const kind of kinds) cpSync(path.join(HERE, kind, road.name), folder, { recursive: true });
  const unpacked = path.join(folder, 'packed.zip.d');
  if (existsSync(unpacked)) {
    await promisify(execFile)('python3', ['-m', 'zipfile', '-c', path.join(folder, 'dags', 'packed.zip'), 'pack', 'packed_dag.py'], { cwd: unpacked });
    rmSync(unpacked, { recursive: true });
  }
  writeFileSync(path.join(folder, '.github', 'mwaa-migration.yml'), [
    `source: { environment: corpus, region: eu-west-1, airflow-version: ${road.source} }`,
    `target: { environment: corpus-v2, airflow-version: ${road.target} }`,
    '',
  ].join('\n'));
  return folder;
}

/** Files of a repository of the corpora, from its root with "/". */
export const filesOf = (kind: Kind, road: Road): readonly string[] =>
  readdirSync(path.join(HERE, kind, road.name), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => path.relative(path.join(HERE, kind, road.name), path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));

/** @throws Error when the text to replace is not there exactly once: the table no longer fits the file */
export function applyEdits(folder: string, edits: readonly Edit[]): void {
  for (const { file, from, to } of edits) {
    const place = path.join(folder, file), text = readFileSync(place, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${file} holds "${from}" ${text.split(from).length - 1} times.`);
    writeFileSync(place, text.replace(from, () => to));
  }
}
