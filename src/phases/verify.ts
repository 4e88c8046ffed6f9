import type { ImportData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { replaceStep, stepOf } from '../journal/transitions.js';
import { judge } from '../metadata/verification.js';
import { jobFor } from '../plan/job.js';
import type { Context, PhaseResult } from '../ports.js';
import { dryReport } from '../report/dry-report.js';
import { withTimeline } from '../report/timeline.js';
import { verifyReport, type Counts } from '../report/verify-report.js';
import { readActiveDags } from './active-dags.js';
import { importedManifests, isSwitched, STEP } from './attempts.js';
import { grantAccess } from './grants.js';
import { inMigration, lookAtMigration } from './migration.js';
import { ordersOf } from './orders.js';
import { resultOf } from './result.js';
import { eyesOf, survey, type Survey } from './survey.js';
import { workOnFinal } from './work-on-final.js';

export type VerifyContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/** Compares both sides. Changes nothing on either; looks anew every time it is run. */
export async function verifyMetadata(context: VerifyContext): Promise<PhaseResult> {
  const { inputs, file, clock, owner } = context;
  const seen = await survey(context);
  if (inputs.dryRun) {
    await lookAtMigration(context, seen);
    const report = dryReport({ verdict: 'Dry run: would compare every exported row with the target', would: ['place one DAG file in the target\'s DAG folder and remove it at the end', 'compute the checksums of the target\'s rows and compare them with those of the export', 'stage the rows of DAGs that differ beside the target\'s tables, compare them one by one, and drop the staging tables'], next: 'Run phase verify without dry-run.' });
    return resultOf(`mwaa-migrate: verification of ${file.id} (dry run)`, report, { 'migration-id': file.id, 'plan-digest': seen.plan.digest });
  }
  return await inMigration(context, seen, 'must-exist', async ({ bucket, prefix, journal }) => {
    const { attempt, manifest, target, targetDescription } = await workOnFinal(context, seen, bucket, journal.current);
    const importStep = stepOf(attempt, STEP.imported);
    if (!importStep) throw new UserError(`Attempt ${attempt.number} has not been imported.`, 'there is nothing to compare yet.', 'run phase import first.');
    await grantAccess(context, seen);
    const job = jobFor({ file, side: 'target', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, earlierManifests: importedManifests(journal.current, attempt.number) });
    const found = await target.run('verify', ordersOf(context, inputs.timeoutMinutes)(attempt.number, job, { manifest: attempt.manifest, isFresh: true }));
    const isCutOver = isSwitched(attempt);
    const active = isCutOver ? (await readActiveDags(bucket, prefix, attempt.number)).map(({ dagId }) => dagId) : [];
    const judgement = judge(manifest, found, importStep.data as unknown as ImportData | undefined, active);
    const counts = await countBoth(context, seen, target.name);
    await bucket.write(`${prefix}verify/report.json`, `${JSON.stringify({ attempt: attempt.number, at: clock.now().toISOString(), problems: judgement.problems, tables: judgement.tables, counts, importErrors: found.importErrors, unpausedDags: found.unpausedDags }, undefined, 1)}\n`, { contentType: 'application/json' });
    await target.removeDag();
    const isGood = judgement.problems.length === 0;
    await journal.update((current) => replaceStep(current, attempt.number, { name: STEP.verified, at: clock.now().toISOString(), by: owner, data: { isGood, problems: judgement.problems.length } }));
    const report = verifyReport({ source: seen.source.Name, target: target.name, judgement, found, counts, isSwitched: isCutOver });
    return resultOf(`mwaa-migrate: verification of ${file.id}`, withTimeline(report, journal.current, clock.now()), {
      'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': seen.plan.digest, 'manifest-digest': attempt.manifest.scope, 'target-environment': file.target.environment,
      ...(targetDescription.WebserverUrl ? { 'target-webserver-url': targetDescription.WebserverUrl } : {}),
      changes: String(judgement.problems.length),
      tables: JSON.stringify(Object.fromEntries(judgement.tables.map(({ name, exported, equal, missing, different, rejected }) => [name, { rows: exported, equal, missing, different, rejected }]))),
    }, isGood ? undefined : `The target is not what was exported: ${judgement.problems.join('; ')}`);
  });
}

/** What the UIs of both sides would show; a second opinion beside the comparison by rows. */
async function countBoth(context: VerifyContext, seen: Survey, targetName: string): Promise<Counts> {
  const eyes = eyesOf(context);
  const bucket = eyes.source.openBucket(seen.bucketName, seen.sourceAccount);
  const count = async (side: 'source' | 'target') => {
    const description = side === 'source' ? seen.source : seen.target;
    if (!description) return { dags: undefined, dagRuns: undefined, taskInstances: undefined, pools: undefined };
    const airflow = eyes[side].airflow(description, bucket, seen.prefix);
    try {
      return { dags: await airflow.count('dags'), dagRuns: await airflow.count('dagRuns'), taskInstances: await airflow.count('taskInstances'), pools: await airflow.count('pools') };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      context.log.warn(`Counts of ${side === 'source' ? seen.source.Name : targetName} by REST could not be had: ${error.what}`);
      return { dags: undefined, dagRuns: undefined, taskInstances: undefined, pools: undefined };
    }
  };
  return { source: await count('source'), target: await count('target') };
}
