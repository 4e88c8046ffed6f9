import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import { TABLES } from '../../../src/metadata/catalogue.js';
import { objectsOf, parseManifest, type Manifest } from '../../../src/metadata/manifest.js';
import { requireApproved, scopeDigest, scopeOf } from '../../../src/metadata/scope.js';
import { judge } from '../../../src/metadata/verification.js';
import { aManifest, aManifestTable, anInFlightRun, importData, noneDoubled, verifyData } from '../../builders/values.js';

const parse = (value: unknown) => parseManifest(typeof value === 'string' ? value : JSON.stringify(value), 's3://b/manifest.json');
const withTable = (change: (table: ReturnType<typeof aManifestTable>) => object): Manifest => {
  const manifest = aManifest();
  return { ...manifest, tables: manifest.tables.map((table) => (table.name === 'xcom' ? ({ ...table, ...change(table) } as typeof table) : table)) };
};

describe('the manifest parser', () => {
  it('reads what the builder makes, which is what db_export writes', () => expect(parse(aManifest())).toEqual(aManifest()));
  it('reads runs in flight, whatever becomes of them', () => {
    const inFlight = (['resume', 'backfill', 'deferred', 'left'] as const).map((fate) => anInFlightRun('load', fate, { fate }));
    expect(parse(aManifest({ inFlight })).inFlight).toEqual(inFlight);
  });
  it('keeps fields that a later release adds', () => expect(parse({ ...aManifest(), later: 1 })).toHaveProperty('later', 1));

  it('refuses a newer format, and says what to do', () => expect(() => parse({ ...aManifest(), format: 2 })).toThrow(/manifest format 2; this release reads up to 1[\s\S]*run this phase with the release/));

  it.each([
    { what: 'cut short', value: JSON.stringify(aManifest()).slice(0, -20) },
    { what: 'no object', value: [] },
    { what: 'an older format', value: { ...aManifest(), format: 0 } },
    { what: 'no migration', value: { ...aManifest(), migrationId: '' } },
    { what: 'no mode', value: { ...aManifest(), mode: 'other' } },
    { what: 'attempt 0', value: { ...aManifest(), attempt: 0 } },
    { what: 'no checksums of the DAGs', value: { ...aManifest(), checksumsRef: undefined } },
    { what: 'no time', value: { ...aManifest(), snapshotAt: 'yesterday' } },
    { what: 'no table', value: { ...aManifest(), tables: [] } },
    { what: 'a table twice', value: { ...aManifest(), tables: [aManifestTable('log'), aManifestTable('log')] } },
    { what: 'a name that is SQL', value: { ...aManifest(), tables: [{ ...aManifestTable('log'), name: 'log; drop' }] } },
    { what: 'a column twice', value: withTable(() => ({ columns: ['a', 'a'], types: ['x', 'x'] })) },
    { what: 'a type too few', value: withTable(({ types }) => ({ types: types.slice(1) })) },
    { what: 'rows that the parts do not hold', value: withTable(() => ({ rows: 4 })) },
    { what: 'bytes that the parts do not hold', value: withTable(() => ({ bytes: 101 })) },
    { what: 'a gap between members', value: withTable(({ parts }) => ({ parts: [{ ...parts[0], members: [{ offset: 1, length: 99, rows: 3, sha256: 'a'.repeat(64) }] }] })) },
    { what: 'members that hold fewer rows', value: withTable(({ parts }) => ({ parts: [{ ...parts[0], members: [{ offset: 0, length: 100, rows: 2, sha256: 'a'.repeat(64) }] }] })) },
    { what: 'no version of a part', value: withTable(({ parts }) => ({ parts: [{ ...parts[0], versionId: '' }] })) },
    { what: 'half a sha256', value: withTable(({ parts }) => ({ parts: [{ ...parts[0], sha256: 'abc' }] })) },
    { what: 'no part', value: withTable(() => ({ parts: [], rows: 0, bytes: 0 })) },
    { what: 'negative counts of what was left out', value: withTable(() => ({ leftOut: { x: -1 } })) },
    ...([['no logical date', { logicalDate: undefined }], ['a date that is none', { logicalDate: 'yesterday' }], ['no count of ended tasks', { ended: -1 }], ['deferred tasks without names', { deferred: [7] }], ['a fate that nobody knows', { fate: 'toString' }], ['counts that are none', { unfinished: { running: 'x' } }]] as const)
      .map(([what, change]) => ({ what: `a run in flight with ${what}`, value: { ...aManifest(), inFlight: [{ ...anInFlightRun('load', 'r1'), ...change }] } })),
    { what: 'a policy that is none', value: { ...aManifest(), filters: { ...aManifest().filters, onConflict: { variables: 'keep', connections: 'merge', pools: 'keep' } } } },
    { what: 'no policy', value: { ...aManifest(), filters: { ...aManifest().filters, onConflict: undefined } } },
    { what: 'names that are none', value: { ...aManifest(), tables: [{ ...aManifestTable('variable'), unreadable: [1] }] } },
    { what: 'repeated rows without names', value: { ...aManifest(), tables: [{ ...aManifestTable('connection'), repeated: 'all' }] } },
    { what: 'filled columns without names', value: { ...aManifest(), tables: [{ ...aManifestTable('connection'), filled: { conn_type: 3 } }] } },
    { what: 'secrets without an envelope', value: { ...aManifest(), envelope: null } },
    { what: 'secrets in a rehearsal', value: aManifest({ mode: 'rehearsal' }) },
    { what: 'a secret\'s checksum, which would tell equal values', value: { ...aManifest(), tables: [aManifestTable('variable', { checksum: '00000000000000ff' })] } },
  ])('refuses $what', ({ value }) => {
    expect(() => parse(value)).toThrow(UserError);
    expect(() => parse(value)).toThrow(/is damaged|manifest format/);
  });

  it('names every object with its version', () => expect(objectsOf(aManifest()).map(({ versionId }) => versionId)).toEqual([...TABLES.map(({ name }) => `v-${name}`), 'v-in-flight', 'v-checksums']));
});

describe('the scope of an export', () => {
  const digest = scopeDigest(scopeOf(aManifest(), TABLES));

  it.each([
    { what: 'rows, bytes and checksums', manifest: withTable(() => ({ rows: 9, checksum: 'f'.repeat(16), parts: [] })) },
    { what: 'attempt and time', manifest: aManifest({ attempt: 4, snapshotAt: '2027-01-01T00:00:00Z' }) },
    { what: 'the order of tables', manifest: { ...aManifest(), tables: [...aManifest().tables].reverse() } },
    { what: 'that a rehearsal writes no secrets', manifest: { ...aManifest({ mode: 'rehearsal', envelope: null }), tables: aManifest().tables.map((table) => (table.secret ? { ...table, columns: ['id', 'key'], types: ['integer', 'text'], parts: [], bytes: 0 } : table)) } },
    { what: 'what was left out', manifest: withTable(() => ({ leftOut: { x: 3 } })) },
  ])('is not changed by $what', ({ manifest }) => expect(scopeDigest(scopeOf(manifest, TABLES))).toBe(digest));

  it.each([
    { what: 'a column', manifest: withTable(({ columns, types }) => ({ columns: [...columns, 'x'], types: [...types, 'text'] })), catalogue: TABLES },
    { what: 'a column\'s type', manifest: withTable(({ types }) => ({ types: ['bytea', ...types.slice(1)] })), catalogue: TABLES },
    { what: 'a table', manifest: { ...aManifest(), tables: aManifest().tables.slice(1) }, catalogue: TABLES },
    { what: 'a filter', manifest: aManifest({ filters: { ...aManifest().filters, historyDays: 30 } }), catalogue: TABLES },
    { what: 'what becomes of settings that the target has', manifest: aManifest({ filters: { ...aManifest().filters, onConflict: { ...aManifest().filters.onConflict, connections: 'replace' } } }), catalogue: TABLES },
    { what: 'the source\'s version', manifest: aManifest({ source: { ...aManifest().source, airflowVersion: '2.8.1' } }), catalogue: TABLES },
    { what: 'a rule', manifest: aManifest(), catalogue: TABLES.map((table) => (table.name === 'dag_run' ? { ...table, rules: {} } : table)) },
  ])('is changed by $what', ({ manifest, catalogue }) => expect(scopeDigest(scopeOf(manifest, catalogue))).not.toBe(digest));

  it('is approved when equal or when nothing is to be compared', () => {
    expect(() => requireApproved(scopeOf(aManifest(), TABLES), digest, undefined)).not.toThrow();
    expect(() => requireApproved(scopeOf(aManifest(), TABLES), undefined, undefined)).not.toThrow();
  });
});

describe('the judgement of a verification', () => {
  const manifest = aManifest();
  it('is good when every row is equal or rejected as announced', () => {
    const rejected = { rows: 3, inserted: 2, alreadyThere: 0, rejected: 1, reasons: { 'no parent': 1 }, rejectedFile: null };
    const verified = verifyData(manifest);
    const found = { ...verified, tables: { ...verified.tables, xcom: { rows: 3, equal: 2, missing: 0, different: 0, rejected: 1, resumed: 0, ...noneDoubled } } };
    expect(judge(manifest, found, importData(manifest, { tables: { ...importData(manifest).tables, xcom: rejected } }), []).problems).toEqual([]);
    expect(judge(manifest, found, importData(manifest), []).problems).toEqual(['xcom: 1 rejected, import reported 0']);
  });

  it('is good when rows of resumed runs changed: they go on', () => {
    const verified = verifyData(manifest);
    const found = { ...verified, tables: { ...verified.tables, task_instance: { rows: 3, equal: 1, missing: 0, different: 0, rejected: 0, resumed: 2, ...noneDoubled } } };
    const { problems, tables } = judge(manifest, found, importData(manifest), []);
    expect(problems).toEqual([]);
    expect(tables.find(({ name }) => name === 'task_instance')).toMatchObject({ exported: 3, equal: 1, resumed: 2, isGood: true });
  });

  it('is bad when a DAG run was refused, however well announced: its history is not on the target', () => {
    const refused = { rows: 3, inserted: 2, alreadyThere: 0, rejected: 1, reasons: { 'another run': 1 }, rejectedFile: null };
    const verified = verifyData(manifest);
    const found = { ...verified, tables: { ...verified.tables, dag_run: { rows: 3, equal: 2, missing: 0, different: 0, rejected: 1, resumed: 0, ...noneDoubled } } };
    const imported = importData(manifest, { tables: { ...importData(manifest).tables, dag_run: refused } });
    expect(judge(manifest, found, imported, []).problems).toEqual(['dag_run: 1 refused, so their history is not on the target (the summary of import says why)']);
  });

  it.each([
    { what: 'a row is missing', change: { tables: { ...verifyData(manifest).tables, log: { rows: 3, equal: 2, missing: 1, different: 0, rejected: 0, resumed: 0, ...noneDoubled } } }, problem: 'log: 1 missing' },
    { what: 'a row is different', change: { tables: { ...verifyData(manifest).tables, log: { rows: 3, equal: 2, missing: 0, different: 1, rejected: 0, resumed: 0, ...noneDoubled } } }, problem: 'log: 1 different' },
    { what: 'a row is there twice', change: { tables: { ...verifyData(manifest).tables, log: { rows: 3, equal: 3, missing: 0, different: 0, rejected: 0, resumed: 0, ...noneDoubled, doubled: 1 } } }, problem: 'log: 1 doubled' },
    { what: 'rows are unaccounted for', change: { tables: { ...verifyData(manifest).tables, log: { rows: 3, equal: 2, missing: 0, different: 0, rejected: 0, resumed: 0, ...noneDoubled } } }, problem: 'log: 2 accounted for, 3 exported' },
    { what: 'a table was not compared', change: { tables: Object.fromEntries(Object.entries(verifyData(manifest).tables).filter(([name]) => name !== 'log')) }, problem: 'log: not compared' },
    { what: 'a DAG file does not load', change: { importErrors: ['dags/a.py'] }, problem: '1 DAG files do not load on the target' },
    { what: 'a DAG is awake that should not be', change: { unpausedDags: ['a', 'b'] }, problem: '1 DAGs are unpaused on the target that should be paused' },
  ])('is bad when $what', ({ change, problem }) => expect(judge(manifest, verifyData(manifest, change), importData(manifest), ['a']).problems).toEqual([problem]));
});
