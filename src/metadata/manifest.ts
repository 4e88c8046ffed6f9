/**
 * The export manifest, `<n>/export/manifest.json`: what db_export wrote, so that whoever reads it later gets these bytes or an error.
 * db_export (Python) writes it; the action and db_import read it. docs/reference/manifest.md describes every field.
 */
import type { InFlightRun, Job, ObjectRef } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { manifestProblem } from './manifest-shape.js';

/** Raised when a reader of the old shape would misread the new one; not for an added optional field. */
export const MANIFEST_FORMAT = 1;

/** One gzip member of an object, cut between rows: it can be read and checked by itself. `rows` does not count the header. */
export type ManifestMember = Readonly<{ offset: number; length: number; rows: number; sha256: string }>;
/** One object: CSV with a header line, gzipped member by member; the sealed rows of a secret table have no members. */
export type ManifestPart = ObjectRef & Readonly<{ rows: number; members?: readonly ManifestMember[] }>;

export type ManifestTable = Readonly<{
  name: string;
  /** In the order of the CSV; `types` are PostgreSQL's, one each. */
  columns: readonly string[];
  types: readonly string[];
  rows: number;
  /** Compressed, all parts. */
  bytes: number;
  /**
   * Sum modulo 2^64 of the first 64 bits of SHA-256 over every row's line of the CSV (in no order), as 16 lower-case hex digits; null for secret tables.
   * The same by DAG stands in the object `checksumsRef`.
   */
  checksum: string | null;
  /** Empty for a secret table of a rehearsal, which writes no value. */
  parts: readonly ManifestPart[];
  secret: boolean;
  /** Which rows were asked for, in words. */
  filter: string;
  /** What the export did not take: reason → rows. */
  leftOut: Readonly<Record<string, number>>;
  /** `<n>/export/left-out/<table>.csv.gz`: the rows of `leftOut` that nobody chose to leave, as the source has them, behind a column `mwaa_reason`. */
  leftOutFile?: ObjectRef & Readonly<{ rows: number }>;
  /** Secret tables: rows that could not be decrypted on the source, by name. */
  unreadable?: readonly string[];
  /** Secret tables: rows left out because a newer one of the same name moves, as "name (id 7)"; Airflow 1.10 allows several connections of one name. */
  repeated?: readonly string[];
  /** Secret tables: column → names of the rows whose value there is NULL and becomes that of a rule `default:`. */
  filled?: Readonly<Record<string, readonly string[]>>;
  /** What counting and reading it took. No part of the scope. Absent in a manifest of an earlier release. */
  seconds?: number;
}>;

export type Manifest = Readonly<{
  format: typeof MANIFEST_FORMAT;
  migrationId: string;
  attempt: number;
  mode: 'rehearsal' | 'final';
  source: Readonly<{ airflowVersion: string; alembicHead: string; databaseVersion: string }>;
  targetVersion: string;
  /** ISO 8601 UTC: when the transaction began that read everything. */
  snapshotAt: string;
  /** As the migration file says them (protocol.ts Job). */
  filters: Job['metadata'];
  /** How secret tables are wrapped; null in a rehearsal. */
  envelope: Readonly<{ wrap: 'kms'; keyArn: string }> | Readonly<{ wrap: 'rsa'; fingerprint: string }> | null;
  tables: readonly ManifestTable[];
  /** Tables with rows that this export does not hold, and why; `rows` where they were counted. */
  notMoved: readonly Readonly<{ table: string; reason: string; rows?: number }>[];
  /** DAGs unpaused and active at the snapshot: 0 in a final export. */
  activeDags: number;
  /** Runs without a final state at the snapshot; they arrive parked. */
  inFlight: readonly InFlightRun[];
  /** `<n>/in-flight.json`: the same with every task instance. */
  inFlightRef: ObjectRef;
  /** `<n>/export/checksums.jsonl.gz`: rows and checksum of every table and DAG, which verify computes again from the target's rows. */
  checksumsRef: ObjectRef;
  /**
   * `<n>/schedules.json`: `dags`, the next run of every DAG with a file as of the snapshot, which cutover compares with; `pausedAt`, when the drain
   * paused which DAG; `owedEvents` ({dagId, uri, at}), dataset events that came while their consumer was paused and that no queue row holds.
   */
  schedulesRef?: ObjectRef;
}>;

/**
 * @param location where the text came from (s3://…), for messages
 * @throws {UserError} when the text is damaged, or of a newer format
 */
export function parseManifest(text: string, location: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(location, 'it is no JSON', cause);
  }
  const format = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>).format : undefined;
  if (typeof format === 'number' && format > MANIFEST_FORMAT)
    throw new UserError(
      `${location} has manifest format ${format}; this release reads up to ${MANIFEST_FORMAT}.`,
      'a newer release made this export; guessing could import rows wrongly.',
      'run this phase with the release that made the export, or export again with this one.',
    );
  const problem = format === MANIFEST_FORMAT ? manifestProblem(value) : `"format" is not ${MANIFEST_FORMAT}`;
  if (problem) throw damaged(location, problem);
  return value as Manifest;
}

/** Every object that the manifest names, with the version it must have. */
export const objectsOf = (manifest: Manifest): readonly ObjectRef[] => [...manifest.tables.flatMap(({ parts, leftOutFile }) => [...parts, ...(leftOutFile ? [leftOutFile] : [])]), manifest.inFlightRef, manifest.checksumsRef, ...(manifest.schedulesRef ? [manifest.schedulesRef] : [])];

const damaged = (location: string, problem: string, cause?: unknown) =>
  new UserError(
    `${location} is damaged: ${problem}.`,
    'rows that are not exactly what was exported must not reach the target.',
    'run phase export again: it takes the next attempt number and writes everything anew.',
    { cause },
  );
