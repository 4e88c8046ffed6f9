import type { ObjectRef } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { objectsOf, parseManifest, type Manifest } from '../metadata/manifest.js';
import { sha256 } from '../plan/canonical.js';
import type { Bucket } from '../ports.js';
import { inParallel } from './in-parallel.js';

const LIMIT = 16;
const EXPORT_AGAIN = 'run phase export again: it takes the next attempt number and writes everything anew.';

/** The manifest in exactly the version that the journal or the export's result names. */
export async function readManifest(bucket: Bucket, ref: ObjectRef): Promise<Manifest> {
  const location = `s3://${bucket.name}/${ref.key}`;
  const found = await bucket.read(ref.key, ref.versionId);
  if (!found) throw new UserError(`${location} (version ${ref.versionId}) does not exist.`, 'it names every exported object; without it nothing can be imported.', EXPORT_AGAIN);
  if (sha256(found.body) !== ref.sha256) throw new UserError(`${location} is not the manifest that was exported: its SHA-256 is another one.`, 'somebody changed it, or it was damaged on the way.', EXPORT_AGAIN);
  return parseManifest(found.body.toString('utf8'), location);
}

/** @throws {UserError} unless the manifest is the one that was asked for */
export function requireManifestOf(manifest: Manifest, wanted: Readonly<{ migrationId: string; attempt: number; mode: 'rehearsal' | 'final'; sourceVersion: string; targetVersion: string; tables: readonly string[] }>): void {
  const wrong = [
    manifest.migrationId !== wanted.migrationId ? `it is of migration "${manifest.migrationId}"` : [],
    manifest.attempt !== wanted.attempt ? `it is of attempt ${manifest.attempt}, not ${wanted.attempt}` : [],
    manifest.mode !== wanted.mode ? `it is of a ${manifest.mode}` : [],
    manifest.source.airflowVersion !== wanted.sourceVersion ? `its source ran Airflow ${manifest.source.airflowVersion}, MWAA says ${wanted.sourceVersion}` : [],
    manifest.targetVersion !== wanted.targetVersion ? `it is for Airflow ${manifest.targetVersion}, not ${wanted.targetVersion}` : [],
  ].flat();
  const said = new Set([...manifest.tables.map(({ name }) => name), ...manifest.notMoved.map(({ table }) => table)]);
  const silent = wanted.tables.filter((name) => !said.has(name));
  if (silent.length > 0) wrong.push(`it says nothing of ${silent.join(', ')}`);
  if (wrong.length > 0) throw new UserError(`The export manifest is not the one that was asked for: ${wrong.join('; ')}.`, 'rows would be lost or misread.', EXPORT_AGAIN);
}

/** @throws {UserError} that names the first objects that are missing or of another size */
export async function requireObjects(bucket: Bucket, manifest: Manifest): Promise<number> {
  const objects = objectsOf(manifest);
  const found = await inParallel(objects, LIMIT, async ({ key, versionId }) => await bucket.head(key, versionId));
  const wrong = objects.filter(({ bytes }, at) => found[at]?.bytes !== bytes);
  if (wrong.length === 0) return objects.length;
  throw new UserError(
    `${wrong.length} of ${objects.length} exported objects are missing or of another size: ${wrong.slice(0, 3).map(({ key }) => key).join(', ')}${wrong.length > 3 ? ', …' : ''}.`,
    'the export says what it wrote, and that is not what lies in the bucket.', EXPORT_AGAIN,
  );
}
