/**
 * The export manifest, `<n>/export/manifest.json`: what db_export wrote, so that whoever reads it later gets these bytes or an error.
 * db_export (Python) writes it, the action and db_import read it. docs/reference/manifest.md describes every field.
 */
import type { InFlightRun, ObjectRef } from '../airflow/protocol.js';
import { UserError } from '../errors.js';

/** Raised when a reader of the old shape would misread the new one; not for an added optional field. */
export const MANIFEST_FORMAT = 1;

/** One `.csv.gz` object: CSV with a header line, cut only between rows. `rows` does not count the header. */
export type ManifestPart = ObjectRef & Readonly<{ rows: number }>;

export type ManifestTable = Readonly<{
  name: string;
  /** In the order of the CSV. A secret table of a rehearsal lists them too, and has no part. */
  columns: readonly string[];
  rows: number;
  /** Compressed, all parts. */
  bytes: number;
  /** Sum modulo 2^64 of the first 64 bits of md5 over every row's text form, as 16 lower-case hex digits; null where no value was written. */
  checksum: string | null;
  parts: readonly ManifestPart[];
  /** What the export did not take, by rule or filter: reason → rows. */
  leftOut: Readonly<Record<string, number>>;
}>;

export type Manifest = Readonly<{
  format: typeof MANIFEST_FORMAT;
  migrationId: string;
  attempt: number;
  mode: 'rehearsal' | 'final';
  source: Readonly<{ airflowVersion: string; alembicHead: string; databaseVersion: string }>;
  targetVersion: string;
  /** ISO 8601 UTC: the transaction's now(). */
  snapshotAt: string;
  filters: Readonly<{ historyDays: number | null; auditLogDays: number | null; xcom: boolean; variables: boolean; connections: boolean }>;
  /** How secret tables are wrapped; null in a rehearsal. */
  envelope: Readonly<{ wrap: 'kms'; keyArn: string }> | Readonly<{ wrap: 'rsa'; fingerprint: string }> | null;
  tables: readonly ManifestTable[];
  /** Runs without a final state at the snapshot; they arrive parked. */
  inFlight: readonly InFlightRun[];
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
  if (!isRecord(value)) throw damaged(location, 'it is no JSON object');
  if (typeof value.format === 'number' && value.format > MANIFEST_FORMAT)
    throw new UserError(
      `${location} has manifest format ${value.format}; this release reads up to ${MANIFEST_FORMAT}.`,
      'a newer release made this export; guessing could import rows wrongly.',
      'run this phase with the release that made the export, or export again with this one.',
    );
  const problem = firstProblem(value);
  if (problem) throw damaged(location, problem);
  return value as unknown as Manifest;
}

function firstProblem(value: Readonly<Record<string, unknown>>): string | undefined {
  if (value.format !== MANIFEST_FORMAT) return `"format" is ${JSON.stringify(value.format)}, not ${MANIFEST_FORMAT}`;
  for (const name of ['migrationId', 'targetVersion', 'snapshotAt'] as const)
    if (typeof value[name] !== 'string' || value[name] === '') return `"${name}" is missing`;
  if (!isCount(value.attempt) || value.attempt < 1) return '"attempt" is no number above 0';
  if (value.mode !== 'rehearsal' && value.mode !== 'final') return '"mode" is neither rehearsal nor final';
  if (!isRecord(value.source)) return '"source" is missing';
  for (const name of ['airflowVersion', 'alembicHead', 'databaseVersion'] as const)
    if (typeof value.source[name] !== 'string') return `"source.${name}" is missing`;
  if (!isFilters(value.filters)) return '"filters" is not complete';
  if (!isEnvelope(value.envelope)) return '"envelope" is of an unknown kind';
  if (!Array.isArray(value.inFlight) || !value.inFlight.every(isInFlightRun)) return '"inFlight" is no list of DAG runs';
  if (!Array.isArray(value.tables) || value.tables.length === 0) return '"tables" is empty';
  const names = new Set<string>();
  for (const table of value.tables as readonly unknown[]) {
    const problem = tableProblem(table);
    if (problem) return problem;
    const { name } = table as ManifestTable;
    if (names.has(name)) return `table "${name}" is there twice`;
    names.add(name);
  }
  return undefined;
}

function tableProblem(table: unknown): string | undefined {
  if (!isRecord(table) || typeof table.name !== 'string' || !/^[a-z_][a-z0-9_]*$/.test(table.name)) return 'a table has no proper name';
  const here = `table "${table.name}"`;
  if (!isTextList(table.columns) || table.columns.length === 0) return `${here} has no columns`;
  if (new Set(table.columns).size !== table.columns.length) return `${here} has a column twice`;
  if (!isCount(table.rows) || !isCount(table.bytes)) return `${here} has no counts`;
  if (table.checksum !== null && !(typeof table.checksum === 'string' && /^[0-9a-f]{16}$/.test(table.checksum))) return `${here} has no proper checksum`;
  if (!isRecord(table.leftOut) || !Object.values(table.leftOut).every(isCount)) return `${here} does not say what was left out`;
  if (!Array.isArray(table.parts) || !table.parts.every(isPart)) return `${here} has a part without key, version id, sha256, bytes and rows`;
  const parts = table.parts as readonly ManifestPart[];
  if (parts.length > 0 && total(parts, 'rows') !== table.rows) return `${here} has ${table.rows} rows, but its parts hold ${total(parts, 'rows')}`;
  if (total(parts, 'bytes') !== table.bytes) return `${here} has ${table.bytes} bytes, but its parts hold ${total(parts, 'bytes')}`;
  return undefined;
}

const total = (parts: readonly ManifestPart[], of: 'rows' | 'bytes') => parts.reduce((sum, part) => sum + part[of], 0);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isTextList = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
const isDays = (value: unknown) => value === null || isCount(value);
const isPart = (value: unknown): boolean =>
  isRecord(value) && typeof value.key === 'string' && value.key !== '' && typeof value.versionId === 'string' && value.versionId !== '' &&
  typeof value.sha256 === 'string' && /^[0-9a-f]{64}$/.test(value.sha256) && isCount(value.bytes) && isCount(value.rows);
const isFilters = (value: unknown): boolean =>
  isRecord(value) && isDays(value.historyDays) && isDays(value.auditLogDays) && [value.xcom, value.variables, value.connections].every((one) => typeof one === 'boolean');
const isEnvelope = (value: unknown): boolean =>
  value === null ||
  (isRecord(value) && ((value.wrap === 'kms' && typeof value.keyArn === 'string') || (value.wrap === 'rsa' && typeof value.fingerprint === 'string')));
const isInFlightRun = (value: unknown): boolean =>
  isRecord(value) && [value.dagId, value.runId, value.runType, value.state].every((one) => typeof one === 'string') && isRecord(value.unfinished);

const damaged = (location: string, problem: string, cause?: unknown) =>
  new UserError(
    `${location} is damaged: ${problem}.`,
    'rows that are not exactly what was exported must not reach the target.',
    'run phase export again: it takes the next attempt number and writes everything anew.',
    { cause },
  );
