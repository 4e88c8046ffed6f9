import { expect, it } from '@jest/globals';
import { mergeFindings } from '../../../src/check/merge-findings.js';
import { aFinding } from './values.js';

const rule = aFinding({ code: 'import-moved', what: 'BashOperator moved', replacement: 'from airflow.providers.standard.operators.bash import BashOperator', fix: 'write the new import' });

it('makes one finding of an import error and the rule that explains its line, with the replacement', () => {
  const [one, ...rest] = mergeFindings([aFinding({ what: 'sales.py does not load: ModuleNotFoundError' })], [rule]);
  expect(rest).toEqual([]);
  expect(one).toMatchObject({ code: 'import-moved', level: 'error', what: 'BashOperator moved', replacement: rule.replacement });
  expect(one?.why).toContain('ModuleNotFoundError');
});

it('makes an error of a rule that only warned, where the file does not load by it', () => expect(mergeFindings([aFinding()], [{ ...rule, level: 'warning' }])).toMatchObject([{ code: 'import-moved', level: 'error' }]));

it.each([
  ['another line', { line: 4 }], ['another file', { file: 'dags/other.py' }], ['no line', { line: undefined }],
] as const)('keeps both where the rule is about %s', (_, place) => expect(mergeFindings([aFinding()], [{ ...rule, ...place }])).toHaveLength(2));

it('does not let a rule explain a file that hangs', () => expect(mergeFindings([aFinding({ code: 'dag-timeout' })], [rule]).map(({ code }) => code)).toEqual(['dag-timeout', 'import-moved']));

it('keeps of the same code at the same place the worst, with a replacement if one has it', () =>
  expect(mergeFindings([], [{ ...rule, level: 'warning' }, { ...rule, level: 'error', replacement: undefined }])).toMatchObject([{ level: 'error', replacement: rule.replacement }]));

it('keeps two DAGs and two variables of one file apart', () =>
  expect(mergeFindings([aFinding({ code: 'dag-duplicate', dagId: 'a', line: undefined }), aFinding({ code: 'dag-duplicate', dagId: 'b', line: undefined }), aFinding({ code: 'variable-at-parse', level: 'notice', what: 'x' }), aFinding({ code: 'variable-at-parse', level: 'notice', what: 'y' })], [])).toHaveLength(4));

it('sorts worst first, then by file, line, code, whatever the order it got them in', () => {
  const findings = [aFinding({ level: 'notice', code: 'n' }), aFinding({ file: 'dags/b.py', code: 'x' }), aFinding({ file: 'dags/a.py', line: 9, code: 'x' }), aFinding({ file: 'dags/a.py', line: 10, code: 'x' }), aFinding({ file: undefined, line: undefined, code: 'z' }), aFinding({ level: 'warning', code: 'w' })];
  const places = (all: typeof findings): readonly string[] => mergeFindings(all, []).map(({ level, file, line }) => `${level} ${file}:${line}`);
  expect(places(findings)).toEqual(['error undefined:undefined', 'error dags/a.py:9', 'error dags/a.py:10', 'error dags/b.py:3', 'warning dags/sales.py:3', 'notice dags/sales.py:3']);
  expect(places([...findings].reverse())).toEqual(places(findings));
});
