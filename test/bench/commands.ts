/** Runs the commands of the two DAG files as the action has them run: job and rendered file first, result object last. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROTOCOL_SCHEMA, SOURCE_COMMANDS, type Command, type DataOf, type ObjectRef, type Rendered, type Result } from '../../src/airflow/protocol.js';
import { renderDagFile } from '../../src/gateways/airflow/transports/dag-file.js';
import type { Manifest } from '../../src/metadata/manifest.js';
import { jobFor } from '../../src/plan/job.js';
import { aMigrationFile } from '../builders/values.js';
import type { Ended } from './airflow-worker.js';
import { ACCOUNT, BUCKET, REGION, SOURCE_VERSION, type MetadataWorld } from './metadata-world.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export type Ran<Data> = Ended & Readonly<{ data: Data }>;

/** One migration, named apart from others by `id`: its objects lie under a prefix of its own. */
export function aMigration(world: MetadataWorld, id: string) {
  // Secrets are a handful of rows in any environment; without them the bench needs no key pair. All of the audit log: the rows planted are old.
  const file = aMigrationFile({ id, metadata: { variables: false, connections: false, auditLogDays: 'all' } });
  const prefix = `data/migration/${SOURCE_VERSION}_to_${file.target.airflowVersion}/${id}/1/`;
  const read = async <Value>(key: string): Promise<Value> => {
    const object = await world.s3.readObject(BUCKET, key);
    if (!object) throw new Error(`There is no object ${key}`);
    return JSON.parse(object.body.toString('utf8')) as Value;
  };
  let tries = 0;
  return {
    readManifest: (manifest: ObjectRef) => read<Manifest>(manifest.key),
    /** @throws Error with the task's log when the command fails */
    async run<Name extends Command>(command: Name, database: string, manifest: ObjectRef | null = null): Promise<Ran<DataOf[Name]>> {
      const side = SOURCE_COMMANDS.some((known) => known === command) ? 'source' : 'target', dagId = side === 'source' ? 'db_export' : 'db_import';
      const job = JSON.stringify(jobFor({ file, side, attempt: 1, mode: 'final', sourceVersion: SOURCE_VERSION, envelope: null }));
      const jobKey = `${prefix}${command}/job.json`;
      await world.s3.putObject(BUCKET, jobKey, job);
      const rendered: Rendered = {
        schema: PROTOCOL_SCHEMA, migrationId: id, attempt: 1, side, dagId, shortHash: sha256(id).slice(0, 8), bucket: BUCKET, bucketOwner: ACCOUNT, bucketRegion: REGION, prefix,
        job: { key: jobKey, sha256: sha256(job) }, expiresAt: '2999-01-01T00:00:00Z', manifest,
      };
      const runId = `${command}-1-${++tries}`, dagFile = path.join(world.folder, `${id}-${runId}.py`);
      writeFileSync(dagFile, renderDagFile(readFileSync(path.join(world.folder, 'dags', `${dagId}.py`), 'utf8'), rendered));
      await world.settle();
      const ended = await world[side].worker.run({ dagFile, runId, env: world.taskEnv(database) });
      const result = await read<Result<DataOf[Name]>>(`${prefix}${command}/result.json`);
      if (result.status === 'failed') throw new Error(`${runId} failed: ${JSON.stringify(result.error)}`);
      return { ...ended, data: result.data };
    },
  };
}
