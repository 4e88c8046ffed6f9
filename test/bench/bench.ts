/**
 * `npm run bench [-- [export] [import] [action] [plan] [--rows N] [--repeat N]]`: the promises with numbers, ours and the reference in one run.
 * Standard output: one line of JSON per figure. Standard error: progress. Exit code 0 whether a promise holds or not: a bench
 * measures, and a busy machine is no defect; 1 when it could not measure.
 */
import { parseArgs } from 'node:util';
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { benchAction } from './action-bench.js';
import { benchExport } from './export-bench.js';
import { say } from './figure.js';
import { benchImport } from './import-bench.js';
import { startMetadataWorld } from './metadata-world.js';
import { benchPlan } from './plan-bench.js';

const NAMES = ['export', 'import', 'action', 'plan'];
/** So many that the whole run takes minutes; `--rows 1000000` measures the promises at their full size. */
const ROWS = '200000';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rows: { type: 'string', default: ROWS }, repeat: { type: 'string', default: '3' } } });
const rows = Number(values.rows), repeat = Number(values.repeat);
const unknown = positionals.filter((name) => !NAMES.includes(name));
if (unknown.length > 0 || !Number.isInteger(rows) || rows < 1000 || !Number.isInteger(repeat) || repeat < 1) {
  say(`Usage: npm run bench -- [${NAMES.join('] [')}] [--rows N, at least 1000] [--repeat N, at least 1]${unknown.length > 0 ? `; there is no bench "${unknown.join('", "')}"` : ''}`);
  process.exit(1);
}
const wanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

const commit = execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8', cwd: import.meta.dirname }).trim();
say(`Commit ${commit}, Node ${process.version}, ${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, load ${os.loadavg()[0]?.toFixed(1)}.`);

if (wanted('action')) await benchAction({ repeat });
if (wanted('plan')) await benchPlan({ repeat });
if (wanted('export') || wanted('import')) {
  const world = await startMetadataWorld();
  try {
    if (wanted('export')) await benchExport(world, { rows, repeat });
    if (wanted('import')) await benchImport(world, { rows, repeat });
  } finally {
    await world.close();
  }
}
