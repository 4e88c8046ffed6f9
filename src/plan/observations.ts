/** What the plan saw and what changes by itself: no part of the digest (design §6). undefined: could not be had, or is not there. */
import type { NextRun } from '../airflow/outlook.js';
import type { RepositoryComparison } from './repository-files.js';

export type Observations = Readonly<{
  sourceStatus: string;
  targetStatus: string | undefined;
  counts: Readonly<Record<'dags' | 'dagRuns' | 'taskInstances' | 'pools' | 'importErrors', number | undefined>>;
  activeDags: number | undefined;
  dagFiles: number | undefined;
  /** Every DAG with a file, by id. */
  dags: readonly ObservedDag[] | undefined;
  /** The version that the source runs on. */
  objects: Readonly<Record<'plugins' | 'requirements' | 'startupScript', ObservedObject | undefined>>;
  /** That of the source's resources first, then the target's where it is another one. */
  buckets: readonly ObservedBucket[];
  /** The source's own KMS key; undefined too where AWS's key encrypts it. */
  key: Readonly<{ arn: string; state: 'usable' | 'not usable' | 'not there' }> | undefined;
  /** DAG files of the repository beside those of the source's bucket; undefined: there is no such folder in the workspace, or it was not looked at. */
  repository: RepositoryComparison | undefined;
  /** Folder of the repository that the migration file names, or that is usual, and that is not there. */
  missingFolder: string | undefined;
}>;

/** What a survey can see; the states of the environments are added by the plan. */
export type Seen = Omit<Observations, 'sourceStatus' | 'targetStatus'>;

export const NOTHING_SEEN: Seen = {
  counts: { dags: undefined, dagRuns: undefined, taskInstances: undefined, pools: undefined, importErrors: undefined }, activeDags: undefined, dagFiles: undefined, dags: undefined,
  objects: { plugins: undefined, requirements: undefined, startupScript: undefined }, buckets: [], key: undefined, repository: undefined, missingFolder: undefined,
};

/** One DAG as the REST API shows it; undefined in a field: could not be had. Dates are ISO 8601, null: nothing is scheduled. */
export type ObservedDag = NextRun & Readonly<{ dagId: string; isPaused: boolean; runsInFlight: number | undefined }>;

/** `versionId` undefined: the environment names none, so it takes the newest. `modified`: ISO 8601. */
export type ObservedObject = Readonly<{ path: string; versionId: string | undefined; bytes: number; modified: string; isNewest: boolean }>;

/** undefined in a field: the role may not look. */
export type ObservedBucket = Readonly<{ name: string; exists: boolean | undefined; isVersioned: boolean | undefined; isClosedToPublic: boolean | undefined }>;
