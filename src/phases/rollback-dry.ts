import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { stepOf } from '../journal/transitions.js';
import { stateOf } from '../plan/states.js';
import type { Bucket } from '../ports.js';
import type { Report } from '../report/document.js';
import { dryReport } from '../report/dry-report.js';
import { readActiveDags } from './active-dags.js';
import { importedSince, isSwitched, STEP } from './attempts.js';
import type { RollbackContext } from './rollback.js';
import type { Survey } from './survey.js';
import { runsSinceImport } from './target-still.js';

/** What a rollback would do, from what can be read without starting anything. */
export async function dryRollback(context: RollbackContext, seen: Survey, { bucket, journal }: Readonly<{ bucket: Bucket; journal: Journal | undefined }>, attempt: Attempt): Promise<Report> {
  const { file } = context;
  const since = journal && importedSince(journal, attempt);
  const restored = stepOf(attempt, STEP.restored);
  const active = await readActiveDags(bucket, seen.prefix, attempt.number);
  const now = new Set(await context.source.airflow(seen.source, bucket, seen.prefix).listActiveDagIds());
  const paused = active.filter(({ dagId }) => !now.has(dagId));
  const ended = stepOf(attempt, STEP.drained)?.data?.ended;
  return dryReport({
    verdict: restored ? `Dry run: attempt ${attempt.number} was put back already; would only look for DAG files and grants that are left` : `Dry run: would go back from attempt ${attempt.number} and make ${paused.length} DAGs of ${seen.source.Name} active again`,
    would: restored
      ? [`find that the source was put back at ${restored.at}`]
      : [
          await targetWords(context, seen, bucket, attempt, since),
          typeof ended === 'number' && ended > 0 ? `put ${ended} tasks back that the drain ended, so that the source runs them again` : 'put back no ended task: none is recorded',
          ...(isSwitched(attempt) ? ['write on the source, as a run without tasks, each scheduled run that the target made, so that no interval runs twice, and end on the source what went on at the target: as success where it succeeded there, else failed, for you to decide'] : []),
          `make active on ${seen.source.Name} exactly what was active before: ${active.length} DAGs, ${active.length - paused.length} of which are active now`,
          'remove our DAG files and the grants of the migration bucket; exported data and what was imported stay',
        ],
    names: restored ? undefined : { title: 'DAGs that would be activated on the source', items: paused.map(({ dagId }) => dagId) },
    next: restored ? 'Nothing. The next final export takes the next attempt number.' : `Run phase rollback without dry-run (${file.source.environment} goes on, ${file.target.environment} stays paused).`,
  });
}

/** @param since when rows of this migration came to the target; undefined: it has none */
async function targetWords(context: RollbackContext, seen: Survey, bucket: Bucket, attempt: Attempt, since: string | undefined): Promise<string> {
  const name = context.file.target.environment;
  const { target } = seen;
  const wasActive = isSwitched(attempt), mayRun = wasActive || stepOf(attempt, STEP.rollbackBegun) !== undefined;
  if (!target) return wasActive ? `find that target ${name} is gone, so that what it ran is not known` : `leave the target alone: ${name} does not exist`;
  const { verdict, meaning } = stateOf(target.Status);
  if (verdict !== 'usable') return mayRun ? `refuse: target ${name} is ${target.Status} (${meaning}) and may still run its DAGs` : `leave target ${name} alone: it is ${target.Status} (${meaning}), and nothing was activated there`;
  if (since === undefined && !mayRun) return `leave target ${name} alone: nothing was imported into it`;
  try {
    const { length } = await context.target.airflow(target, bucket, seen.prefix).listActiveDagIds();
    if (length === 0 && !mayRun && (since === undefined || (await runsSinceImport(context.target.mwaa, name, since)).length === 0)) return `find that nothing is active on ${name} and nothing ran there since the import`;
    return `pause ${length} DAGs of ${name}, wait up to ${context.file.drain.taskMinutes} minutes for its running tasks, and record what it ran`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `ask ${name} what is active there and what ran, which fails now: ${error.what}`;
  }
}
