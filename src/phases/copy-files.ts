import { UserError } from '../errors.js';
import type { Placed } from '../plan/environment-fields.js';
import { requirementsFor } from '../plan/requirements.js';
import type { Bucket } from '../ports.js';
import { isCopied, ORIGIN, OWNER, type Copier } from './copy-objects.js';

/** One file that an environment names with its object version. */
export type FileCopy = Readonly<{
  path: string;
  /** Version at the target, for CreateEnvironment; undefined in a dry run of what is not there yet. */
  version: string | undefined;
  isCopied: boolean;
  /** requirements.txt: what became of its constraint line. */
  constraint?: Readonly<{ change: 'kept' | 'added' | 'replaced'; line: string; before: string | undefined }>;
}>;

/** plugins.zip or the startup script, byte by byte, in the version the source runs on. */
export async function copyFile(from: Bucket, to: Bucket, copier: Copier, source: Placed, targetPath: string, isDry: boolean): Promise<FileCopy> {
  const object = await from.head(source.path, source.version);
  if (!object) throw missing(from, source);
  const there = await to.head(targetPath);
  if (there && (await isCopied(to, object, there))) return { path: targetPath, version: there.versionId, isCopied: false };
  if (isDry) return { path: targetPath, version: undefined, isCopied: true };
  const version = await copier.copy({ key: source.path, etag: object.etag, bytes: object.bytes, versionId: source.version }, targetPath);
  return { path: targetPath, version: pinned(to, targetPath, version), isCopied: true };
}

/** requirements.txt with the target's constraint line. */
export async function copyRequirements(
  from: Bucket, to: Bucket, source: Placed, targetPath: string, targetVersion: string, migrationId: string, isDry: boolean,
): Promise<FileCopy> {
  const found = await from.read(source.path, source.version);
  if (!found) throw missing(from, source);
  // latin1 keeps every byte, whatever the file's encoding: only an ASCII line is looked for and written.
  const wanted = requirementsFor(targetVersion, found.body.toString('latin1'));
  if (!wanted) throw new UserError(`The Python of Airflow ${targetVersion} on MWAA is not known.`, 'the constraint line of requirements.txt names it.', 'use a target.airflow-version that MWAA offers.');
  const constraint = { change: wanted.change, line: wanted.line, before: wanted.before };
  const body = Buffer.from(wanted.text, 'latin1');
  const there = await to.read(targetPath);
  if (there?.body.equals(body)) return { path: targetPath, version: there.versionId, isCopied: false, constraint };
  if (isDry) return { path: targetPath, version: undefined, isCopied: true, constraint };
  const written = await to.write(targetPath, body, { contentType: 'text/plain', metadata: { [OWNER]: migrationId, [ORIGIN]: found.etag.replaceAll('"', '') } });
  return { path: targetPath, version: pinned(to, targetPath, written.versionId), isCopied: true, constraint };
}

const missing = (from: Bucket, { path, version }: Placed) =>
  new UserError(
    `s3://${from.name}/${path}${version ? ` (version ${version})` : ''} does not exist.`,
    'the source environment names it, so the target needs it too.',
    'check that the version was not deleted, and that the source role may read it; then update the source environment to a version that exists.',
  );

/** CreateEnvironment pins plugins, requirements and startup script by version, so the bucket must keep versions. */
function pinned(to: Bucket, path: string, version: string | undefined): string {
  if (version !== undefined && version !== '' && version !== 'null') return version;
  throw new UserError(`Bucket ${to.name} keeps no versions: s3://${to.name}/${path} has none.`, 'MWAA names these files by their object version.', `switch versioning on for bucket ${to.name}, then run phase resources again.`);
}
