/**
 * What the action and the per-attempt DAG file say to each other (design §4). Everything goes through the migration bucket:
 * the action writes a job, renders its SHA-256 into the DAG file, starts the DAG run `<command>-<attempt>-<try>`;
 * the DAG answers with a progress object every few seconds and one result object at the end.
 * The Python side (src/dags) reads and writes the same shapes; test/contract holds both to the examples in test/builders.
 */
import type { Table } from '../metadata/catalogue.js';

export const PROTOCOL_SCHEMA = 1;

export const SOURCE_COMMANDS = ['preflight', 'drain', 'export', 'restore'] as const;
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

export type Drain = Readonly<{ timeoutMinutes: number; taskMinutes: number; leftover: 'resume' | 'fail' | 'abort' }>;

/** How variables and connections are wrapped on the way; null in a rehearsal, which writes none of their values. */
export type Envelope =
  | Readonly<{ wrap: 'kms'; keyArn: string }>
  | Readonly<{ wrap: 'rsa'; publicKeyPem: string; fingerprint: string }>;

/** Written to `<prefix><phase>/job.json`; its SHA-256 is over the exact bytes of the object. */
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
    xcom: boolean;
    variables: boolean;
    connections: boolean;
  }>;
  drain: Drain;
  envelope: Envelope | null;
  /** activate and restore: the DAGs to switch on, as recorded before the drain; empty for every other command. */
  activeDags: readonly ActiveDag[];
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
}>;

export type InFlightRun = Readonly<{
  dagId: string;
  runId: string;
  runType: string;
  state: string;
  startDate: string | null;
  /** Task instances without a final state, by state. */
  unfinished: Readonly<Record<string, number>>;
}>;

export type DrainData = Readonly<{ paused: readonly string[]; leftover: readonly InFlightRun[]; waitedSeconds: number }>;
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
}>;
export type ImportData = Readonly<{
  tables: Readonly<Record<string, ImportedTable>>;
  parkedRuns: number;
  /** Table → exported columns that the target does not have, such as those of a plugin; tables without any are absent. */
  columnsLeft?: Readonly<Record<string, readonly string[]>>;
}>;

export type VerifiedTable = Readonly<{ rows: number; equal: number; missing: number; different: number; rejected: number }>;
export type VerifyData = Readonly<{
  tables: Readonly<Record<string, VerifiedTable>>;
  importErrors: readonly string[];
  unpausedDags: readonly string[];
}>;

export type ActivateData = Readonly<{
  activated: readonly string[];
  alreadyActive: readonly string[];
  /** Not activated, with a reason a person can act on. */
  left: readonly Readonly<{ dagId: string; reason: string }>[];
}>;
export type DeactivateData = Readonly<{ paused: readonly string[] }>;
export type RestoreData = Readonly<{ activated: readonly string[]; missing: readonly string[] }>;

export type DataOf = Readonly<{
  preflight: PreflightData;
  drain: DrainData;
  export: ExportData;
  restore: RestoreData;
  keypair: KeypairData;
  import: ImportData;
  verify: VerifyData;
  activate: ActivateData;
  deactivate: DeactivateData;
}>;
