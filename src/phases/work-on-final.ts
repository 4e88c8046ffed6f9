/** What import, verify and cutover begin with: the final attempt, its manifest in the recorded version, and both environments. */
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { TABLES } from '../metadata/catalogue.js';
import type { Manifest } from '../metadata/manifest.js';
import { stateOf } from '../plan/states.js';
import type { Bucket, Context, EnvironmentDescription, SourceEnvironment, TargetEnvironment } from '../ports.js';
import { requireApprovedFinal } from './approved-work.js';
import { finalAttempt, type FinishedExport } from './attempts.js';
import { readManifest, requireManifestOf } from './read-manifest.js';
import type { Survey } from './survey.js';

export type FinalWork = Readonly<{ attempt: FinishedExport; manifest: Manifest; source: SourceEnvironment; target: TargetEnvironment; targetDescription: EnvironmentDescription }>;

/** @throws {UserError} for an attempt that cannot be used, with require-approval also for one that was not approved as it is */
export async function workOnFinal(context: Pick<Context, 'inputs' | 'file' | 'clock' | 'source' | 'target'> & Partial<Pick<Context, 'readPlanFile'>>, seen: Survey, bucket: Bucket, journal: Journal): Promise<FinalWork> {
  const { file, inputs } = context;
  const attempt = finalAttempt(journal, inputs.attempt);
  const manifest = await readManifest(bucket, attempt.manifest);
  requireManifestOf(manifest, {
    migrationId: file.id, attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, targetVersion: file.target.airflowVersion, tables: TABLES.map(({ name }) => name),
  });
  await requireApprovedFinal(context, seen, bucket, journal, attempt, manifest);
  const targetDescription = requireUsable(seen.target, file.target.environment, inputs.phase);
  return {
    attempt, manifest, targetDescription,
    source: context.source.airflow(seen.source, bucket, seen.prefix),
    target: context.target.airflow(targetDescription, bucket, seen.prefix),
  };
}

function requireUsable(target: EnvironmentDescription | undefined, name: string, phase: string): EnvironmentDescription {
  if (!target) throw new UserError(`Target ${name} does not exist.`, `phase ${phase} works inside it.`, 'run phase create first, or correct target.environment and target.region in the migration file.');
  const { verdict, meaning, fix } = stateOf(target.Status);
  if (verdict !== 'usable') throw new UserError(`Target ${name} is ${target.Status}: ${meaning}.`, `phase ${phase} works inside it.`, `${fix}, then run phase ${phase} again.`);
  return target;
}
