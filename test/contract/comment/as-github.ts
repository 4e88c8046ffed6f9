/** What a reader on GitHub sees of a Markdown text: as_github.py, which has GitHub's own parser. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';

export type Seen = Readonly<{
  /** Elements and attributes that GitHub's sanitiser would take away. */
  forbidden: readonly string[];
  comments: readonly string[];
  links: readonly string[];
  images: number;
  headings: readonly (readonly [string, string])[];
  summaries: readonly string[];
  /** Rows of cells, the head first. */
  tables: readonly (readonly (readonly string[])[])[];
  /** Tables outside of <details>. */
  openTables: number;
  listings: readonly string[];
  items: readonly string[];
  firstLine: string;
  mentions: readonly string[];
  references: readonly string[];
  commits: readonly string[];
}>;

export function asGithub<Name extends string>(markdown: Readonly<Record<Name, string>>): Readonly<Record<Name, Seen>> {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'as_github.py');
  const { status, stdout, stderr } = spawnSync(path.join(ensureTools(), 'python'), [script], { input: JSON.stringify(markdown), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`as_github.py ended with code ${String(status)}: ${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<Name, Seen>>;
}
