import { transportOf } from '../airflow/transport-of.js';
import { newJournal } from '../journal/transitions.js';
import type { Context, PhaseResult } from '../ports.js';
import { dryReport } from '../report/dry-report.js';
import { nothingApproved } from './approval.js';
import { requireApprovedExport } from './approved-work.js';
import { exportAttempt } from './attempts.js';
import { lookAtMigration } from './migration.js';
import { resultOf } from './result.js';
import { eyesOf, type Survey } from './survey.js';

/** What an export would do, from what can be read without starting anything. */
export async function dryExport(context: Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'owner'>, seen: Survey): Promise<PhaseResult> {
  const { inputs, file } = context;
  const { bucket, journal } = await lookAtMigration(context, seen);
  if (inputs.mode === 'final' && inputs.workflow.requireApproval) {
    if (!journal) throw nothingApproved(file.id);
    await requireApprovedExport(context, seen, bucket, journal);
  }
  const side = (environment: string, region: string, airflowVersion: string) => ({ environment, region, airflowVersion });
  const next = exportAttempt(
    journal ?? newJournal({ migrationId: file.id, source: side(file.source.environment, file.source.region, seen.source.AirflowVersion), target: side(file.target.environment, file.target.region, file.target.airflowVersion) }),
    inputs.mode, inputs.attempt, context.clock.now(),
  );
  // Below 2.4.3 that takes a DAG run, which a dry run does not start.
  const active = transportOf(seen.source.AirflowVersion).kind === 'cli' ? undefined : await eyesOf(context).source.airflow(seen.source, bucket, seen.prefix).listActiveDagIds();
  const isFinal = inputs.mode === 'final';
  const report = dryReport({
    verdict: `Dry run: would ${next.isResumed ? 'go on with' : 'begin'} attempt ${next.attempt.number}, a ${inputs.mode}`,
    would: [
      `${journal ? 'use' : 'make, if it is missing,'} bucket ${seen.bucketName} and write below ${seen.prefix}${next.attempt.number}/`,
      `place one DAG file in the DAG folder of ${file.source.environment}${seen.target ? ` and one in that of ${file.target.environment}` : ''}, and remove them at the end`,
      isFinal ? `remember ${active?.length ?? 'the'} active DAGs, wait up to ${file.drain.timeoutMinutes} minutes for their runs, and pause them` : 'pause nothing and write no value of a variable or connection',
      'export every table of the catalogue in one snapshot, and check the manifest',
    ],
    names: isFinal && active ? { title: 'DAGs that would be paused', items: active } : undefined,
    next: `Run phase export with mode ${inputs.mode} and without dry-run.`,
  });
  return resultOf(`mwaa-migrate: export of ${file.id} (dry run)`, report, { 'migration-id': file.id, attempt: String(next.attempt.number), 'plan-digest': seen.plan.digest });
}
