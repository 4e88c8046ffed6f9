import { OWN_DAG_FOLDER } from '../airflow/own-dags.js';
import type { ActiveDag, DrainData, Envelope, Job, PreflightData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { Attempt } from '../journal/journal.js';
import { attemptOf, rememberStep, replaceStep, stepOf, withManifest } from '../journal/transitions.js';
import { TABLES } from '../metadata/catalogue.js';
import type { Manifest } from '../metadata/manifest.js';
import { scopeDigest, scopeOf } from '../metadata/scope.js';
import { namesakeBlockers } from '../plan/build.js';
import { jobFor } from '../plan/job.js';
import type { Context, OpenJournal, PhaseResult, SourceEnvironment, TargetEnvironment } from '../ports.js';
import { rememberActiveDags } from './active-dags.js';
import { exportedByApproval, nothingApproved } from './approval.js';
import { requireApprovedExport, requireScope, type ApprovedExport } from './approved-work.js';
import { exportAttempt, pausedAttempts, startedBy, STEP } from './attempts.js';
import { dryExport } from './export-dry.js';
import { exportedAgain, exportResult } from './export-result.js';
import { grantAccess } from './grants.js';
import { inMigration, lookAtMigration, type Migration } from './migration.js';
import { ordersOf } from './orders.js';
import { readPublicKey } from './public-key.js';
import { readManifest, requireManifestOf, requireObjects } from './read-manifest.js';
import { asOfSnapshot, readSchedules } from './read-schedules.js';
import { restoreSource } from './restore-source.js';
import { survey, type Survey } from './survey.js';

export type ExportContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner' | 'github'>;

/**
 * Exports the source's metadata. A rehearsal pauses nothing and writes no secret. Safe to repeat: an attempt that was killed goes on
 * with its number, its list of active DAGs and its DAG runs.
 */
export async function exportMetadata(context: ExportContext): Promise<PhaseResult> {
  const seen = await survey(context);
  if (context.inputs.dryRun) return await dryExport(context, seen);
  const { target: there } = seen;
  if (context.inputs.mode === 'final' && !there)
    throw new UserError(`Target ${context.file.target.environment} does not exist yet.`, 'a final export pauses production, and variables are encrypted for a key that the target makes.', 'run phase create first.');
  if (context.inputs.mode === 'final' && context.inputs.workflow.requireApproval) {
    // Before the plan of now is stored or anything else is written; under the lock it is asked again.
    const { bucket, journal } = await lookAtMigration(context, seen);
    if (!journal) throw nothingApproved(context.file.id);
    await requireApprovedExport(context, seen, bucket, journal);
  }
  return await inMigration(context, seen, 'may-begin', async (migration) => {
    const { current } = migration.journal;
    const approved = await requireApprovedExport(context, seen, migration.bucket, current);
    const done = approved && exportedByApproval(current);
    if (done) return await exportedAgain(context, seen, migration, done);
    const begun = exportAttempt(current, context.inputs.mode, context.inputs.attempt, context.clock.now());
    await rememberBeginning(context, migration.journal, begun, approved);
    context.log.info(`${begun.isResumed ? 'Going on with' : 'Beginning'} attempt ${begun.attempt.number}, ${context.inputs.mode === 'final' ? 'a final export' : 'a rehearsal'}.`);
    await grantAccess(context, seen);
    const source = context.source.airflow(seen.source, migration.bucket, migration.prefix);
    const target = there && context.target.airflow(there, migration.bucket, migration.prefix);
    return await new Export(context, seen, migration, begun.attempt.number, begun.isResumed, source, target, approved).run();
  });
}

/** With the number, in one write: an attempt without its origin would be one that nobody has approved. */
async function rememberBeginning({ clock, owner, github }: ExportContext, journal: OpenJournal, { journal: begun, attempt: { number } }: ReturnType<typeof exportAttempt>, approved: ApprovedExport | undefined): Promise<void> {
  const at = clock.now().toISOString();
  const people = (await github.run()).startedBy, known = startedBy(attemptOf(begun, number) as Attempt);
  const everybody = [...known, ...people.filter((login) => !known.includes(login))];
  let after = begun;
  // Nobody is ever taken off the list: whoever has worked on an export may not be the one who approves it.
  if (everybody.length > known.length) after = replaceStep(after, number, { name: STEP.started, at, by: owner, data: { startedBy: everybody } });
  if (approved) after = rememberStep(after, number, { name: STEP.madeFrom, at, by: owner, data: { from: approved.approval.attempt } });
  await journal.update(() => after);
}

/** One attempt's way through the steps; the fields are what every step needs. */
class Export {
  private readonly order: ReturnType<typeof ordersOf>;
  constructor(
    private readonly context: ExportContext, private readonly seen: Survey, private readonly migration: Migration, private readonly attempt: number,
    private readonly isResumed: boolean, private readonly source: SourceEnvironment, private readonly target: TargetEnvironment | undefined,
    private readonly approved: ApprovedExport | undefined,
  ) {
    this.order = ordersOf(context, context.inputs.timeoutMinutes);
  }

  async run(): Promise<PhaseResult> {
    const { log } = this.context;
    // The key before everything else on the source: all commands there then share one job, and its DAG file is parsed once.
    const envelope = await this.envelope();
    const job = this.job(envelope);
    const preflight = await this.source.run('preflight', this.order(this.attempt, job, { isFresh: true }));
    this.requireSameVersion(preflight);
    this.requireNoNamesakes(preflight);
    log.info(`Preflight of ${this.source.name}: ${preflight.activeDags.length} active DAGs, ${preflight.runsInFlight} runs in flight.`);
    if (this.context.inputs.mode === 'rehearsal') {
      const targetSeen = await this.target?.run('preflight', this.order(this.attempt, this.jobOfTarget(), { isFresh: true }));
      return await this.finish(job, preflight, preflight.activeDags, undefined, targetSeen);
    }
    const active = await rememberActiveDags(this.migration.bucket, this.migration.prefix, this.attempt, preflight.activeDags, this.earlier);
    await this.remember(STEP.activeDags, { count: active.length, pausedDags: preflight.pausedDags, importErrors: preflight.importErrors });
    try {
      await this.remember(STEP.drainBegun);
      // Fresh when resumed: somebody may have unpaused a DAG since the first try, and draining twice does no harm.
      const drained = await this.source.run('drain', this.order(this.attempt, job, { isFresh: this.isResumed }));
      await this.remember(STEP.drained, { paused: drained.paused.length, leftover: drained.leftover.length, ended: drained.ended, waitedSeconds: drained.waitedSeconds });
      log.info(`${drained.paused.length} DAGs are paused after ${drained.waitedSeconds} s; ${drained.leftover.length} runs were left in flight${drained.ended > 0 ? `, of which ${drained.ended} tasks were ended` : ''}.`);
      return await this.finish(job, preflight, active, drained, undefined);
    } catch (error) {
      throw await this.putBack(error, job, active);
    }
  }

  /** undefined in a rehearsal, which writes no value; else KMS, or a one-time key of the target. */
  private async envelope(): Promise<Envelope | null> {
    const { file, inputs } = this.context;
    if (inputs.mode === 'rehearsal' || !(file.metadata.variables || file.metadata.connections)) return null;
    if (file.bucket.kmsKey !== undefined) return { wrap: 'kms', keyArn: file.bucket.kmsKey };
    const target = this.target as TargetEnvironment; // exportMetadata refuses a final export without one
    return await readPublicKey(target, await target.run('keypair', this.order(this.attempt, this.jobOfTarget())));
  }

  private async finish(job: Job, preflight: PreflightData, active: readonly ActiveDag[], drained: DrainData | undefined, targetSeen: PreflightData | undefined): Promise<PhaseResult> {
    const { context, migration } = this;
    const { manifest: ref } = await this.source.run('export', this.order(this.attempt, job));
    const manifest = await this.check(await readManifest(migration.bucket, ref).catch((error: unknown) => this.giveUp(error)));
    // After a drain the recorded next runs are stale; the snapshot's are what cutover goes by. Before the export counts as done: it has no cutover without.
    const schedules = drained && (await readSchedules(migration.bucket, manifest).catch((error: unknown) => this.giveUp(error)));
    const scope = scopeDigest(scopeOf(manifest, TABLES));
    await this.journal.update((current) => withManifest(current, this.attempt, { ...ref, scope }));
    await this.source.removeDag();
    await this.target?.removeDag();
    await this.remember(STEP.exported, { scope, rows: manifest.tables.reduce((sum, { rows }) => sum + rows, 0) });
    return exportResult(context, this.seen, migration, this.attempt, { manifest, scope, preflight, targetSeen, active: asOfSnapshot(active, schedules?.dags), drained, planChanges: migration.planChanges });
  }

  private async check(manifest: Manifest): Promise<Manifest> {
    const { inputs, file } = this.context;
    try {
      requireManifestOf(manifest, {
        migrationId: file.id, attempt: this.attempt, mode: inputs.mode, sourceVersion: this.seen.source.AirflowVersion, targetVersion: file.target.airflowVersion, tables: TABLES.map(({ name }) => name),
      });
      if (this.approved) requireScope(scopeOf(manifest, TABLES), this.approved, 'what was exported is given up.');
      await requireObjects(this.migration.bucket, manifest);
      if (inputs.mode === 'final' && manifest.activeDags > 0)
        throw new UserError(`${manifest.activeDags} DAGs of ${this.seen.source.Name} were active when the export was taken.`, 'somebody unpaused them after the drain, so runs may have begun that the export does not hold.', 'make sure that nobody unpauses DAGs meanwhile, then run phase export again.');
      return manifest;
    } catch (error) {
      return await this.giveUp(error);
    }
  }

  /** What cannot be used must not be resumed: the same result would come back for ever. */
  private async giveUp(error: unknown): Promise<never> {
    if (error instanceof UserError) await this.remember(STEP.voided, { reason: error.what.slice(0, 300) });
    throw error;
  }

  /** Final attempts before this one that left the source paused. */
  private get earlier(): readonly number[] {
    return pausedAttempts(this.journal.current, this.attempt).map(({ number }) => number);
  }

  /** After a failure behind the pause: `leftover: abort` promises that the source goes on; otherwise it stays as it is, and we say so. */
  private async putBack(error: unknown, job: Job, active: readonly ActiveDag[]): Promise<unknown> {
    if (!(error instanceof UserError)) return error;
    const { file, log } = this.context;
    if (file.drain.leftover !== 'abort')
      return new UserError(error.what, error.why, `${error.fix} DAGs of ${this.source.name} are paused, or will be; run phase export again to go on, or phase rollback to go back. ${active.length} DAGs that were active stand in s3://${this.migration.bucket.name}/${this.migration.prefix}${this.attempt}/active-dags.json.`, { cause: error });
    log.warn(`The export failed (${error.what}); drain.leftover is abort, so the source is put back.`);
    // What ended tasks (an earlier attempt, or this one with another `leftover`) must be put back even where every DAG is active again.
    const mayHaveEnded = this.isResumed || job.earlierAttempts.length > 0;
    // Ordered, it goes on without us: nobody may meanwhile cut an older export over.
    await this.remember(STEP.restoreBegun);
    const { missing, putBack } = await restoreSource(this.source, this.order(this.attempt, { ...job, activeDags: active }, { isFresh: true }), active, mayHaveEnded).catch((failed: unknown) => {
      throw failed instanceof UserError ? new UserError(failed.what, `${failed.why} The source was being put back, because the export had failed: ${error.what}`, `run phase rollback, which goes on with that. ${failed.fix}`, { cause: failed }) : failed;
    });
    await this.remember(STEP.restored, { activated: active.length - missing.length, missing, putBack });
    await this.source.removeDag();
    await this.target?.removeDag();
    return new UserError(error.what, error.why, `${error.fix} The source was put back: ${active.length - missing.length} of ${active.length} DAGs are active again${missing.length > 0 ? ` (gone since: ${missing.slice(0, 10).join(', ')})` : ''}.`, { cause: error });
  }

  private requireSameVersion(preflight: PreflightData): void {
    if (preflight.airflowVersion === this.seen.source.AirflowVersion) return;
    throw new UserError(`${this.source.name} runs Airflow ${preflight.airflowVersion}, but MWAA says ${this.seen.source.AirflowVersion}.`, 'an update is under way or half done, and the schema may change while it is read.', 'wait until the environment is AVAILABLE and run phase export again.');
  }

  /** Where no REST API reaches, the plan could not look. */
  private requireNoNamesakes({ namesakes = [] }: PreflightData): void {
    const [first] = namesakeBlockers({ source: this.seen.source, namesakes });
    if (first) throw new UserError(`${first.what}.`, `${first.why}.`, `remove the file ${OWN_DAG_FOLDER}/db_export.py from its DAG folder first, and do not run phase rollback or cleanup before: ${first.fix}. Then run phase export again.`);
  }

  private get journal(): OpenJournal {
    return this.migration.journal;
  }

  private async remember(name: string, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const step = { name, at: this.context.clock.now().toISOString(), by: this.context.owner, data };
    const attempt = this.journal.current.attempts.find(({ number }) => number === this.attempt);
    if (attempt && stepOf(attempt, name)) return; // written once: no need for another version of the journal
    await this.journal.update((current) => rememberStep(current, this.attempt, step));
  }

  private job = (envelope: Envelope | null): Job => jobFor({ file: this.context.file, side: 'source', attempt: this.attempt, mode: this.context.inputs.mode, sourceVersion: this.seen.source.AirflowVersion, envelope, earlierAttempts: this.earlier });
  private jobOfTarget = (): Job => jobFor({ file: this.context.file, side: 'target', attempt: this.attempt, mode: this.context.inputs.mode, sourceVersion: this.seen.source.AirflowVersion, envelope: null });
}

