/** Strict check of a manifest's shape. The numbers are checked against each other too: a damaged file rarely adds up. */
import type { Fate } from '../airflow/protocol.js';

type Fields = Readonly<Record<string, unknown>>;

/** @returns what is wrong first, as the second half of a sentence; undefined when the value is a manifest of format 1 */
export function manifestProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is no JSON object';
  for (const name of ['migrationId', 'targetVersion', 'snapshotAt'] as const) if (!isText(value[name])) return `"${name}" is missing`;
  if (Number.isNaN(Date.parse(value.snapshotAt as string))) return '"snapshotAt" is no time';
  if (!isCount(value.attempt) || value.attempt < 1) return '"attempt" is no number above 0';
  if (value.mode !== 'rehearsal' && value.mode !== 'final') return '"mode" is neither rehearsal nor final';
  if (!isRecord(value.source)) return '"source" is missing';
  for (const name of ['airflowVersion', 'alembicHead', 'databaseVersion'] as const) if (!isText(value.source[name])) return `"source.${name}" is missing`;
  if (!isFilters(value.filters)) return '"filters" is not complete';
  if (!isEnvelope(value.envelope)) return '"envelope" is of an unknown kind';
  if (!isCount(value.activeDags)) return '"activeDags" is no count';
  if (!Array.isArray(value.inFlight) || !value.inFlight.every(isInFlightRun)) return '"inFlight" is no list of DAG runs';
  for (const name of ['inFlightRef', 'checksumsRef'] as const) if (!isRef(value[name])) return `"${name}" names no object`;
  if (value.schedulesRef !== undefined && !isRef(value.schedulesRef)) return '"schedulesRef" names no object';
  if (!Array.isArray(value.notMoved) || !value.notMoved.every((one) => isRecord(one) && isText(one.table) && isText(one.reason) && (one.rows === undefined || isCount(one.rows)))) return '"notMoved" is no list of tables with reasons';
  return tablesProblem(value.tables, value.mode, value.envelope !== null);
}

function tablesProblem(tables: unknown, mode: 'rehearsal' | 'final', isSealed: boolean): string | undefined {
  if (!Array.isArray(tables) || tables.length === 0) return '"tables" is empty';
  const names = new Set<string>();
  for (const table of tables as readonly unknown[]) {
    if (!isRecord(table) || typeof table.name !== 'string' || !/^[a-z_][a-z0-9_]*$/.test(table.name)) return 'a table has no proper name';
    const problem = names.has(table.name) ? 'is there twice' : tableProblem(table, mode, isSealed);
    if (problem) return `table "${table.name}" ${problem}`;
    names.add(table.name);
  }
  return undefined;
}

function tableProblem(table: Fields, mode: 'rehearsal' | 'final', isSealed: boolean): string | undefined {
  const { columns, types } = table;
  if (!isTextList(columns) || columns.length === 0) return 'has no columns';
  if (!isTextList(types) || types.length !== columns.length) return 'does not name one type for each column';
  if (new Set(columns).size !== columns.length) return 'has a column twice';
  if (!isCount(table.rows) || !isCount(table.bytes)) return 'has no counts';
  if (typeof table.secret !== 'boolean' || typeof table.filter !== 'string') return 'does not say whether it is secret and how it was filtered';
  if (table.secret ? table.checksum !== null : !(typeof table.checksum === 'string' && /^[0-9a-f]{16}$/.test(table.checksum))) return 'has no proper checksum';
  if (!isRecord(table.leftOut) || !Object.values(table.leftOut).every(isCount)) return 'does not say what was left out';
  if (table.leftOutFile !== undefined && !(isRef(table.leftOutFile) && isCount(table.leftOutFile.rows))) return 'names no side file of what was left out';
  if (table.seconds !== undefined && !isSeconds(table.seconds)) return 'does not say in seconds how long it took';
  if (![table.unreadable, table.repeated, ...Object.values(isRecord(table.filled) ? table.filled : {})].every((one) => one === undefined || isTextList(one))) return 'names rows that stay behind in no proper list';
  if (!Array.isArray(table.parts) || !table.parts.every(isPart)) return 'has a part without key, version id, sha256, bytes and rows';
  const parts = table.parts as readonly Part[];
  if (parts.length === 0) return table.secret && mode === 'rehearsal' ? undefined : 'has no part';
  if (table.secret && (mode === 'rehearsal' || !isSealed)) return 'is secret, but its values were written without an envelope';
  const sum = (of: 'rows' | 'bytes') => parts.reduce((total, part) => total + part[of], 0);
  if (sum('rows') !== table.rows) return `has ${table.rows} rows, but its parts hold ${sum('rows')}`;
  if (sum('bytes') !== table.bytes) return `has ${table.bytes} bytes, but its parts hold ${sum('bytes')}`;
  return parts.map(memberProblem).find((problem) => problem !== undefined);
}

type Member = Readonly<{ offset: number; length: number; rows: number }>;
type Part = Readonly<{ bytes: number; rows: number; members?: readonly Member[] }>;

/** Members lie one behind the other and hold everything. */
function memberProblem({ bytes, rows, members }: Part): string | undefined {
  if (members === undefined) return undefined;
  let end = 0, held = 0;
  for (const member of members) {
    if (member.offset !== end) return `has a gap before byte ${member.offset}`;
    end += member.length;
    held += member.rows;
  }
  if (end !== bytes) return `has an object of ${bytes} bytes, but its members hold ${end}`;
  return held === rows ? undefined : `has an object of ${rows} rows, but its members hold ${held}`;
}

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTextList = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isSeconds = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isDays = (value: unknown) => value === null || isCount(value);
const isSha256 = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isRef = (value: unknown): value is Fields => isRecord(value) && isText(value.key) && isText(value.versionId) && isSha256(value.sha256) && isCount(value.bytes);
const isMember = (value: unknown): boolean => isRecord(value) && isCount(value.offset) && isCount(value.length) && isCount(value.rows) && isSha256(value.sha256);
const isPart = (value: unknown): boolean => isRef(value) && isCount(value.rows) && (value.members === undefined || (Array.isArray(value.members) && value.members.every(isMember)));
const isFilters = (value: unknown): boolean =>
  isRecord(value) && isDays(value.historyDays) && isDays(value.auditLogDays) && [value.xcom, value.jobs, value.taskReschedule, value.variables, value.connections].every((one) => typeof one === 'boolean') && isOnConflict(value.onConflict) && isDays(value.xcomMaxBytes) &&
  isRecord(value.dags) && isTextList(value.dags.include) && isTextList(value.dags.exclude);
const isOnConflict = (value: unknown): boolean => isRecord(value) && [value.variables, value.connections, value.pools].every((one) => one === 'keep' || one === 'replace');
const isEnvelope = (value: unknown): boolean =>
  value === null || (isRecord(value) && ((value.wrap === 'kms' && isText(value.keyArn)) || (value.wrap === 'rsa' && isText(value.fingerprint))));
const isTime = (value: unknown): boolean => isText(value) && !Number.isNaN(Date.parse(value));
const FATES: Readonly<Record<Fate, true>> = { resume: true, backfill: true, deferred: true, left: true, stays: true };
const isInFlightRun = (value: unknown): boolean =>
  isRecord(value) && [value.dagId, value.runId, value.runType, value.state].every((one) => typeof one === 'string') && isRecord(value.unfinished) &&
  Object.values(value.unfinished).every(isCount) && [value.startDate, value.logicalDate].every((one) => one === null || isTime(one)) &&
  isCount(value.ended) && isTextList(value.deferred) && typeof value.fate === 'string' && Object.hasOwn(FATES, value.fate);
