/** import: the whole command, checked and merged, against a bare COPY of the same rows into the same indexed tables of an empty target. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { quoted } from '../sandbox/environments/postgres.js';
import { runOrFail } from '../sandbox/environments/command.js';
import { aMigration } from './commands.js';
import { report, rounded, say } from './figure.js';
import { best, interleave } from './interleave.js';
import type { MetadataWorld } from './metadata-world.js';

/** docs/reference/benchmarks.md: at most 1.2 times the time of a bare COPY. */
const MOST = 1.2;
/** A new database has its rows already. */
const ALREADY_THERE = ['slot_pool'];

export async function benchImport(world: MetadataWorld, { rows, repeat }: Readonly<{ rows: number; repeat: number }>): Promise<void> {
  const { postgres } = world;
  await world.makeSource('import_source', rows);
  const migration = aMigration(world, 'import-bench');
  const { data: { manifest } } = await migration.run('export', 'import_source');
  // The import's own order of tables: parents first.
  const order = (await migration.readManifest(manifest)).tables.map(({ name }) => name).filter((name) => !ALREADY_THERE.includes(name));
  let files: readonly TableFile[] = [], moved = 0, peak = 0;
  const ours = async (turn: number): Promise<number> => {
    const database = `import_ours_${turn}`;
    await postgres.createDatabase(database, world.target.template);
    const { data, seconds, peakMib } = await migration.run('import', database, manifest);
    const tables = Object.entries(data.tables);
    if (tables.some(([, table]) => table.inserted + table.alreadyThere !== table.rows)) throw new Error(`The import rejected rows: ${JSON.stringify(data.tables)}`);
    moved = tables.reduce((sum, [, table]) => sum + table.inserted, 0);
    peak = Math.max(peak, peakMib);
    say(`import: ours ${seconds.toFixed(2)} s for ${moved} rows, peak ${peakMib.toFixed(0)} MiB`);
    if (files.length === 0) files = await writeFiles(world, database, order.filter((name) => (data.tables[name]?.inserted ?? 0) > 0));
    await postgres.dropDatabase(database);
    return seconds;
  };
  const reference = async (turn: number): Promise<number> => {
    const database = `import_reference_${turn}`;
    await postgres.createDatabase(database, world.target.template);
    await world.settle();
    const started = performance.now();
    await copyIn(world, database, files);
    const seconds = (performance.now() - started) / 1000;
    await postgres.dropDatabase(database);
    say(`import: reference ${seconds.toFixed(2)} s`);
    return seconds;
  };
  const times = await interleave(repeat, { ours, reference });
  const ourSeconds = best(times.ours), referenceSeconds = best(times.reference), ratio = referenceSeconds / ourSeconds;
  report({
    bench: 'import', task_instances: rows, rows: moved, reference_mib: rounded(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1024 / 1024, 1), task_mib: rounded(peak, 1),
    ours_seconds: rounded(ourSeconds), reference_seconds: rounded(referenceSeconds), ours_rows_per_second: Math.round(moved / ourSeconds), ratio: rounded(ratio), times_reference: rounded(1 / ratio),
    promise: `times_reference <= ${MOST}`, holds: 1 / ratio <= MOST,
    all_ours: times.ours.map((each) => rounded(each)), all_reference: times.reference.map((each) => rounded(each)),
  });
}

type TableFile = Readonly<{ table: string; file: string; bytes: number }>;

/** What an import left in the tables as plain files: the reference need not fetch, check, unpack or compute anything. */
async function writeFiles(world: MetadataWorld, database: string, tables: readonly string[]): Promise<readonly TableFile[]> {
  const named = tables.map((table) => ({ table, file: path.join(world.folder, `reference-${table}.csv`) }));
  await runPsql(world, database, named.map(({ table, file }) => `\\copy ${quoted(table)} TO '${file}' WITH (FORMAT csv)`));
  return named.map((each) => ({ ...each, bytes: statSync(each.file).size }));
}

const copyIn = (world: MetadataWorld, database: string, files: readonly TableFile[]) => runPsql(world, database, files.map(({ table, file }) => `\\copy ${quoted(table)} FROM '${file}' WITH (FORMAT csv)`));

async function runPsql(world: MetadataWorld, database: string, lines: readonly string[]): Promise<void> {
  await runOrFail(world.psql, ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1'], { env: world.libpq(database), input: `${lines.join('\n')}\n`, timeoutSeconds: 3600 });
}
