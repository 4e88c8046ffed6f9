/** Fills an environment's bucket: DAG folder, plugins.zip, requirements.txt and startup script, with the versions that the environment names. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { S3Inside } from '../services/s3/service.js';
import type { EnvironmentSpec } from './spec.js';

/** CreateEnvironment's fields about workflow resources. */
export type WorkflowResources = Readonly<Record<string, string>>;

/** @param python interpreter that zips a plugins folder */
export async function seedBucket(s3: S3Inside, environment: EnvironmentSpec, python: string): Promise<WorkflowResources> {
  const { bucket, account, region, dags, dagsPath, plugins, requirements, startupScript } = environment;
  if (!s3.describeBucket(bucket)) s3.makeBucket({ name: bucket, account, region, versioning: true });
  const root = dagsPath.replace(/\/+$/, '');
  for (const file of dags ? filesBelow(dags) : []) await s3.putObject(bucket, `${root}/${file}`, readFileSync(path.join(dags ?? '', file)));
  const put = async (key: string, field: string, body: Buffer | undefined): Promise<WorkflowResources> =>
    body === undefined ? {} : { [`${field}S3Path`]: key, [`${field}S3ObjectVersion`]: (await s3.putObject(bucket, key, body)).versionId };
  return {
    ...(await put('plugins.zip', 'Plugins', plugins === undefined ? undefined : zipped(plugins, python))),
    ...(await put('requirements.txt', 'Requirements', read(requirements))),
    ...(await put('startup.sh', 'StartupScript', read(startupScript))),
  };
}

const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));

/** Relative paths with "/", without what Python leaves behind. */
function filesBelow(folder: string): readonly string[] {
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder: "dags" names the folder whose files go to the bucket.`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.pyc'))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
}

/** A zip as it is; a folder's content at the top of a zip, as MWAA wants plugins.zip. */
function zipped(plugins: string, python: string): Buffer {
  if (!statSync(plugins).isDirectory()) return readFileSync(plugins);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-plugins-'));
  try {
    const file = path.join(folder, 'plugins.zip');
    execFileSync(python, ['-m', 'zipfile', '-c', file, ...readdirSync(plugins).map((name) => path.join(plugins, name))]);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
