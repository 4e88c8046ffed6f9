import { PROTOCOL_SCHEMA, type ActiveDag, type Envelope, type Job, type ObjectRef, type Side } from '../airflow/protocol.js';
import { TABLES } from '../metadata/catalogue.js';
import type { MigrationFile } from '../migration-file/migration-file.js';

export type JobFacts = Readonly<{
  file: MigrationFile;
  side: Side;
  attempt: number;
  mode: 'rehearsal' | 'final';
  sourceVersion: string;
  envelope: Envelope | null;
  activeDags?: readonly ActiveDag[];
  earlierAttempts?: readonly number[];
  earlierManifests?: readonly ObjectRef[];
  earlierBrought?: readonly ObjectRef[];
  earlierRan?: readonly ObjectRef[];
  ran?: ObjectRef | null;
}>;

/**
 * The job of one side in one attempt. Every command of a phase gets the same one wherever it can: another job means another DAG
 * file, and minutes until the scheduler has parsed it.
 */
export function jobFor({ file, side, attempt, mode, sourceVersion, envelope, activeDags = [], earlierAttempts = [], earlierManifests = [], earlierBrought = [], earlierRan = [], ran = null }: JobFacts): Job {
  const { metadata } = file;
  const days = (value: number | 'all') => (value === 'all' ? null : value);
  return {
    schema: PROTOCOL_SCHEMA,
    migrationId: file.id,
    attempt, side, mode, sourceVersion,
    targetVersion: file.target.airflowVersion,
    // All of them: which rows of a table move is the job's `metadata`, and what stays behind is said there.
    tables: TABLES,
    metadata: { historyDays: days(metadata.historyDays), auditLogDays: days(metadata.auditLogDays), dags: metadata.dags, xcom: metadata.xcom, xcomMaxBytes: metadata.xcomMaxBytes, jobs: metadata.jobs, taskReschedule: metadata.taskReschedule, variables: metadata.variables, connections: metadata.connections, onConflict: metadata.onConflict },
    drain: file.drain,
    cutover: file.cutover,
    envelope, activeDags, earlierAttempts, earlierManifests, ...(earlierBrought.length > 0 ? { earlierBrought } : {}), earlierRan, ran,
  };
}
