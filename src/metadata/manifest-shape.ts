/** Strict check of a manifest's shape. The numbers are checked against each other too: a damaged file rarely adds up. */

type Fields = Readonly<Record<string, unknown>>;

/** @returns what is wrong first, as the second half of a sentence; undefined when the value is a manifest of format 1 */
export function manifestProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return 'it is no JSON object';
  for (const name of ['migration', 'snapshotAt'] as const) if (!isText(value[name])) return `"${name}" is missing`;
  if (Number.isNaN(Date.parse(value.snapshotAt as string))) return '"snapshotAt" is no time';
  if (!isCount(value.attempt) || value.attempt < 1) return '"attempt" is no number above 0';
  if (value.mode !== 'rehearsal' && value.mode !== 'final') return '"mode" is neither rehearsal nor final';
  if (!isRecord(value.source)) return '"source" is missing';
  for (const name of ['airflowVersion', 'alembicHead', 'databaseVersion'] as const) if (!isText(value.source[name])) return `"source.${name}" is missing`;
  if (!isCount(value.activeDags)) return '"activeDags" is no count';
  if (!isRecord(value.inFlight) || !isCount(value.inFlight.count) || !isRef(value.inFlight.ref)) return '"inFlight" is not complete';
  if (!Array.isArray(value.notMoved) || !value.notMoved.every((one) => isRecord(one) && isText(one.table) && isText(one.reason))) return '"notMoved" is no list of tables with reasons';
  if (!isRecord(value.tables) || Object.keys(value.tables).length === 0) return '"tables" is empty';
  for (const [name, table] of Object.entries(value.tables)) {
    const problem = /^[a-z_][a-z0-9_]*$/.test(name) ? tableProblem(table, value.mode) : 'has no proper name';
    if (problem) return `table "${name}" ${problem}`;
  }
  return undefined;
}

function tableProblem(table: unknown, mode: 'rehearsal' | 'final'): string | undefined {
  if (!isRecord(table)) return 'is no object';
  if (!isCount(table.rows) || !isCount(table.bytes)) return 'has no counts';
  if (typeof table.secret !== 'boolean' || typeof table.filter !== 'string') return 'does not say whether it is secret and how it was filtered';
  if (!Array.isArray(table.columns) || table.columns.length === 0 || !table.columns.every((one) => isRecord(one) && isText(one.name) && isText(one.type))) return 'has no columns';
  const names = (table.columns as readonly Fields[]).map(({ name }) => name);
  if (new Set(names).size !== names.length) return 'has a column twice';
  if (!Array.isArray(table.leftOut) || !table.leftOut.every(isLeftOut)) return 'does not say what was left out';
  if (!Array.isArray(table.parts) || !table.parts.every(isPart)) return 'has a part without offset, length, rows and sha256';
  if (table.key === null) return table.secret && mode === 'rehearsal' && table.parts.length === 0 ? undefined : 'names no object';
  if (!isRef(table)) return 'does not name its object with version id and sha256';
  if (table.secret) return isEnvelope(table.envelope) ? undefined : 'is secret and says nothing of its encryption';
  return partsProblem(table.parts as readonly Part[], table.rows, table.bytes);
}

type Part = Readonly<{ offset: number; length: number; rows: number }>;

/** Parts lie one behind the other and hold everything. */
function partsProblem(parts: readonly Part[], rows: number, bytes: number): string | undefined {
  let end = 0;
  for (const part of parts) {
    if (part.offset !== end) return `has a gap before byte ${part.offset}`;
    end += part.length;
  }
  if (end !== bytes) return `has ${bytes} bytes, but its parts hold ${end}`;
  const held = parts.reduce((sum, part) => sum + part.rows, 0);
  return held === rows ? undefined : `has ${rows} rows, but its parts hold ${held}`;
}

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isSha256 = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isRef = (value: unknown): boolean => isRecord(value) && isText(value.key) && isText(value.versionId) && isSha256(value.sha256) && isCount(value.bytes);
const isPart = (value: unknown): boolean => isRecord(value) && isCount(value.offset) && isCount(value.length) && isCount(value.rows) && isSha256(value.sha256);
const isLeftOut = (value: unknown): boolean => isRecord(value) && isText(value.reason) && isCount(value.rows);
const isEnvelope = (value: unknown): boolean => isRecord(value) && (value.wrap === 'kms' || value.wrap === 'rsa');
