import { expect, it } from '@jest/globals';
import { mergeFindings } from '../../../src/check/merge-findings.js';
import { aFinding } from './values.js';

const rule = aFinding({ code: 'import-moved', what: 'airflow.operators.bash_operator.BashOperator moved', replacement: 'from airflow.providers.standard.operators.bash import BashOperator', fix: 'write the new import' });
/** What the file of that line failed by. */
const failure = aFinding({ what: "sales.py does not load: ModuleNotFoundError: No module named 'airflow.operators.bash_operator'" });

it('makes one finding of an import error and the rule that explains its line, with the replacement', () => {
  const [one, ...rest] = mergeFindings([failure], [rule]);
  expect(rest).toEqual([]);
  expect(one).toMatchObject({ code: 'import-moved', level: 'error', what: rule.what, replacement: rule.replacement });
  expect(one?.why).toContain('ModuleNotFoundError');
});

it('makes an error of a rule that only warned, where the file does not load by it', () => expect(mergeFindings([failure], [{ ...rule, level: 'warning' }])).toMatchObject([{ code: 'import-moved', level: 'error' }]));

it.each([
  ['another line', { line: 4 }], ['another file', { file: 'dags/other.py' }], ['no line', { line: undefined }],
] as const)('keeps both where the rule is about %s', (_, place) => expect(mergeFindings([failure], [{ ...rule, ...place }])).toHaveLength(2));

it.each([
  ['an import beside it', "ModuleNotFoundError: No module named 'nosuch'", {}], ['the database file', 'DatabaseError: file is not a database', { code: 'database-access', what: "The file reaches into Airflow's own database: airflow.settings.Session." }],
  ['an argument whose name only begins so', "TypeError: DAG.__init__() got an unexpected keyword argument 'schedule'", { code: 'argument-removed', what: 'DAG of Airflow 3.3.1 takes no argument schedule_interval.' }],
  ['an attribute of the same object', "AttributeError: 'DAG' object has no attribute 'full_filepath'", { code: 'argument-removed', what: 'DAG of Airflow 3.3.1 takes no argument concurrency.' }],
  ['a notice', "ModuleNotFoundError: No module named 'airflow.operators.bash_operator'", { level: 'notice' }],
] as const)('does not give a failure the words of a rule at its line that is about something else: %s', (_, text, other) => {
  const [first, ...rest] = mergeFindings([aFinding({ what: `sales.py does not load: ${text}` })], [{ ...rule, replacement: undefined, ...other }]);
  expect([first?.what.includes(text) || rest[0]?.what.includes(text), rest.length]).toEqual([true, 1]);
});

it.each([
  ["TypeError: DAG.__init__() got an unexpected keyword argument 'concurrency'", 'argument-removed', 'DAG of Airflow 3.3.1 takes no argument concurrency.'],
  ["airflow.exceptions.AirflowException: Invalid arguments were passed to BashOperator (task_id: t). Invalid arguments were: **kwargs: {'xcom_push': True}", 'argument-removed', 'BashOperator of Airflow 2.10.3 takes no argument xcom_push.'],
  ['TypeError: DAG.__init__() takes from 1 to 2 positional arguments but 4 were given', 'argument-by-position', 'DAG of Airflow 3.3.1 takes 1 argument by position, and gets 3.'],
  ['SyntaxError: invalid syntax', 'syntax-error', 'Python 3.12 cannot parse the file: invalid syntax'],
  ["ImportError: cannot import name 'days_ago' from 'airflow.utils.dates'", 'import-removed', 'airflow.utils.dates.days_ago cannot be imported on Airflow 3.3.1.'],
])('knows the rule about what Python says: %s', (text, code, what) =>
  expect(mergeFindings([aFinding({ code: 'dag-error', what: `sales.py does not load: ${text}` })], [{ ...rule, code, what }])).toMatchObject([{ code, what }]));

it('keeps every name of a line that has several of one code, each with its replacement', () => {
  const ofName = (name: string, replacement: string) => ({ ...rule, code: 'argument-removed', what: `DAG of Airflow 3.3.1 takes no argument ${name}.`, replacement });
  const found = mergeFindings([aFinding({ code: 'dag-error', what: "x: TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'" })], [ofName('schedule_interval', 'schedule'), ofName('concurrency', 'max_active_tasks')]);
  expect(found).toMatchObject([{ replacement: 'max_active_tasks' }, { replacement: 'schedule', why: expect.stringContaining('unexpected keyword argument') }]);
});

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
