/**
 * Writes docs/reference/compatibility.md from what the last `npm run test:matrix` has shown on this machine: every pair of versions
 * whose import was equal to Airflow's own upgrade (test/metadata). Run by that command; it fails where pairs are missing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './packages.mjs';
import { cacheFolder } from './python.mjs';

const { pairs, sources, targets, tolerated } = JSON.parse(readFileSync(path.join(cacheFolder, 'matrix.json'), 'utf8'));
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const found = (source, target) => pairs.find((pair) => pair.source === source && pair.target === target);
const isUpward = (source, target) => source.localeCompare(target, 'en', { numeric: true }) <= 0;
const missing = sources.flatMap((source) => targets.filter((target) => isUpward(source, target) && !found(source, target)).map((target) => `${source} → ${target}`));
if (missing.length > 0) throw new Error(`The last matrix run has no result of ${missing.join(', ')}: those pairs failed or were not run. Run \`npm run test:matrix\` until all pass.`);

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const verdict = (source, target) => (found(source, target) ? 'equal' : '–');
const sum = (pair, what) => Object.values(pair.tables).reduce((total, one) => total + (one[what] ?? 0), 0);
/** The pair to the newest target says what a source has. */
const newest = (source) => found(source, targets.at(-1));
const tables = [...new Set(pairs.flatMap((pair) => [...Object.keys(pair.tables), ...Object.keys(pair.notMoved)]))].filter((name) => pairs.some((pair) => name in pair.tables));

const page = `# Compatibility

From which versions of Airflow to which the metadata moves, and how that is known. Made by \`npm run test:matrix\` on ${new Date().toISOString().slice(0, 10)} at commit ${git('rev-parse', '--short', 'HEAD')}; do not edit.

For each source version a database of that real Airflow is filled with every shape of history that we know of
([test/metadata](../../test/metadata)): all states, empty text and NULL, hostile text, 1 MB run configurations, 2 MB XComs, pickles, mapped and
deferred tasks, rows that belong to nothing, ids of 250 characters. One copy is upgraded in place by the target's own \`airflow db migrate\`. The other goes
through \`db_export\` and \`db_import\` into a fresh environment. **Equal** means: both agree in every row and every column of every table, but for the
differences listed below, and every row that Airflow's upgrade refuses or sets aside stands in our side files with a reason.

${table(['from, to', ...targets], sources.map((source) => [source, ...targets.map((target) => verdict(source, target))]))}

A dash is a move backwards, which phase \`plan\` refuses. Airflow 3 is reached by 2.11 and an upgrade in place.

## What a source has

Rows of the filled databases, as exported for ${targets.at(-1)}: what arrived there, and what was left out, was rejected, or is not there in that version.

${table(['source', 'tables', 'rows exported', 'arrived', 'rejected', 'left out'], sources.map((source) => {
    const pair = newest(source);
    return [source, Object.keys(pair.tables).length, sum(pair, 'rows'), sum(pair, 'inserted'), sum(pair, 'rejected'), sum(pair, 'leftOut')];
  }))}

${table(['table', ...sources], tables.map((name) => [name, ...sources.map((source) => newest(source).tables[name]?.rows ?? '–')]))}

## Where an import differs from Airflow's own upgrade, and why

${table(['what', 'tables', 'columns', 'reason'], tolerated.map((entry) => [entry.name, entry.tables.join(', ') || 'all', entry.columns.join(', '), entry.reason].map(cell)))}
`;
writeFileSync(path.join(root, 'docs/reference/compatibility.md'), page);
