/**
 * Writes the two DAG files that ship, each self-contained: `node scripts/dags.mjs <outFolder>`.
 * src/dags/<name>.py and the modules of src/dags/_parts it reaches become one file; imports of the standard library and of packages
 * stand once at the top, in order, so that the same sources always give the same bytes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const sources = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'src', 'dags');
export const DAG_NAMES = ['db_export', 'db_import'];
const RENDERED_LINE = 'RENDERED = None  # mwaa-migrate: rendered';

/** @returns the text of dist/dags/<name>.py @throws Error when two parts define the same name, for one would silently win */
export function joinDag(name) {
  const main = parse(readFileSync(path.join(sources, `${name}.py`), 'utf8'), `${name}.py`);
  const parts = [];
  const reach = ({ needs }) => {
    for (const need of needs) {
      if (parts.some((part) => part.name === need)) continue;
      const part = { name: need, ...parse(readFileSync(path.join(sources, '_parts', `${need}.py`), 'utf8'), `_parts/${need}.py`) };
      reach(part);
      if (!parts.some((other) => other.name === need)) parts.push(part);
    }
  };
  reach(main);
  const owners = new Map();
  for (const { name: part, body } of [...parts, { name, body: main.body }])
    for (const [, defined] of body.matchAll(/^(?:def |class )?([A-Za-z_]\w*)(?: = |[(:])/gm)) {
      if (/^(?:try|if|else|finally)$/.test(defined)) continue;
      if (owners.has(defined) && owners.get(defined) !== part) throw new Error(`${defined} is defined in both ${owners.get(defined)} and ${part}: one file can hold it once`);
      owners.set(defined, part);
    }
  if (!main.body.includes(`${RENDERED_LINE}\n`)) throw new Error(`${name}.py lacks the line "${RENDERED_LINE}"`);
  const imports = [...new Set([...parts, main].flatMap((part) => part.imports))].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  // The rendered constants stand first, where a reader of the file looks.
  const head = `${main.doc}\n# Made by scripts/dags.mjs from src/dags: change it there.\n${imports.join('\n')}\n\n${RENDERED_LINE}\n`;
  const bodies = [...parts.map(({ name: part, doc, body }) => `# ---- ${part}: ${doc.split('\n')[0].replaceAll('"""', '')}\n\n${body.trim()}\n`), main.body.replace(`${RENDERED_LINE}\n`, '').trim() + '\n'];
  return `${head}\n\n${bodies.join('\n\n')}`;
}

/** @param folder e.g. dist/dags */
export function writeDags(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of DAG_NAMES) writeFileSync(path.join(folder, `${name}.py`), joinDag(name));
}

/** Splits a module into docstring, imports of others, parts it needs, and the rest. Imports stand unindented at its top, one line each. */
function parse(text, file) {
  const doc = /^"""[\s\S]*?"""\n/.exec(text);
  if (!doc) throw new Error(`src/dags/${file} does not begin with a docstring`);
  const needs = [];
  const imports = [];
  const rest = text.slice(doc[0].length).split('\n').filter((line) => {
    const part = /^from _parts\.(\w+) import /.exec(line);
    if (part) needs.push(part[1]);
    else if (/^(?:import|from) /.test(line)) imports.push(line.replace(/\s+#.*$/, ''));
    else return true;
    if (/[(\\]\s*$/.test(line)) throw new Error(`src/dags/${file}: an import must be one line: ${line}`);
    return false;
  });
  return { doc: doc[0].trimEnd(), needs, imports, body: rest.join('\n') };
}

/** Standard library, then packages. */
const rank = (line) => (/^(?:import|from) (?:airflow|boto3|botocore|cryptography|psycopg2)/.test(line) ? 1 : 0);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  if (!folder) {
    console.error('Usage: node scripts/dags.mjs <outFolder>   writes db_export.py and db_import.py there');
    process.exit(1);
  }
  writeDags(folder);
}
