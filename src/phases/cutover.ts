import type { ActiveDag } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { replaceStep, stepOf } from '../journal/transitions.js';
import { jobFor } from '../plan/job.js';
import type { Context, PhaseResult } from '../ports.js';
import { cutoverReport } from '../report/cutover-report.js';
import { dryReport } from '../report/dry-report.js';
import { readActiveDags } from './active-dags.js';
import { STEP, type FinishedExport } from './attempts.js';
import { grantAccess } from './grants.js';
import { inMigration, lookAtMigration } from './migration.js';
import { ordersOf } from './orders.js';
import { resultOf } from './result.js';
import { requireStill } from './source-still.js';
import { survey } from './survey.js';
import { workOnFinal } from './work-on-final.js';

export type CutoverContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>;

/**
 * Activates on the target exactly what was active on the source, canaries first; the source stays paused. Safe to repeat: what is
 * active already is left alone, and what was left behind is tried again.
 */
export async function cutOver(context: CutoverContext): Promise<PhaseResult> {
  const { inputs, file, clock, owner, log } = context;
  const seen = await survey(context);
  if (inputs.dryRun) {
    const { bucket, journal } = await lookAtMigration(context, seen);
    if (!journal) throw new UserError(`Migration "${file.id}" has not begun.`, 'there is no journal, so nothing was imported.', 'run the phases before this one first.');
    const { attempt, manifest, source } = await workOnFinal(context, seen, bucket, journal);
    requireImported(attempt);
    await requireStill(source, context.source.mwaa, manifest, 'cutover');
    const dags = inOrder(await readActiveDags(bucket, seen.prefix, attempt.number), file.cutover.canary).dags;
    const report = dryReport({ verdict: `Dry run: would activate ${dags.length} DAGs on ${file.target.environment}`, would: ['ask the target to parse its DAG files again', 'check each DAG\'s next run against the source\'s, and activate those that agree, canaries first', 'leave the source paused'], names: { title: 'DAGs, in this order', items: dags.map(({ dagId }) => dagId) }, next: 'Run phase cutover without dry-run.' });
    return resultOf(`mwaa-migrate: cutover of ${file.id} (dry run)`, report, { 'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': seen.plan.digest });
  }
  return await inMigration(context, seen, 'must-exist', async ({ bucket, prefix, journal }) => {
    const { attempt, manifest, source, target, targetDescription } = await workOnFinal(context, seen, bucket, journal.current);
    requireImported(attempt);
    await requireStill(source, context.source.mwaa, manifest, 'cutover');
    const { dags, unknownCanaries } = inOrder(await readActiveDags(bucket, prefix, attempt.number), file.cutover.canary);
    for (const dagId of unknownCanaries) log.warn(`Canary ${dagId} was not active on the source, so it is not activated.`);
    await grantAccess(context, seen);
    const job = jobFor({ file, side: 'target', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, activeDags: dags });
    // The manifest names the source's next runs as of the snapshot; those in the job are of before the drain.
    // Whether canaries are green before the rest follows belongs to the whole switch; here they are merely first in order.
    const found = await target.run('activate', ordersOf(context, inputs.timeoutMinutes)(attempt.number, job, { manifest: attempt.manifest, isFresh: true }));
    await journal.update((current) => replaceStep(current, attempt.number, {
      name: STEP.activated, at: clock.now().toISOString(), by: owner, data: { activated: found.activated.length, alreadyActive: found.alreadyActive.length, left: found.left },
    }));
    await target.removeDag();
    const active = await target.listActiveDagIds();
    const expected = new Set([...found.activated, ...found.alreadyActive]);
    const problems = [
      ...(found.left.length > 0 ? [`${found.left.length} of ${dags.length} DAGs were left paused`] : []),
      ...differ('activated, but not active now', [...expected], new Set(active)),
      ...differ('active on the target, but not on the source before', active, expected),
    ];
    const report = cutoverReport({ source: seen.source.Name, target: target.name, url: targetDescription.WebserverUrl, found, wanted: dags.length, active, problems, unknownCanaries, parked: manifest.inFlight });
    return resultOf(`mwaa-migrate: cutover of ${file.id}`, report, {
      'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': seen.plan.digest, 'target-environment': file.target.environment, changes: String(found.activated.length),
      ...(targetDescription.WebserverUrl ? { 'target-webserver-url': targetDescription.WebserverUrl } : {}),
    }, problems.length === 0 ? undefined : `The target is not as active as the source was: ${problems.join('; ')}`);
  });
}

function requireImported(attempt: FinishedExport): void {
  if (stepOf(attempt, STEP.imported)) return;
  throw new UserError(`Attempt ${attempt.number} has not been imported.`, 'without its history the target\'s scheduler would run every interval again.', 'run phases import and verify first.');
}

/** Canaries first, in the file's order; the rest by name. */
function inOrder(active: readonly ActiveDag[], canary: readonly string[]): Readonly<{ dags: readonly ActiveDag[]; unknownCanaries: readonly string[] }> {
  const byId = new Map(active.map((dag) => [dag.dagId, dag]));
  const first = [...new Set(canary)].flatMap((dagId) => byId.get(dagId) ?? []);
  return { dags: [...first, ...active.filter((dag) => !canary.includes(dag.dagId))], unknownCanaries: canary.filter((dagId) => !byId.has(dagId)) };
}

function differ(what: string, these: readonly string[], those: ReadonlySet<string>): readonly string[] {
  const found = these.filter((dagId) => !those.has(dagId));
  return found.length > 0 ? [`${what}: ${found.slice(0, 10).join(', ')}${found.length > 10 ? ', …' : ''}`] : [];
}
