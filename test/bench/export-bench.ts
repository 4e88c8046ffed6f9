/** export: rows per second against psql's COPY through gzip -1 into an upload of the same tables; and the memory of the task. */
import { runOrFail } from '../sandbox/environments/command.js';
import { fileURLToPath } from 'node:url';
import { aMigration } from './commands.js';
import { report, rounded, say } from './figure.js';
import { best, interleave } from './interleave.js';
import { BUCKET, type MetadataWorld } from './metadata-world.js';

const REFERENCE = fileURLToPath(new URL('./reference_export.py', import.meta.url));
/** docs/reference/benchmarks.md */
const MIN_RATIO = 0.8, MAX_OWN_MIB = 150;

export async function benchExport(world: MetadataWorld, { rows, repeat }: Readonly<{ rows: number; repeat: number }>): Promise<void> {
  await world.makeSource('export_source', rows);
  const peaks: number[] = [];
  let tables: readonly string[] = [], moved = 0, bytes = 0;
  const ours = async (turn: number): Promise<number> => {
    const migration = aMigration(world, `export-${turn}`), { data, seconds, peakMib } = await migration.run('export', 'export_source');
    const manifest = await migration.readManifest(data.manifest);
    tables = manifest.tables.map(({ name }) => name);
    moved = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
    bytes = manifest.tables.reduce((sum, table) => sum + table.bytes, 0);
    peaks.push(peakMib);
    say(`export: ours ${seconds.toFixed(2)} s for ${moved} rows, peak ${peakMib.toFixed(0)} MiB`);
    return seconds;
  };
  const reference = async (turn: number): Promise<number> => {
    await world.settle();
    const input = JSON.stringify({ psql: world.psql, tables, bucket: BUCKET, prefix: `reference/${turn}/` });
    const seconds = Number(await runOrFail(world.source.python, [REFERENCE], { env: { ...world.libpq('export_source'), ...world.aws }, input }));
    say(`export: reference ${seconds.toFixed(2)} s`);
    return seconds;
  };
  const times = await interleave(repeat, { ours, reference });
  const ourSeconds = best(times.ours), referenceSeconds = best(times.reference), ratio = referenceSeconds / ourSeconds;
  report({
    bench: 'export', task_instances: rows, rows: moved, mib: rounded(bytes / 1024 / 1024, 1), ours_seconds: rounded(ourSeconds), reference_seconds: rounded(referenceSeconds),
    ours_rows_per_second: Math.round(moved / ourSeconds), ratio: rounded(ratio), promise: `ratio >= ${MIN_RATIO}`, holds: ratio >= MIN_RATIO,
    all_ours: times.ours.map((each) => rounded(each)), all_reference: times.reference.map((each) => rounded(each)),
  });
  await reportMemory(world, [{ rows, database: 'export_source', peak: Math.max(...peaks) }]);
}

/** The task's own share is what it needs above a command that does nothing: Airflow itself takes the rest. */
async function reportMemory(world: MetadataWorld, [large]: readonly [Readonly<{ rows: number; database: string; peak: number }>]): Promise<void> {
  const small = Math.max(1000, Math.round(large.rows / 10));
  await world.makeSource('export_small', small);
  const { peakMib } = await aMigration(world, 'export-small').run('export', 'export_small');
  const { peakMib: airflow } = await aMigration(world, 'export-nothing').run('restore', 'export_small');
  for (const { rows, peak } of [{ rows: small, peak: peakMib }, large]) {
    report({
      bench: 'export-memory', task_instances: rows, own_mib: rounded(peak - airflow, 1), task_mib: rounded(peak, 1), airflow_mib: rounded(airflow, 1),
      promise: `own_mib <= ${MAX_OWN_MIB} at both sizes`, holds: peak - airflow <= MAX_OWN_MIB,
    });
  }
}
