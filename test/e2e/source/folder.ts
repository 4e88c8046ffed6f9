import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { storedZip } from './zip.js';

const here = path.dirname(fileURLToPath(import.meta.url));

export type SourceFile = Readonly<{ path: string; body: Buffer }>;

/** Airflow options that the source needs, and why; on MWAA they are AirflowConfigurationOptions. */
export const SOURCE_OPTIONS: Readonly<Record<string, string>> = {
  // The default refuses run ids with spaces and non-ASCII letters, which older versions made and people still have.
  'scheduler.allowed_run_id_pattern': '.+',
};

/** Files of the DAG folder, paths relative to it. */
export function dagFiles(): readonly SourceFile[] {
  return filesBelow(path.join(here, 'dags'));
}

export function pluginFiles(): readonly SourceFile[] {
  return filesBelow(path.join(here, 'plugins'));
}

/** MWAA's plugins.zip: the files of the plugins folder at its top; equal bytes each time. */
export function pluginsZip(): Buffer {
  return storedZip(pluginFiles());
}

export function requirementsTxt(): Buffer {
  return readFileSync(path.join(here, 'requirements.txt'));
}

/**
 * daily_sales.py with a later (or earlier) last day. Uploaded to the target after cutover, the day after the twentieth becomes due:
 * as a team opens its books for another day, and independent of the day on which the test runs.
 * @param day ISO date, e.g. 2026-06-21
 */
export function dailySalesUntil(day: string): SourceFile {
  const text = readFileSync(path.join(here, 'dags', 'daily_sales.py'), 'utf8');
  const changed = text.replace(/^LAST_DAY = "[^"]*"$/m, `LAST_DAY = "${day}"`);
  if (!changed.includes(`LAST_DAY = "${day}"`)) throw new Error('daily_sales.py has no line LAST_DAY = "…" any more');
  return { path: 'daily_sales.py', body: Buffer.from(changed) };
}

/** The files that a history depends on: a change in one makes the cached ones worthless. */
export function filesThatMakeHistory(): readonly SourceFile[] {
  const makers = ['expected.ts', 'history.ts', 'hostile.ts', 'plant.sql', 'plant.ts', 'settings.ts'];
  return filesBelow(here).filter(({ path: name }) => name.startsWith('dags/') || name.startsWith('plugins/') || makers.includes(name));
}

function filesBelow(folder: string): readonly SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(path.join(folder, name)).isFile() && !name.includes('__pycache__'))
    .sort()
    .map((name) => ({ path: name.split(path.sep).join('/'), body: readFileSync(path.join(folder, name)) }));
}
