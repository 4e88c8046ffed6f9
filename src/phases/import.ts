import type { ImportData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { rememberStep, stepOf } from '../journal/transitions.js';
import { TABLES } from '../metadata/catalogue.js';
import type { Manifest } from '../metadata/manifest.js';
import { requireApproved, scopeOf, type Scope } from '../metadata/scope.js';
import { jobFor } from '../plan/job.js';
import type { Bucket, Context, PhaseResult } from '../ports.js';
import { dryReport } from '../report/dry-report.js';
import { importReport } from '../report/import-report.js';
import { withTimeline } from '../report/timeline.js';
import { broughtBefore, importedManifests, ranBefore, refuseRollingBack, STEP } from './attempts.js';
import { grantAccess } from './grants.js';
import { inMigration, lookAtMigration } from './migration.js';
import { ordersOf } from './orders.js';
import { readManifest, requireObjects } from './read-manifest.js';
import { removeSecrets, secretPlaces } from './remove-secrets.js';
import { resultOf } from './result.js';
import { requireStill } from './source-still.js';
import { survey } from './survey.js';
import { requireTargetPaused } from './target-still.js';
import { workOnFinal, type FinalWork } from './work-on-final.js';

export type ImportContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/** Imports the newest final export, then removes the exported secrets. Safe to repeat: what is there already is counted, not written. */
export async function importMetadata(context: ImportContext): Promise<PhaseResult> {
  const { inputs, file } = context;
  const seen = await survey(context);
  if (inputs.dryRun) {
    const { bucket, journal } = await lookAtMigration(context, seen);
    if (!journal) throw new UserError(`Migration "${file.id}" has not begun.`, 'there is no journal, so there is no export to import.', 'run phases resources, create and export first.');
    const work = await workOnFinal(context, seen, bucket, journal);
    await requireReady(context, bucket, journal, work);
    return dryResult(context, seen.plan.digest, work);
  }
  return await inMigration(context, seen, 'must-exist', async (migration) => {
    const { bucket, journal } = migration;
    const work = await workOnFinal(context, seen, bucket, journal.current);
    const { attempt, manifest, target } = work;
    const isDone = stepOf(attempt, STEP.imported) !== undefined;
    // A second import after cutover finds the target's DAGs active, as it should be: it only repeats what is recorded.
    await requireReady(context, bucket, journal.current, work, isDone);
    const remember = (name: string, data: Readonly<Record<string, unknown>>) =>
      journal.update((current) => rememberStep(current, attempt.number, { name, at: context.clock.now().toISOString(), by: context.owner, data }));
    await grantAccess(context, seen);
    const order = ordersOf(context, inputs.timeoutMinutes);
    const job = jobFor({
      file, side: 'target', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, earlierManifests: importedManifests(journal.current, attempt.number),
      earlierBrought: broughtBefore(journal.current, attempt.number), earlierRan: ranBefore(journal.current, attempt.number),
    });
    if (!isDone) await remember(STEP.importBegun, {});
    const imported = await target.run('import', order(attempt.number, job, { manifest: attempt.manifest }));
    requireComplete(manifest, imported);
    await remember(STEP.imported, { tables: countsOf(imported.tables), parkedRuns: imported.parkedRuns, replacedRuns: imported.replacedRuns });
    const exportsSoFar = journal.current.attempts.filter(({ mode, number }) => mode === 'final' && number <= attempt.number).map(({ number }) => number);
    // Also of the final exports before this one: nobody else comes back for what they wrote.
    const removed = await removeSecrets(bucket, secretPlaces(migration.prefix, exportsSoFar, manifest.tables.filter(({ secret }) => secret).map(({ name }) => name)), 'import');
    if (!stepOf(attempt, STEP.secretsRemoved)) await remember(STEP.secretsRemoved, { versions: removed });
    await target.removeDag();
    const report = importReport({ environment: target.name, manifest, imported, secretVersions: removed, isRepeated: isDone });
    return resultOf(`mwaa-migrate: import of ${file.id}`, withTimeline(report, journal.current, context.clock.now()), outputs(context, seen.plan.digest, work, imported));
  });
}

/** Everything that must be true before a row is written; reads only. */
async function requireReady({ inputs, source }: ImportContext, bucket: Bucket, journal: Journal, { attempt, manifest, source: from, target }: FinalWork, isDone = false): Promise<void> {
  requireApproved(scopeOf(manifest, TABLES), inputs.approvedManifest, await approvedScope(bucket, journal, inputs.approvedManifest));
  // Also where it is imported already: our DAG file on the target may be the one that the rollback works with.
  refuseRollingBack(journal);
  if (isDone) return;
  await requireObjects(bucket, manifest);
  await requireStill(from, source.mwaa, manifest, 'import');
  await requireTargetPaused(
    target, `they would run while their history arrives, and make runs of their own (attempt ${attempt.number} is imported before anything runs).`,
    'pause them; if DAGs are unpaused as soon as they appear, set core.dags_are_paused_at_creation to True in target.configuration, or remove is_paused_upon_creation=False from their files.',
  );
}

/** The scope that was approved, found among the exports of this migration by its digest. */
async function approvedScope(bucket: Bucket, journal: Journal, digest: string | undefined): Promise<Scope | undefined> {
  const approved = journal.attempts.find(({ manifest }) => manifest?.scope === digest)?.manifest;
  if (digest === undefined || !approved) return undefined;
  return scopeOf(await readManifest(bucket, approved), TABLES);
}

/** The names of settings stand in the summary and in side files; the journal, which every step rewrites, keeps the numbers. */
const countsOf = (tables: ImportData['tables']): ImportData['tables'] =>
  Object.fromEntries(Object.entries(tables).map(([name, { settled: _names, ...counts }]) => [name, counts]));

function requireComplete(manifest: Manifest, imported: ImportData): void {
  const wrong = manifest.tables.flatMap(({ name, rows }) => {
    const table = imported.tables[name];
    if (!table) return [`${name} was not imported`];
    const sum = table.inserted + table.alreadyThere + table.rejected;
    return table.rows === rows && sum === rows ? [] : [`${name} has ${rows} rows in the manifest, and import accounts for ${sum}`];
  });
  if (wrong.length > 0)
    throw new UserError(`The import does not add up: ${wrong.join('; ')}.`, 'rows may be missing on the target; the exported secrets are still in the bucket.', 'run phase verify to see which; then report this, because it is a defect of mwaa-migrate.');
}

function outputs({ file }: ImportContext, planDigest: string, { attempt, targetDescription }: FinalWork, imported: ImportData | undefined): Readonly<Record<string, string>> {
  return {
    'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': planDigest, 'manifest-digest': attempt.manifest.scope, 'target-environment': file.target.environment,
    ...(targetDescription.WebserverUrl ? { 'target-webserver-url': targetDescription.WebserverUrl } : {}),
    ...(imported ? { tables: JSON.stringify(Object.fromEntries(Object.entries(imported.tables).map(([name, { rows, inserted, alreadyThere, rejected }]) => [name, { rows, inserted, alreadyThere, rejected }]))) } : {}),
  };
}

function dryResult(context: ImportContext, planDigest: string, work: FinalWork): PhaseResult {
  const { manifest, attempt, target } = work;
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
  const report = dryReport({
    verdict: `Dry run: would import ${rows} rows of attempt ${attempt.number} into ${target.name}`,
    would: [
      ...manifest.tables.map(({ name, rows: count }) => `stage and merge ${count} rows of ${name}`),
      'write what cannot land to a side file, with a reason and a count', 'remove the exported secrets from the bucket, every version of them',
    ],
    next: 'Run phase import without dry-run.',
  });
  return resultOf(`mwaa-migrate: import of ${context.file.id} (dry run)`, report, outputs(context, planDigest, work, undefined));
}
