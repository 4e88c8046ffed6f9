/**
 * The real things under the tests of the DAG files: one throw-away PostgreSQL server with an empty metadata database per Airflow version.
 * Prints one line of JSON `{ databaseUrl, releases: { <version>: { python, template } } }` for the versions among its arguments, and one
 * for each version that a line of its standard input names; lives until that ends.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensureAirflow } from '../sandbox/environments/airflow-installation.js';
import { startPostgres } from '../sandbox/environments/postgres.js';
import { templatesOf } from '../sandbox/environments/template-database.js';

const log = (line: string) => console.error(line);
const work = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-dags-'));
const postgres = await startPostgres(log);
try {
  const templates = templatesOf(postgres, work, log);
  const tell = async (versions: readonly string[]) => {
    const releases: Record<string, { python: string; template: string }> = {};
    for (const version of versions) {
      const installation = await ensureAirflow(version, log);
      releases[version] = { python: installation.python, template: (await templates.of(installation)).name };
    }
    console.log(JSON.stringify({ databaseUrl: postgres.databaseUrl('postgres'), releases }));
  };
  await tell(process.argv.slice(2));
  for await (const line of createInterface({ input: process.stdin })) await tell([line]);
} finally {
  await postgres.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit(0);
