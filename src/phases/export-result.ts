/** What phase export gives back: of an export that was just made, or again of one that an approval was used for already. */
import type { DrainData } from '../airflow/protocol.js';
import type { Attempt } from '../journal/journal.js';
import { stepOf } from '../journal/transitions.js';
import { leftOutOf } from '../metadata/left-out.js';
import { TABLES } from '../metadata/catalogue.js';
import { scopeDigest, scopeOf } from '../metadata/scope.js';
import type { Context, PhaseResult } from '../ports.js';
import { exportReport, type ExportFacts } from '../report/export-report.js';
import { withTimeline } from '../report/timeline.js';
import { readActiveDags } from './active-dags.js';
import { STEP, type FinishedExport } from './attempts.js';
import type { Migration } from './migration.js';
import { readManifest } from './read-manifest.js';
import { asOfSnapshot, readSchedules } from './read-schedules.js';
import { resultOf } from './result.js';
import type { Survey } from './survey.js';

type ExportResultContext = Pick<Context, 'file' | 'clock' | 'log'>;

export function exportResult({ file, clock }: ExportResultContext, seen: Survey, { journal }: Pick<Migration, 'journal'>, attempt: number, facts: Omit<ExportFacts, 'environment' | 'now'>): PhaseResult {
  const now = clock.now();
  const report = exportReport({ ...facts, environment: seen.source.Name, now: now.toISOString() });
  return resultOf(`mwaa-migrate: export of ${file.id}`, withTimeline(report, journal.current, now), {
    'migration-id': file.id, attempt: String(attempt), 'plan-digest': seen.plan.digest, 'manifest-digest': facts.scope,
    'target-environment': file.target.environment,
    tables: JSON.stringify(Object.fromEntries(facts.manifest.tables.map((one) => [one.name, { rows: one.rows, leftOut: leftOutOf(one).users }]))),
  });
}

/** A job that was killed behind its last step, or is run again: its approval is for one final export, so that one is what it gets. Reads only. */
export async function exportedAgain(context: ExportResultContext, seen: Survey, migration: Migration, attempt: FinishedExport): Promise<PhaseResult> {
  const { bucket, prefix } = migration;
  context.log.info(`Attempt ${attempt.number} was exported already; its approval is for this one export, so nothing is exported again.`);
  const manifest = await readManifest(bucket, attempt.manifest);
  const schedules = await readSchedules(bucket, manifest);
  const active = await readActiveDags(bucket, prefix, attempt.number);
  const drained: Pick<DrainData, 'leftover' | 'ended' | 'waitedSeconds'> = { leftover: manifest.inFlight, ended: numberIn(attempt, STEP.drained, 'ended'), waitedSeconds: numberIn(attempt, STEP.drained, 'waitedSeconds') };
  return exportResult(context, seen, migration, attempt.number, {
    manifest, scope: scopeDigest(scopeOf(manifest, TABLES)), active: asOfSnapshot(active, schedules?.dags), drained, targetSeen: undefined, planChanges: migration.planChanges,
    preflight: { pausedDags: numberIn(attempt, STEP.activeDags, 'pausedDags'), importErrors: numberIn(attempt, STEP.activeDags, 'importErrors') },
  });
}

function numberIn(attempt: Attempt, step: string, name: string): number {
  const value = stepOf(attempt, step)?.data?.[name];
  return typeof value === 'number' ? value : 0;
}
