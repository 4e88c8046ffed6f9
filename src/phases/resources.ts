import { UserError } from '../errors.js';
import { finishPhase } from '../journal/transitions.js';
import { pathOf, versionOf } from '../plan/placement.js';
import type { Context, PhaseResult } from '../ports.js';
import { resourcesReport } from '../report/resources-report.js';
import { copyDags, type DagCopy } from './copy-dags.js';
import { copyFile, copyRequirements, type FileCopy } from './copy-files.js';
import { copierOf } from './copy-objects.js';
import { inMigration, lookAtMigration } from './migration.js';
import { resultOf } from './result.js';
import { survey, type Survey } from './survey.js';

/** What phase create needs of this one: paths with the versions that were written. */
export type PlacedVersions = Readonly<{ plugins: string | null; requirements: string | null; startupScript: string | null }>;
export type Resources = Readonly<{ dags: DagCopy; plugins: FileCopy | undefined; requirements: FileCopy | undefined; startupScript: FileCopy | undefined; isThroughRunner: boolean }>;

export type ResourcesContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/** Copies what the target runs. Safe to repeat: what lies there already is not copied again. */
export async function copyResources(context: ResourcesContext): Promise<PhaseResult> {
  const seen = await survey(context);
  if (context.inputs.dryRun) {
    await lookAtMigration(context, seen);
    return result(context, seen, await copyAll(context, seen, true));
  }
  return await inMigration(context, seen, 'may-begin', async ({ journal }) => {
    const copied = await copyAll(context, seen, false);
    const data: PlacedVersions & Readonly<{ dagFiles: number }> = {
      plugins: copied.plugins?.version ?? null, requirements: copied.requirements?.version ?? null, startupScript: copied.startupScript?.version ?? null, dagFiles: copied.dags.files,
    };
    await journal.update((current) => finishPhase(current, { phase: 'resources', at: context.clock.now().toISOString(), by: context.owner, data }));
    return result(context, seen, copied);
  });
}

async function copyAll({ file, log, source, target }: ResourcesContext, seen: Survey, isDry: boolean): Promise<Resources> {
  const { resources } = seen.plan.decisions;
  const from = source.openBucket(resources.source.bucket, seen.sourceAccount);
  const to = target.openBucket(resources.target.bucket, seen.targetAccount);
  if (!(await target.buckets.exists(to.name)))
    throw new UserError(`Bucket ${to.name} for the target's resources does not exist.`, 'this action makes no bucket for an environment: who owns it and how it is protected is your decision.', `create it in ${file.target.region} with versioning and blocked public access, or correct target.bucket.`);
  const copier = copierOf(from, to, file.id, log);
  const placed = (kind: 'Plugins' | 'Requirements' | 'StartupScript') => {
    const path = pathOf(seen.source, kind);
    return path === undefined ? undefined : { path, version: versionOf(seen.source, kind) };
  };
  const copyOne = async (kind: 'Plugins' | 'StartupScript', targetPath: string | undefined) => {
    const object = placed(kind);
    return object && targetPath !== undefined ? await copyFile(from, to, copier, object, targetPath, isDry) : undefined;
  };
  const requirements = placed('Requirements');
  return {
    dags: await copyDags({ from, to, copier, log }, { source: resources.source.dags, target: resources.target.dags }, file.id, isDry),
    plugins: await copyOne('Plugins', resources.target.plugins),
    requirements: requirements && resources.target.requirements !== undefined
      ? await copyRequirements(from, to, requirements, resources.target.requirements, file.target.airflowVersion, file.id, isDry) : undefined,
    startupScript: await copyOne('StartupScript', resources.target.startupScript),
    isThroughRunner: copier.isThroughRunner(),
  };
}

function result({ inputs, file, log }: ResourcesContext, seen: Survey, copied: Resources): PhaseResult {
  const { source, target } = seen.plan.decisions.resources;
  const report = resourcesReport({ copied, isDry: inputs.dryRun, from: `s3://${source.bucket}/${source.dags}`, to: `s3://${target.bucket}/${target.dags}` });
  log.info(`${inputs.dryRun ? 'Would copy' : 'Copied'} ${copied.dags.copied.length} of ${copied.dags.files} DAG files; ${copied.dags.unchanged} were there.`);
  return resultOf(`mwaa-migrate: resources of ${file.id}`, report, { 'migration-id': file.id, 'plan-digest': seen.plan.digest });
}
