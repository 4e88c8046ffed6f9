/** What export and import are measured on: one PostgreSQL, the sandbox's S3 behind its front, and a real Airflow 2.7.2 and 2.10.3. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plantRows } from '../e2e/source/plant.js';
import { ensureAirflow } from '../sandbox/environments/airflow-installation.js';
import { startGuardian } from '../sandbox/environments/guardian.js';
import { findPostgresBinaries } from '../sandbox/environments/postgres-binaries.js';
import { startPostgres } from '../sandbox/environments/postgres.js';
import { templatesOf } from '../sandbox/environments/template-database.js';
import { startFront } from '../sandbox/front/server.js';
import { createIdentityWorld } from '../sandbox/iam/world.js';
import { createS3Service } from '../sandbox/services/s3/service.js';
import { startAirflowWorker } from './airflow-worker.js';
import { say } from './figure.js';

export const SOURCE_VERSION = '2.7.2', TARGET_VERSION = '2.10.3';
export const ACCOUNT = '111122223333', REGION = 'eu-west-1', BUCKET = 'mwaa-migrate-bench';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type MetadataWorld = Awaited<ReturnType<typeof startMetadataWorld>>;

/** Takes a few seconds when both Airflow versions are in the cache. */
export async function startMetadataWorld() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-bench-'));
  const guardian = startGuardian();
  const identities = createIdentityWorld({ accounts: [ACCOUNT] });
  const s3 = await createS3Service(identities);
  s3.makeBucket({ name: BUCKET, account: ACCOUNT, region: REGION, versioning: true });
  const front = await startFront({ services: [s3], world: identities });
  const { folder: postgresFolder } = await findPostgresBinaries(say);
  const postgres = await startPostgres(say, guardian);
  const templates = templatesOf(postgres, folder, say);
  const side = async (version: string) => {
    const installation = await ensureAirflow(version, say);
    return { python: installation.python, template: (await templates.of(installation)).name, worker: startAirflowWorker(installation.python, path.join(folder, version)) };
  };
  const source = await side(SOURCE_VERSION), target = await side(TARGET_VERSION);
  // From src, not from dist: what is measured is the code at hand.
  execFileSync(process.execPath, ['scripts/dags.mjs', path.join(folder, 'dags')], { cwd: ROOT });
  const key = identities.identities.accessKeyFor(`arn:aws:iam::${ACCOUNT}:root`);
  const fernetKey = randomBytes(32).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  return {
    folder, s3, postgres, source, target,
    psql: path.join(postgresFolder, 'psql'),
    aws: { AWS_ENDPOINT_URL: front.url, AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey, AWS_DEFAULT_REGION: REGION },
    /** What a task of an environment with this database sees. */
    taskEnv(database: string): Readonly<Record<string, string>> {
      return { AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: postgres.databaseUrl(database), AIRFLOW__CORE__FERNET_KEY: fernetKey, ...this.aws };
    },
    /** libpq's variables for psql. */
    libpq(database: string): Readonly<Record<string, string>> {
      return { PATH: process.env['PATH'] ?? '', PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGUSER: 'airflow', PGPASSWORD: postgres.password, PGDATABASE: database, PGTZ: 'UTC' };
    },
    /** Real schema of the source's version with history of that size; hint bits set and statistics made, so that no run pays for the first look. */
    async makeSource(database: string, taskInstances: number): Promise<void> {
      const started = performance.now();
      await plantRows(await postgres.createDatabase(database, source.template), { taskInstances });
      await postgres.psql(database, 'VACUUM ANALYZE');
      say(`Planted ${taskInstances} task instances in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
    },
    /** So that no run writes the pages that another one made. */
    settle: () => postgres.psql('postgres', 'CHECKPOINT'),
    async close(): Promise<void> {
      source.worker.close();
      target.worker.close();
      await front.close(); // closes S3 too
      await postgres.stop();
      guardian.dismiss();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
