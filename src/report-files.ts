/** The report on the runner's disk: one Markdown file for each phase, the same as HTML and for some as JSON beside it, under the same names every time. */
import { rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Phase } from './inputs.js';
import { PAGE_FILE } from './page/page.js';
import type { Env } from './wiring.js';

export type ReportFiles = Readonly<{ markdown: string; html: string; json: string }>;

/** Where they lie. By hand there is no RUNNER_TEMP, and the folder outlives the run. */
export function reportFilesOf(phase: Phase, env: Env): ReportFiles {
  const base = path.join(env['RUNNER_TEMP'] || os.tmpdir(), `mwaa-migrate-${phase}`);
  return { markdown: `${base}.md`, html: `${base}.html`, json: `${base}.json` };
}

/** Before a phase: were it killed, an earlier run's ✅ would stand for it. */
export async function removeReport({ markdown, html, json }: ReportFiles): Promise<void> {
  await Promise.all([markdown, html, json].map((file) => rm(file, { force: true })));
}

/** @param text.html one file without script and network, for an artifact or a mail; not every phase has one */
export async function writeReport(files: ReportFiles, text: Readonly<{ markdown: string; html: string | undefined; json?: string | undefined }>): Promise<void> {
  await writeFile(files.markdown, `${text.markdown}\n`);
  if (text.html !== undefined) await writeFile(files.html, text.html);
  if (text.json !== undefined) await writeFile(files.json, text.json);
}

/** The page of the whole migration. @returns its path */
export async function writePageFile(html: string, env: Env): Promise<string> {
  const file = path.join(env['RUNNER_TEMP'] || os.tmpdir(), PAGE_FILE);
  await writeFile(file, html);
  return file;
}
