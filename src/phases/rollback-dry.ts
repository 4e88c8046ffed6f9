import type { InFlightRun } from '../airflow/protocol.js';
import { transportOf } from '../airflow/transport-of.js';
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { stepOf } from '../journal/transitions.js';
import { stateOf } from '../plan/states.js';
import type { Bucket } from '../ports.js';
import { counted, type Report } from '../report/document.js';
import { dryReport } from '../report/dry-report.js';
import { readActiveDags } from './active-dags.js';
import { exportOnTarget, importedSince, isSwitched, STEP } from './attempts.js';
import { readManifest } from './read-manifest.js';
import { restoredBefore } from './restore-source.js';
import type { RollbackContext } from './rollback.js';
import { listTasks } from './runs-by-rest.js';
import { wordsOf } from './still-running.js';
import { runsSinceImport } from './target-still.js';
import type { Place } from './way-back.js';

/** What the target does now. `wentOn`: runs in flight at the snapshot that began there. `words`: what rollback would do there. */
type TargetOutlook = Readonly<{ wentOn: readonly InFlightRun[]; words: readonly string[] }>;

/** Names that a sentence shows. */
const SHOWN = 10;

/** What a rollback would do, from what can be read without starting anything. */
export async function dryRollback(context: RollbackContext, seen: Place, { bucket, journal }: Readonly<{ bucket: Bucket; journal: Journal | undefined }>, attempt: Attempt): Promise<Report> {
  const restored = stepOf(attempt, STEP.restored);
  if (restored) return restoredAlready(attempt, restored.at, restored.data);
  const { file } = context;
  const active = await readActiveDags(bucket, seen.prefix, attempt.number);
  // Below 2.4.3 that takes a DAG run, which a dry run does not start: the drain has paused them all.
  const isAsked = transportOf(seen.source.AirflowVersion).kind === 'rest';
  const now = new Set(isAsked ? await context.source.airflow(seen.source, bucket, seen.prefix).listActiveDagIds() : []);
  const paused = active.filter(({ dagId }) => !now.has(dagId));
  const { wentOn, words } = await lookAtTarget(context, seen, bucket, attempt, journal);
  const ended = Number(stepOf(attempt, STEP.drained)?.data?.ended ?? 0), endedThere = wentOn.reduce((sum, run) => sum + run.ended, 0);
  return dryReport({
    verdict: `Dry run: would go back from attempt ${attempt.number} and make ${paused.length} DAGs of ${seen.source.Name} active again`,
    would: [
      ...words,
      ended > endedThere ? `put ${counted(ended - endedThere, 'task')} back that the drain ended, so that the source runs ${ended - endedThere === 1 ? 'it' : 'them'} again` : ended > 0 ? 'put back no task that the drain ended' : 'put back no ended task: none is recorded',
      ...(endedThere > 0 ? [`leave ${counted(endedThere, 'other task')} that the drain ended as the target left ${endedThere === 1 ? 'its run' : 'their runs'}`] : []),
      ...(isSwitched(attempt) ? ['write on the source, as a run without tasks, each scheduled run that the target made, so that no interval runs twice, and end on the source what went on at the target: as success where it succeeded there, else failed, for you to decide'] : []),
      ...(wentOn.length > 0 ? [`so end on the source, unless nothing of it has really begun: ${some(wentOn.map(({ dagId, runId }) => `${dagId} / ${runId}`))}`] : []),
      `make active on ${seen.source.Name} exactly what was active before: ${active.length} DAGs, ${isAsked ? `${active.length - paused.length} of which are active now` : 'of which a dry run cannot tell whether they are active now'}`,
      'remove our DAG files, the grants of the migration bucket and its key, and the exported secrets; other exported data and what was imported stay',
    ],
    names: { title: 'DAGs that would be activated on the source', items: paused.map(({ dagId }) => dagId) },
    next: `Run phase rollback without dry-run (${file.source.environment} goes on, ${file.target.environment} stays paused).`,
  });
}

function restoredAlready({ number }: Attempt, at: string, data: Readonly<Record<string, unknown>> | undefined): Report {
  const { leftFailed } = restoredBefore(data);
  return dryReport({
    verdict: `Dry run: attempt ${number} was put back already; would only look for DAG files, grants and secrets that are left`,
    would: [`find that the source was put back at ${at}`],
    next: leftFailed.length > 0
      ? `Unless it is done already, look at the ${counted(leftFailed.length, 'run')} that ${leftFailed.length === 1 ? 'was' : 'were'} left failed then: ${some(leftFailed.map(({ dagId, runId }) => `${dagId} / ${runId}`))}. Phase rollback without dry-run shows what ran of them.`
      : 'Nothing. The next final export takes the next attempt number.',
  });
}

async function lookAtTarget(context: RollbackContext, seen: Place, bucket: Bucket, attempt: Attempt, journal: Journal | undefined): Promise<TargetOutlook> {
  const name = context.file.target.environment;
  const since = journal && importedSince(journal, attempt), manifest = journal && exportOnTarget(journal, attempt);
  const { target } = seen;
  const wasActive = isSwitched(attempt), mayRun = wasActive || stepOf(attempt, STEP.rollbackBegun) !== undefined;
  const only = (words: string): TargetOutlook => ({ wentOn: [], words: [words] });
  if (seen.targetUnknown) return only(mayRun || since !== undefined ? `refuse: target ${name} cannot be asked (${seen.targetUnknown.what}), and DAGs may run there` : `leave target ${name} alone: it cannot be asked, and nothing was imported into it`);
  if (!target) return only(wasActive ? `find that target ${name} is gone, so that what it ran is not known` : `leave the target alone: ${name} does not exist`);
  const { verdict, meaning } = stateOf(target.Status);
  if (verdict !== 'usable') return only(mayRun ? `refuse: target ${name} is ${target.Status} (${meaning}) and may still run its DAGs` : `leave target ${name} alone: it is ${target.Status} (${meaning}), and nothing was activated there`);
  if (since === undefined && !mayRun) return only(`leave target ${name} alone: nothing was imported into it`);
  try {
    const { length } = await context.target.airflow(target, bucket, seen.prefix).listActiveDagIds();
    const began = since === undefined ? [] : await runsSinceImport(context.target.mwaa, name, since);
    if (length === 0 && !mayRun && began.length === 0) return only(`find that nothing is active on ${name} and nothing ran there since the import`);
    const busy = await listTasks(context.target.mwaa, name, ['running', 'queued', 'restarting']);
    const there = new Set(began.map(({ dagId, runId }) => JSON.stringify([dagId, runId])));
    const inFlight = manifest && began.length > 0 ? (await readManifest(bucket, manifest)).inFlight : [];
    const wentOn = inFlight.filter(({ dagId, runId }) => there.has(JSON.stringify([dagId, runId])));
    return {
      wentOn,
      words: [
        `pause ${length} DAGs of ${name}, and wait up to ${context.file.drain.taskMinutes} minutes for its running tasks: ${busy.length === 0 ? 'none runs or is queued there now' : `${counted(busy.length, 'task')} ${busy.length === 1 ? 'runs or is' : 'run or are'} queued there now (${some(busy.map(wordsOf))}). If one still does then, rollback ends red and both sides stay paused until it is run again`}`,
        `record what ${name} ran: ${counted(began.length, 'run')} began there since the import, ${wentOn.length} of which ${wentOn.length === 1 ? 'was' : 'were'} in flight on the source`,
      ],
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return only(`ask ${name} what is active there and what ran, which fails now: ${error.what}`);
  }
}

const some = (names: readonly string[]): string => names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');
