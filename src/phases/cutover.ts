import type { ActivateData, ActiveDag } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { rememberStep, replaceStep, stepOf } from '../journal/transitions.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import { jobFor } from '../plan/job.js';
import type { Bucket, Context, PhaseResult } from '../ports.js';
import { cutoverDryReport } from '../report/cutover-dry-report.js';
import { withTimeline } from '../report/timeline.js';
import { cutoverReport } from '../report/cutover-report.js';
import { readActiveDags } from './active-dags.js';
import { isSwitched, refuseRollingBack, STEP, type FinishedExport } from './attempts.js';
import { requireCutoverApproved } from './gate-attempt.js';
import { grantAccess } from './grants.js';
import { inMigration, lookAtMigration } from './migration.js';
import { ordersOf } from './orders.js';
import { asOfSnapshot, readSchedules } from './read-schedules.js';
import { resultOf } from './result.js';
import type { RunSeen } from './runs-by-rest.js';
import { requireStill } from './source-still.js';
import { survey } from './survey.js';
import { requireTargetPaused, runsSinceImport } from './target-still.js';
import { workOnFinal, type FinalWork } from './work-on-final.js';

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
    const work = await workOnFinal(context, seen, bucket, journal);
    const byHand = await requireReady(context, journal, work);
    const { dags, unknownCanaries, owedEvents } = await wantedDags(bucket, seen.prefix, work, file.cutover.canary);
    const report = cutoverDryReport({ source: seen.source.Name, sourceVersion: work.manifest.source.airflowVersion, target: file.target.environment, dags, unknownCanaries, owedEvents, parked: work.manifest.inFlight, byHand, switching: file.cutover, isBegun: isSwitched(work.attempt), now: clock.now().toISOString() });
    return resultOf(`mwaa-migrate: cutover of ${file.id} (dry run)`, report, { 'migration-id': file.id, attempt: String(work.attempt.number), 'plan-digest': seen.plan.digest });
  }
  return await inMigration(context, seen, 'must-exist', async ({ bucket, prefix, journal }) => {
    const work = await workOnFinal(context, seen, bucket, journal.current);
    const { attempt, target, targetDescription } = work;
    const byHand = await requireReady(context, journal.current, work);
    for (const { dagId, runId } of byHand) log.warn(`Run ${runId} of ${dagId} began on ${target.name} after the import, before cutover.`);
    const { dags, unknownCanaries } = await wantedDags(bucket, prefix, work, file.cutover.canary);
    for (const dagId of unknownCanaries) log.warn(`Canary ${dagId} was not active on the source, so it is not activated.`);
    const longest = longestMinutes(file.cutover, dags.length);
    if (longest > inputs.timeoutMinutes) log.warn(`Canaries and batches may take up to ${longest} minutes, longer than timeout-minutes (${inputs.timeoutMinutes}). When the time is up, the cutover goes on inside ${target.name}; run phase cutover again, and it takes up the wait.`);
    await grantAccess(context, seen);
    const job = jobFor({ file, side: 'target', attempt: attempt.number, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null, activeDags: dags });
    await journal.update((current) => rememberStep(current, attempt.number, { name: STEP.activationBegun, at: clock.now().toISOString(), by: owner }));
    const found = await target.run('activate', ordersOf(context, inputs.timeoutMinutes)(attempt.number, job, { manifest: attempt.manifest, isFresh: true }));
    await journal.update((current) => replaceStep(current, attempt.number, {
      name: STEP.activated, at: clock.now().toISOString(), by: owner,
      data: { activated: found.activated.length, alreadyActive: found.alreadyActive.length, left: found.left, stopped: found.stopped, resumed: found.resumed.length, notResumed: found.notResumed.length },
    }));
    await target.removeDag();
    const active = await target.listActiveDagIds();
    const problems = problemsOf(found, dags.length, active);
    const report = cutoverReport({ source: seen.source.Name, target: target.name, url: targetDescription.WebserverUrl, found, wanted: dags.length, active, problems, unknownCanaries, byHand });
    return resultOf(`mwaa-migrate: cutover of ${file.id}`, withTimeline(report, journal.current, clock.now()), {
      'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': seen.plan.digest, 'target-environment': file.target.environment, changes: String(found.activated.length),
      ...(targetDescription.WebserverUrl ? { 'target-webserver-url': targetDescription.WebserverUrl } : {}),
    }, problems.length === 0 ? undefined : {
      what: `The target is not as active as the source was: ${problems.join('; ')}.`,
      why: found.stopped === null ? 'what is not active runs on neither side.' : 'a canary is there to stop everything behind it; what is not active runs on neither side.',
      fix: `repair what is named and run phase cutover again: it tries only what is left. To go back, run phase rollback.`,
    });
  });
}

/** Everything that must be true before a DAG is activated; reads only. @returns runs that began on the target by hand before the first cutover */
async function requireReady({ inputs, source, target: side }: CutoverContext, journal: Journal, { attempt, manifest, source: from, target }: FinalWork): Promise<readonly RunSeen[]> {
  const imported = stepOf(attempt, STEP.imported);
  if (!imported) throw notImported(attempt);
  refuseRollingBack(journal);
  requireCutoverApproved(attempt, inputs.workflow.gate.cutoverEnvironment);
  await requireStill(from, source.mwaa, manifest, 'cutover');
  if (isSwitched(attempt)) return [];
  await requireTargetPaused(target, 'somebody activated them by hand, before their runs in flight were resumed and their next run was checked: they may run intervals twice, or never.', 'pause them, look at the runs they made, and run phase cutover again: it activates them in order.');
  return await runsSinceImport(side.mwaa, target.name, imported.at);
}

const notImported = ({ number }: FinishedExport) =>
  new UserError(`Attempt ${number} has not been imported.`, 'without its history the target\'s scheduler would run every interval again.', 'run phases import and verify first.');

type Wanted = Readonly<{ dags: readonly ActiveDag[]; unknownCanaries: readonly string[]; owedEvents: number }>;

/** Canaries first, in the file's order; the rest by name. Their next runs as of the snapshot: those recorded are of before the drain. */
async function wantedDags(bucket: Bucket, prefix: string, { attempt, manifest }: FinalWork, canary: readonly string[]): Promise<Wanted> {
  const schedules = await readSchedules(bucket, manifest);
  const active = asOfSnapshot(await readActiveDags(bucket, prefix, attempt.number), schedules?.dags);
  const byId = new Map(active.map((dag) => [dag.dagId, dag]));
  const first = [...new Set(canary)].flatMap((dagId) => byId.get(dagId) ?? []);
  return { dags: [...first, ...active.filter((dag) => !canary.includes(dag.dagId))], unknownCanaries: canary.filter((dagId) => !byId.has(dagId)), owedEvents: schedules?.owedEvents ?? 0 };
}

/** Besides the work itself: what canaries are waited for, and the pauses between batches. */
function longestMinutes({ canary, canaryMinutes, batchSize, batchPauseSeconds }: MigrationFile['cutover'], dags: number): number {
  const batches = batchSize > 0 ? Math.ceil(Math.max(0, dags - canary.length) / batchSize) : 1;
  return (canary.length > 0 ? canaryMinutes : 0) + Math.ceil((Math.max(0, batches - 1) * batchPauseSeconds) / 60);
}

function problemsOf({ activated, alreadyActive, left, canaries, stopped }: ActivateData, wanted: number, active: readonly string[]): readonly string[] {
  const expected = new Set([...activated, ...alreadyActive]);
  const bad = canaries.filter(({ state }) => state !== 'green').map(({ dagId }) => dagId);
  return [
    ...(stopped === null ? [] : [stopped]),
    ...(bad.length > 0 && stopped === null ? [`canaries that are not green: ${shorten(bad)}`] : []),
    ...(left.length > 0 ? [`${left.length} of ${wanted} DAGs were left paused`] : []),
    ...differ('activated, but not active now', [...expected], new Set(active)),
    ...differ('active on the target, but not on the source before', active, expected),
  ];
}

function differ(what: string, these: readonly string[], those: ReadonlySet<string>): readonly string[] {
  const found = these.filter((dagId) => !those.has(dagId));
  return found.length > 0 ? [`${what}: ${shorten(found)}`] : [];
}

const shorten = (names: readonly string[]) => names.slice(0, 10).join(', ') + (names.length > 10 ? ', …' : '');
