/**
 * The export manifest, `<n>/export/manifest.json`: what db_export wrote, so that whoever reads it later gets these bytes or an error.
 * db_export (Python) writes it; the action and db_import read it. docs/reference/manifest.md describes every field.
 */
import type { ObjectRef } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import { manifestProblem } from './manifest-shape.js';

/** Raised when a reader of the old shape would misread the new one; not for an added optional field. */
export const MANIFEST_FORMAT = 1;

/** One gzip member of a table's object, cut between rows: it can be read and checked by itself. `rows` does not count the header. */
export type ManifestPart = Readonly<{ offset: number; length: number; rows: number; sha256: string }>;

/** Rows that the export did not take; `names` only where a person has to look at each. */
export type LeftOut = Readonly<{ reason: string; rows: number; names?: readonly string[] }>;

export type ManifestTable = Readonly<{
  /** The one object that holds the rows; null for a secret table of a rehearsal, which writes no value. */
  key: string | null;
  versionId: string | null;
  sha256: string | null;
  /** Compressed. */
  bytes: number;
  rows: number;
  /** Order-independent, over every row's text form; null for secret tables. */
  checksum: string | null;
  parts: readonly ManifestPart[];
  secret: boolean;
  /** In the order of the CSV; `type` is PostgreSQL's. */
  columns: readonly Readonly<{ name: string; type: string }>[];
  /** Which rows were asked for, in words. */
  filter: string;
  leftOut: readonly LeftOut[];
  /** How a secret table is wrapped; null in a rehearsal, absent elsewhere. */
  envelope?: Readonly<{ wrap: 'kms' | 'rsa' }> | null;
}>;

export type Manifest = Readonly<{
  format: typeof MANIFEST_FORMAT;
  /** Migration id. */
  migration: string;
  attempt: number;
  mode: 'rehearsal' | 'final';
  source: Readonly<{ airflowVersion: string; alembicHead: string; databaseVersion: string }>;
  /** ISO 8601 UTC: when the transaction began that read everything. */
  snapshotAt: string;
  /** By name. */
  tables: Readonly<Record<string, ManifestTable>>;
  /** Tables with rows that this export does not hold, and why. */
  notMoved: readonly Readonly<{ table: string; reason: string }>[];
  /** DAGs unpaused and active at the snapshot: 0 in a final export. */
  activeDags: number;
  /** Runs without a final state at the snapshot; they arrive parked. `ref` is `<n>/in-flight.json`. */
  inFlight: Readonly<{ count: number; ref: ObjectRef }>;
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
export function objectsOf(manifest: Manifest): readonly ObjectRef[] {
  const tables = Object.values(manifest.tables).flatMap(({ key, versionId, sha256, bytes }) => (key && versionId && sha256 ? [{ key, versionId, sha256, bytes }] : []));
  return [...tables, manifest.inFlight.ref];
}

const damaged = (location: string, problem: string, cause?: unknown) =>
  new UserError(
    `${location} is damaged: ${problem}.`,
    'rows that are not exactly what was exported must not reach the target.',
    'run phase export again: it takes the next attempt number and writes everything anew.',
    { cause },
  );
