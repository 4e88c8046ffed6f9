import { describe, expect, it } from '@jest/globals';
import { interpret } from '../../../src/check/load-findings.js';
import { readLoadMessage, type LoadedFile } from '../../../src/check/load-messages.js';
import { aLoadedDag, aLoadedFile } from './values.js';

const SETTINGS = { home: '/t/run', dags: 'airflow/dags', plugins: 'airflow/plugins', version: '2.10.3', limits: { wallSeconds: 40, cpuSeconds: 40, memoryBytes: 3 * 1024 ** 3, fileBytes: 1 } };
const of = (...files: readonly Partial<LoadedFile>[]) => {
  const loaded = files.map(aLoadedFile);
  return interpret({ files: loaded.map(({ file }) => file), left: 0, isLate: false, loaded, plugins: undefined, problem: undefined }, SETTINGS);
};
const anError = (text: string, more: Partial<LoadedFile['errors'][number]> = {}) => ({ file: 'sales.py', line: 3, place: undefined, text, always: false, again: false, ...more });
/** A file that reads a variable and fails with each stand-in. */
const reading = (error: LoadedFile['errors'][number]): Partial<LoadedFile> => ({ standIn: '{}', reads: [{ kind: 'variable', name: 'x', line: 2 }], errors: [error] });
const aDag = (dagId: string, isPausedUponCreation?: boolean, roles: readonly string[] = []) => aLoadedDag({ dagId, isPausedUponCreation, roles });

it('says of a file whose DAGs are not all known, that none is lost there', () => {
  const { incomplete } = of({ file: 'whole.py', dags: [aDag('a')] }, { file: 'broken.py', errors: [anError('ValueError: no')] }, { file: 'late.py', outcome: 'late' }, { ...reading(anError("ValueError: invalid literal for int() with base 10: '{}'")), file: 'needs.py' }, { file: 'many.py', dags: [aDag('b')], cut: { errors: 0, dags: 5 } });
  expect([...incomplete].sort()).toEqual(['airflow/dags/broken.py', 'airflow/dags/late.py', 'airflow/dags/many.py', 'airflow/dags/needs.py']);
});

describe('what loading a file showed', () => {
  it.each<readonly [string, Partial<LoadedFile>, string, string]>([
    ['an import that is gone', { errors: [anError("ModuleNotFoundError: No module named 'airflow.contrib'")] }, 'import-error', 'error'],
    ['any other exception', { errors: [anError('airflow.exceptions.AirflowException: no')] }, 'dag-error', 'error'],
    ["Airflow's own timeout", { errors: [anError('airflow.exceptions.AirflowTaskTimeout: DagBag import timeout')] }, 'dag-timeout', 'error'],
    ['too much memory', { errors: [anError('MemoryError')] }, 'dag-memory', 'error'],
    ['a hang that Airflow cannot end', { outcome: 'late' }, 'dag-timeout', 'error'],
    ['an exit', { outcome: 'ended', status: 0 }, 'dag-ends-process', 'error'],
    ['a crash', { outcome: 'killed', status: 11 }, 'dag-killed', 'error'],
    ['a DAG that cannot be stored', { errors: [anError("DAG 'a' cannot be serialized: TypeError: x")] }, 'dag-not-serializable', 'error'],
    ["a path of MWAA's image", { errors: [anError("FileNotFoundError: [Errno 2] No such file or directory: '/usr/local/airflow/dags/a.sql'")] }, 'dag-needs-image-path', 'warning'],
    ['a value that no stand-in suits', { standIn: '{}', reads: [{ kind: 'variable', name: 'x', line: 2 }], errors: [anError("ValueError: invalid literal for int() with base 10: '{}'")] }, 'dag-needs-values', 'warning'],
    ['an error that comes with and without a stand-in', reading(anError('ValueError: no such country', { always: true, again: true })), 'dag-error', 'error'],
    ['an argument that is gone behind a variable without a default', reading(anError("TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'", { again: true })), 'dag-error', 'error'],
    ["a name that Airflow's own objects lack, behind such a variable", reading(anError("AttributeError: 'DAG' object has no attribute 'concurrency'", { again: true })), 'dag-error', 'error'],
    ['a value that neither stand-in has', reading(anError('ValueError: not enough values to unpack (expected 2, got 1)', { again: true })), 'dag-needs-values', 'warning'],
    ['a method that a text lacks, since the variable is none', reading(anError("AttributeError: 'str' object has no attribute 'keys'", { again: true })), 'dag-needs-values', 'warning'],
    ['an import that is gone behind such a value', { standIn: '{}', reads: [{ kind: 'variable', name: 'x', line: 2 }], errors: [anError("ImportError: cannot import name 'y'")] }, 'import-error', 'error'],
  ])('tells %s', (_, file, code, level) => {
    const found = of(file).findings.filter((one) => one.level !== 'notice');
    expect(found).toMatchObject([{ code, level, file: 'airflow/dags/sales.py' }]);
    expect(found[0]?.fix).toBeTruthy();
  });

  it('names the line of the DAG file, and where else it was raised', () =>
    expect(of({ errors: [anError('ValueError: no', { place: 'plugins/shop.py:7' })] }).findings).toMatchObject([{ line: 3, why: 'raised in plugins/shop.py:7.' }]));

  it('notes a variable that is read at parse, and is content where the file loads', () =>
    expect(of({ reads: [{ kind: 'variable', name: 'limit', line: 4 }], standIn: '1', dags: [aDag('a')] }).findings).toMatchObject([{ code: 'variable-at-parse', level: 'notice', line: 4 }]));

  it('puts texts on one line without our folder, so that two runs say the same', () => {
    const [finding] = of({ errors: [anError("OSError: /t/run/dags/x\n::error::forged\u001b[31m")] }).findings;
    expect(finding?.what).toBe('sales.py does not load on Airflow 2.10.3: OSError: dags/x ::error::forged [31m');
  });
});

it('names every file that has a DAG id twice', () =>
  expect(of({ file: 'a.py', dags: [aDag('same')] }, { file: 'b.py', dags: [aDag('same')] }).findings).toMatchObject([{ code: 'dag-duplicate', file: 'airflow/dags/a.py', dagId: 'same' }, { code: 'dag-duplicate', file: 'airflow/dags/b.py' }]));

it('warns of a DAG that would start by itself, and of no other', () => expect(of({ dags: [aDag('a', false), aDag('b', true), aDag('c')] }).findings).toMatchObject([{ code: 'dag-starts-unpaused', level: 'warning', dagId: 'a' }]));

it('warns of a DAG that gives rights to roles which Airflow does not make itself, and of no other', () => {
  const { findings } = of({ dags: [aDag('a', undefined, ['Analysts', 'Op', 'op']), aDag('b', undefined, ['Admin', 'Op', 'User', 'Viewer', 'Public']), aDag('c')] });
  expect(findings).toMatchObject([{ code: 'dag-role', level: 'warning', dagId: 'a', what: 'DAG "a" gives rights to roles "Analysts", "op" (access_control).' }]);
  const message = (roles: unknown) => readLoadMessage(JSON.stringify({ kind: 'file', file: 'x.py', outcome: 'loaded', dags: [{ dagId: 'a', roles }] }));
  expect([['x'.repeat(101), 7, 'Op'], 'Op', undefined].map((roles) => (message(roles) as LoadedFile).dags[0]?.roles)).toEqual([['x'.repeat(100), 'Op'], [], []]);
});

it('says of zip files that rules on text do not look into them', () => {
  expect(of({ file: 'team/packed.ZIP', dags: [aDag('a')] }, { file: 'b.py', dags: [aDag('b')] }).notChecked).toEqual([expect.stringMatching(/not looked for in this zip file; it was loaded like the others: airflow\/dags\/team\/packed\.ZIP\.$/u)]);
  expect(of({ file: 'b.py', dags: [aDag('b')] }).notChecked).toEqual([]);
});

it('calls it an error that there is no DAG file, since nothing was checked', () => expect(of().findings).toMatchObject([{ code: 'no-dag-files', level: 'error', what: 'Airflow finds no DAG file in airflow/dags.' }]));

it('says what of a file is beyond what is listed', () => {
  expect(of({ dags: [aDag('a')], cut: { errors: 3, dags: 500 } }, { file: 'other.py', dags: [aDag('b')] }).count).toBe(502);
  expect(of({ dags: [aDag('a')], cut: { errors: 3, dags: 500 } }).notChecked).toEqual(['airflow/dags/sales.py makes 501 DAGs; 500 of them are not in this report, and only loading was tried of them.', 'airflow/dags/sales.py has 3 errors more than are listed.']);
  const message = (cut: unknown) => readLoadMessage(JSON.stringify({ kind: 'file', file: 'x.py', outcome: 'loaded', cut }));
  expect([{ errors: 1, dags: 2 }, { errors: -1, dags: 'x' }, 'x', undefined].map((cut) => (message(cut) as LoadedFile).cut)).toEqual([{ errors: 1, dags: 2 }, { errors: 0, dags: 0 }, { errors: 0, dags: 0 }, { errors: 0, dags: 0 }]);
});

it('says which files were never loaded', () => {
  expect(interpret({ files: ['a.py', 'b.py'], left: 0, isLate: false, loaded: [aLoadedFile({ file: 'a.py' })], plugins: undefined, problem: undefined }, SETTINGS).notChecked.join()).toMatch(/1 DAG file was not loaded.*b\.py/u);
});

it('does not say that there is no DAG file where Airflow did not come to the end of listing them', () => {
  const { findings, notChecked } = interpret({ files: [], left: 0, isLate: true, loaded: [], plugins: undefined, problem: undefined }, SETTINGS);
  expect(findings).toMatchObject([{ code: 'check-incomplete', level: 'error', fix: expect.stringContaining('ignore-line-slow') }]);
  expect(notChecked.join()).toMatch(/^Nothing was loaded.*airflow\/dags within 120 s/u);
});

it('counts files beyond those that it takes', () => {
  const files = Array.from({ length: 50_007 }, (_, number) => `d${number}.py`);
  const message = readLoadMessage(JSON.stringify({ kind: 'files', files, late: false }));
  expect(message).toMatchObject({ left: 7, late: false });
  expect(interpret({ files: files.slice(0, 2), left: 7, isLate: false, loaded: files.slice(0, 2).map((file) => aLoadedFile({ file })), plugins: undefined, problem: undefined }, SETTINGS).notChecked).toEqual(['7 DAG files of airflow/dags beyond the first 2 were not loaded.']);
});

describe("a line of the loader's output", () => {
  const line = (value: unknown): string => JSON.stringify(value);
  it.each([
    ['no JSON', '::set-output name=a::b'], ['a number', '1'], ['another kind', line({ kind: 'approved', outcome: 'loaded' })], ['a file outside', line({ kind: 'file', file: '../x.py', outcome: 'loaded' })],
    ['an absolute file', line({ kind: 'file', file: '/etc/x.py', outcome: 'loaded' })], ['an outcome of its own', line({ kind: 'file', file: 'x.py', outcome: 'fine' })],
  ])('is nothing when it is %s', (_, text) => expect(readLoadMessage(text)).toBeUndefined());

  it('loses what is of another shape, and keeps the rest', () =>
    expect(readLoadMessage(line({ kind: 'file', file: 'x.py', outcome: 'loaded', errors: 'no', dags: [7, { dagId: 'a', nextRun: '<b>', isPausedUponCreation: 'no', tasks: -1 }], reads: [{ kind: 'password', name: 'x' }] }))).toMatchObject({ errors: [], reads: [], dags: [{ dagId: 'a', schedule: '', nextRun: undefined, isPausedUponCreation: undefined, tasks: 0, roles: [] }] }));
});
