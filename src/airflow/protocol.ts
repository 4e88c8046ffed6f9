/**
 * What the action and the per-attempt DAG file say to each other (design §4). Everything goes through the migration bucket:
 * the action writes a job, renders its SHA-256 into the DAG file, starts the DAG run `<command>-<attempt>-<try>`;
 * the DAG answers with a progress object every few seconds and one result object at the end.
 * The Python side (src/dags) reads and writes the same shapes; test/contract holds both to the examples in test/builders.
 */
import type { Table } from '../metadata/catalogue.js';
import type { DagPatterns, OnConflict } from '../migration-file/migration-file.js';

export const PROTOCOL_SCHEMA = 1;

export const SOURCE_COMMANDS = ['preflight', 'drain', 'export', 'restore', 'look'] as const;
export const TARGET_COMMANDS = ['preflight', 'keypair', 'import', 'verify', 'activate', 'deactivate'] as const;
export type SourceCommand = (typeof SOURCE_COMMANDS)[number];
export type TargetCommand = (typeof TARGET_COMMANDS)[number];
export type Command = SourceCommand | TargetCommand;
export type Side = 'source' | 'target';

/** One version of one object: whoever reads it later gets these bytes or an error. `sha256` is 64 lower-case hex digits. */
export type ObjectRef = Readonly<{ key: string; versionId: string; sha256: string; bytes: number }>;

/**
 * Constants of the rendered DAG file. In the Python source stands the line `RENDERED = None  # mwaa-migrate: rendered`,
 * which the action replaces by `RENDERED = json.loads("…")`. `prefix` ends with "/": `data/migration/<from>_to_<to>/<id>/<attempt>/`.
 */
export type Rendered = Readonly<{
  schema: typeof PROTOCOL_SCHEMA;
  migrationId: string;
  attempt: number;
  side: Side;
  dagId: string;
  /** First 8 hex digits of SHA-256 of the migration id: names staging tables and variables (63-byte limit of PostgreSQL). */
  shortHash: string;
  bucket: string;
  bucketOwner: string;
  bucketRegion: string;
  prefix: string;
  job: Readonly<{ key: string; sha256: string }>;
  /** ISO 8601 UTC; a run started later refuses. */
  expiresAt: string;
  /** Only for import and verify: the one manifest this file may read. */
  manifest: ObjectRef | null;
}>;

/** DAG tags the file carries, so that the action sees by REST which rendering the scheduler has parsed. */
export const dagTags = (rendered: Rendered): readonly string[] =>
  ['mwaa-migrate', `attempt-${rendered.attempt}`, `job-${rendered.job.sha256.slice(0, 12)}`];

export type Drain = Readonly<{
  timeoutMinutes: number;
  taskMinutes: number;
  leftover: 'resume' | 'fail' | 'abort';
  /** A deferred task would begin anew on the target and submit its external job a second time; false: its run stays failed, listed. */
  resumeDeferred: boolean;
}>;

/** How `activate` goes about it; counts of minutes, seconds and DAGs. `batchSize` 0: all at once. */
export type Switch = Readonly<{ canary: readonly string[]; canaryMinutes: number; batchSize: number; batchPauseSeconds: number; missedIntervals: 'report' | 'run' }>;

/** How variables and connections are wrapped on the way; null in a rehearsal, which writes none of their values. */
export type Envelope =
  | Readonly<{ wrap: 'kms'; keyArn: string }>
  | Readonly<{ wrap: 'rsa'; publicKeyPem: string; fingerprint: string }>;

/** Written to `<prefix><side>/job.json`; its SHA-256 is over the exact bytes of the object. */
export type Job = Readonly<{
  schema: typeof PROTOCOL_SCHEMA;
  migrationId: string;
  attempt: number;
  side: Side;
  mode: 'rehearsal' | 'final';
  sourceVersion: string;
  targetVersion: string;
  tables: readonly Table[];
  metadata: Readonly<{
    /** null: all. Days back from the snapshot, by logical date. */
    historyDays: number | null;
    auditLogDays: number | null;
    /** Patterns as Python's fnmatch knows them, over DAG ids; no include takes all. */
    dags: DagPatterns;
    xcom: boolean;
    /** null: of any size. */
    xcomMaxBytes: number | null;
    jobs: boolean;
    taskReschedule: boolean;
    variables: boolean;
    connections: boolean;
    /** Export writes it into the manifest, and import follows the manifest: what was approved counts. */
    onConflict: OnConflict;
  }>;
  drain: Drain;
  cutover: Switch;
  envelope: Envelope | null;
  /** activate, deactivate and restore: the DAGs that were on before the drain; empty for every other command. */
  activeDags: readonly ActiveDag[];
  /** drain, export, restore: final attempts before this one that paused the source and did not put it back; what they ended is ours too. */
  earlierAttempts: readonly number[];
  /** import: manifests of attempts that were imported before. Rows that still are as those brought them are replaced. */
  earlierManifests: readonly ObjectRef[];
  /** import: `broughtFile` of the secret tables of attempts that were imported before; absent where there are none. */
  earlierBrought?: readonly ObjectRef[];
  /** import: RanOnTarget of attempts that were rolled back. The source has decided since what is true of those runs, so its rows replace the target's. */
  earlierRan: readonly ObjectRef[];
  /** restore: what the target ran between cutover and rollback (`<n>/deactivate/ran.json`), so that the source runs none of it again. */
  ran: ObjectRef | null;
  /** look: ISO 8601; runs that began from then on are told. */
  since?: string;
}>;

/** A DAG that was unpaused and active on the source. Dates are ISO 8601 UTC or null. */
export type ActiveDag = Readonly<{
  dagId: string;
  nextDagrun: string | null;
  nextDagrunDataIntervalStart: string | null;
  nextDagrunDataIntervalEnd: string | null;
  nextDagrunCreateAfter: string | null;
  /** False, true, or null where the source's serialized DAG does not say. */
  catchup: boolean | null;
}>;

/** `<prefix><command>/progress.json`, overwritten every few seconds. */
export type Progress = Readonly<{
  schema: typeof PROTOCOL_SCHEMA;
  command: Command;
  try: number;
  at: string;
  message: string;
  table: string | null;
  rowsDone: number;
  rowsTotal: number | null;
}>;

/** `<prefix><command>/result.json`, written once at the very end of a try. */
export type Result<Data = unknown> = Readonly<{
  schema: typeof PROTOCOL_SCHEMA;
  command: Command;
  attempt: number;
  try: number;
  startedAt: string;
  finishedAt: string;
}> &
  (
    | Readonly<{ status: 'done'; data: Data }>
    /** Safe to show: carries no row value. `code` is stable and documented in docs/reference/errors.md. */
    | Readonly<{ status: 'failed'; error: Readonly<{ code: string; what: string; why: string; fix: string }> }>
  );

export type PreflightData = Readonly<{
  airflowVersion: string;
  pythonVersion: string;
  databaseVersion: string;
  alembicHead: string;
  /** Unpaused and active DAGs without ours, ordered by id. */
  activeDags: readonly ActiveDag[];
  pausedDags: number;
  importErrors: number;
  /** Rows per catalogue table (own rows left out). A missing table is absent. */
  rows: Readonly<Record<string, number>>;
  runsInFlight: number;
  pools: readonly string[];
  /** DAGs of the user that are called as ours are; told on the source. Absent in the answer of an earlier release. */
  namesakes?: readonly string[];
}>;

/**
 * What moves in an environment whose REST API nobody reaches. `activeDags`: ids of unpaused and active DAGs without ours, in order.
 * `began`: runs since the job's `since`; at most 500 of each kind, in the order of DAG and run.
 */
export type LookData = Readonly<{ activeDags: readonly string[]; began: readonly RunName[]; queued: readonly RunName[] }>;

export type InFlightRun = Readonly<{
  dagId: string;
  runId: string;
  runType: string;
  state: string;
  startDate: string | null;
  logicalDate: string | null;
  /** Task instances without a final state, by state; those that the drain ended by their state before. */
  unfinished: Readonly<Record<string, number>>;
  /** Task instances that the drain ended at its deadline. */
  ended: number;
  /** Tasks that wait in the triggerer, or have come back from it: `task` or `task[3]`; at most 20 of them. */
  deferred: readonly string[];
  fate: Fate;
}>;
/** What becomes of a run in flight on the target. Everything but 'resume' and 'stays' stays failed there; all are listed. */
export type Fate =
  /** Queued by cutover before its DAG is activated; what is finished does not run again. */
  | 'resume'
  /** No scheduler would run it: its command is printed. */
  | 'backfill'
  /** Has deferred tasks, and drain.resume-deferred is false. */
  | 'deferred'
  /** drain.leftover is fail. */
  | 'left'
  /** metadata.dags leaves its DAG's history on the source, and the run with it. */
  | 'stays';

export type DrainData = Readonly<{
  paused: readonly string[];
  leftover: readonly InFlightRun[];
  waitedSeconds: number;
  /** Task instances that were ended, by this attempt or one before it that was not put back. */
  ended: number;
}>;
export type ExportData = Readonly<{ manifest: ObjectRef }>;
/** SHA-256 of the DER SubjectPublicKeyInfo; the key itself stands in Variable `mwaa_migrate_<h>_public_key`, read by REST, not S3. */
export type KeypairData = Readonly<{ fingerprint: string; variable: string }>;

export type ImportedTable = Readonly<{
  /** Rows in the manifest = inserted + alreadyThere + rejected. */
  rows: number;
  inserted: number;
  alreadyThere: number;
  rejected: number;
  reasons: Readonly<Record<string, number>>;
  /** Side file of the rejected rows, if any. */
  rejectedFile: ObjectRef | null;
  /** dag_run only, where any was rejected: the first 10 in the order of the side file. Absent in a result of an earlier release. */
  rejectedRuns?: readonly (RunName & Readonly<{ reason: string }>)[];
  /** Pools, variables and connections only: those that did not simply land, by name, at most 200; `settledRows` is how many there are. */
  settled?: readonly SettledRow[];
  settledRows?: number;
  /** Of them: rows of the target that this attempt wrote over, now (then they are among `inserted`, but for pools) or by an earlier try. */
  replaced?: number;
  /** Side file that names each of these. */
  replacedFile?: ObjectRef | null;
  /** Secret tables: `{ table, rows: { name: xmin } }`, which version of each row this attempt wrote, so that a later one knows what nobody has touched since. */
  broughtFile?: ObjectRef | null;
  /** What loading and writing it took. Absent in a result of an earlier release. */
  seconds?: number;
}>;
/**
 * A setting that met another one of its name on the target, or that the target cannot take (`refused`). `adopted`: written over a row that was as
 * Airflow makes it in every environment. `renewed`: written over what an earlier attempt brought and nobody has touched since. `why` names columns, never what is in them.
 */
export type SettledRow = Readonly<{ name: string; outcome: 'kept' | 'replaced' | 'adopted' | 'renewed' | 'refused'; why: string }>;
export type ImportData = Readonly<{
  tables: Readonly<Record<string, ImportedTable>>;
  parkedRuns: number;
  /** Runs of an earlier attempt that changed on the source since, and were replaced with all that belongs to them. */
  replacedRuns: number;
  /** Table → exported columns that the target does not have, such as those of a plugin; tables without any are absent. */
  columnsLeft?: Readonly<Record<string, readonly string[]>>;
}>;

/** rows = equal + missing + different + rejected + resumed; `resumed`: rows of runs (or queued dataset events) that go on since cutover. */
export type VerifiedTable = Readonly<{
  rows: number;
  equal: number;
  missing: number;
  different: number;
  rejected: number;
  resumed: number;
  /** Rows of the target that nobody exported: an exported one a second time, or one that hangs on a run that was brought. Not among `rows`. */
  doubled: number;
  /** Of `equal`: rows of DAGs that have the same count and checksum in both databases. The others were compared one by one. */
  proved: number;
  /** By DAG, those with the most rows first; at most 50 of the `differentDags` that have any. */
  differences: readonly Difference[];
  differentDags: number;
}>;
/**
 * Where rows are missing, different or doubled. `dagId` null: rows of no DAG. `first`, `last`: by their run's logical date, or by their own time.
 * `names`: of a table without DAGs, at most 10 keys.
 */
export type Difference = Readonly<{ dagId: string | null; missing: number; different: number; doubled: number; first: Place; last: Place; names: readonly string[] }>;
/** `at`: ISO 8601 UTC. Null: the table does not say. */
export type Place = Readonly<{ at: string | null; runId: string | null }>;
export type VerifyData = Readonly<{
  tables: Readonly<Record<string, VerifiedTable>>;
  importErrors: readonly string[];
  unpausedDags: readonly string[];
}>;

export type RunName = Readonly<{ dagId: string; runId: string }>;
export type ActivateData = Readonly<{
  activated: readonly string[];
  alreadyActive: readonly string[];
  /** Not activated, with a reason a person can act on. */
  left: readonly Readonly<{ dagId: string; reason: string }>[];
  canaries: readonly Canary[];
  /** Why everything behind the canaries was left; null: nothing stopped it. */
  stopped: string | null;
  /** Parked runs that were queued, now or by an earlier cutover of this attempt. */
  resumed: readonly RunName[];
  /** Parked runs of wanted DAGs that stay failed; `fate` as in the manifest, or 'changed': somebody touched the run on the target. */
  notResumed: readonly (RunName & Readonly<{ fate: Exclude<Fate, 'resume'> | 'changed'; command: string | null }>)[];
  /** Intervals that ended between pause and activation. `started`: queued as runs (missed-intervals: run). */
  missed: readonly (MissedIntervals & Readonly<{ started: boolean }>)[];
  /** Dataset events that came while their consumer was paused and were queued for it. */
  queuedEvents: number;
  /** Of every activated DAG: the run that follows, null where nothing is scheduled. ISO 8601 UTC. */
  next: readonly Readonly<{ dagId: string; nextDagrun: string | null; createAfter: string | null; why: string }>[];
}>;
/** Of a DAG with catchup=False. `first`, `last`: logical dates, ISO 8601 UTC. `isMore`: there are more than `count`. */
export type MissedIntervals = Readonly<{ dagId: string; count: number; isMore?: boolean; first: string; last: string }>;
export type Canary = Readonly<{
  dagId: string;
  state: 'green' | 'failed' | 'late';
  /** A sentence: what was watched, or what went wrong. */
  proof: string;
}>;
/** `since`: ISO 8601 UTC, when it was queued or began; null: Airflow does not say. */
export type BusyTask = RunName & Readonly<{ taskId: string; mapIndex: number; since: string | null }>;
export type DeactivateData = Readonly<{
  /** DAGs that this attempt has paused on the target, by this try or one before it. */
  paused: readonly string[];
  /** Task instances that still ran when the time was up; 0 is what rollback wants. */
  stillRunning: number;
  /** Those of them that ran for longest, at most 20. Absent in the answer of an earlier release. */
  busy?: readonly BusyTask[];
  /** `<n>/deactivate/ran.json`: RanOnTarget; null where this attempt never activated anything. */
  ran: ObjectRef | null;
  runs: number;
}>;
/**
 * Runs that the target made or went on with since cutover. `new`: made there. `resumed`: a parked run of which at least one task began there.
 * `unbegun`: made and taken away again, for the source to run: it lies before one that began, behind which the source goes on.
 * `cut`: unfinished when the target stood still; `state` is of then, and it was failed there afterwards.
 * `tasks`: only of resumed runs, what began or was skipped there, the last to end first, at most 100. Absent in a file of an earlier release.
 */
export type RanOnTarget = Readonly<{
  runs: readonly (RunName & Readonly<{ kind: 'new' | 'resumed' | 'unbegun'; cut?: boolean; runType: string; state: string; logicalDate: string; intervalStart: string | null; intervalEnd: string | null; tasksEnded: number; tasks?: readonly RanTask[] }>)[];
  /** The newest event of each dataset that a consumer (`dagId`) still owes a run on the target. `at`: ISO 8601 UTC. Absent in a file of an earlier release. */
  events?: readonly OwedEvent[];
}>;
/** `mapIndex` -1: not mapped. `state`: Airflow's word when the target stood still, 'none' for none. */
export type RanTask = Readonly<{ taskId: string; mapIndex: number; state: string }>;
export type OwedEvent = Readonly<{ dagId: string; uri: string; at: string }>;
/** `resumed`: goes on on the source though it went on at the target. `unbegun`: taken away from the target, not made on the source. */
export type OvertakenRun = RunName & Readonly<{ kind: 'resumed' | 'unbegun' }>;
export type RestoreData = Readonly<{
  /** Unpaused now; those of `missing` whose row Airflow has kept too: they go on by themselves when their file is back. */
  activated: readonly string[];
  /** Without a file on the source at that moment. */
  missing: readonly string[];
  /** Task instances that the drain had ended and that the source runs again. */
  putBack: number;
  /** Runs of the target that now stand on the source as rows without tasks, so that no interval runs twice. */
  standIns: readonly RunName[];
  /** Runs that went on at the target and did not succeed there: failed on the source, for a person to decide. */
  leftFailed: readonly RunName[];
  /** Runs that went on at the target and succeeded there: success on the source too. This and the next two: absent in a file of an earlier release. */
  succeeded?: readonly RunName[];
  /** Runs of DAGs that somebody had activated before restore came to them, left as they are. Absent in a file of an earlier release. */
  overtaken?: readonly OvertakenRun[];
  /** Dataset events that the target owed and that were queued on the source. */
  queuedEvents?: number;
  /** Consumers that the target owed an event of a dataset they do not wait for on the source. */
  unknownEvents?: readonly string[];
  /** Intervals that ended between pause and restore and that neither side runs. This and the next: absent in a file of an earlier release, and where nothing had been paused. */
  missed?: readonly MissedIntervals[];
  /** DAGs of which that is not known: below Airflow 2.2, or their serialized DAG cannot be read. */
  missedUnknown?: readonly string[];
}>;

export type DataOf = Readonly<{
  preflight: PreflightData;
  drain: DrainData;
  export: ExportData;
  restore: RestoreData;
  look: LookData;
  keypair: KeypairData;
  import: ImportData;
  verify: VerifyData;
  activate: ActivateData;
  deactivate: DeactivateData;
}>;
