import { describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runRule, tryStatements, withRepository, type Finding } from './run-rules.js';

jest.setTimeout(600_000);

const TABLE = JSON.parse(readFileSync(fileURLToPath(new URL('../../../src/check/python/import_moves.json', import.meta.url)), 'utf8')) as Readonly<Record<string, readonly string[]>>;

const split = (name: string) => ({ module: name.slice(0, name.lastIndexOf('.')), last: name.slice(name.lastIndexOf('.') + 1) });
const statementOf = (name: string) => `from ${split(name).module} import ${split(name).last}`;

describe.each(['2.10.3', '3.3.1'])('every name that moved, on Airflow %s', (target) => {
  it('is told as it is there, and each replacement loads', async () => {
    const statements = Object.keys(TABLE).map(statementOf);
    const findings = await withRepository({ 'dags/all_names.py': `${statements.join('\n')}\n` }, (root) => runRule('imports', root, { source: '1.10.12', target }));
    const byStatement = new Map(findings.map((finding): [string, Finding] => [statements[(finding.line ?? 0) - 1] ?? '', finding]));
    const replacements = findings.flatMap(({ replacement }) => replacement ?? []);

    const outcome = await tryStatements(target, [...statements, ...replacements]);

    const fails = (statement: string) => outcome.get(statement) !== undefined;
    const wrong = statements.filter((statement) => fails(statement) !== ['import-removed', 'provider-missing'].includes(byStatement.get(statement)?.code ?? ''));
    expect(wrong.map((statement) => [statement, outcome.get(statement), byStatement.get(statement)?.what])).toEqual([]);
    expect(replacements.filter(fails).map((text) => [text, outcome.get(text)])).toEqual([]);
    // The table is worth something: most of what is gone has a place to go.
    expect(replacements.length).toBeGreaterThan(250);
    expect(findings.filter(({ code }) => code === 'provider-missing').every(({ fix }) => /^Add apache-airflow-providers-[a-z-]+ to the requirements file\./u.test(fix ?? ''))).toBe(true);
  });
});

const FILE = `from airflow.operators.python_operator import (
    PythonOperator as Runs,
    BranchPythonOperator,
)
import airflow.operators.bash_operator as shell
from airflow.operators.bash_operator import *
from airflow.operators import dummy_operator
from airflow.models import DAG, BaseOperator

try:
    from airflow.hooks.base_hook import BaseHook
except ImportError:
    from airflow.sdk.bases.hook import BaseHook

shell.BashOperator(task_id="x", bash_command="true")


def later():
    from airflow.contrib.hooks.aws_hook import AwsHook
    from importlib import import_module
    import_module("airflow.operators.subdag")
    return AwsHook
`;

it('finds imports in functions, under other names and by text, and leaves alone what copes', async () => {
  const findings = await withRepository({ 'dags/several.py': FILE }, (root) => runRule('imports', root, { source: '2.7.2', target: '3.3.1' }));
  expect(findings.map(({ code, line, replacement }) => [code, line, replacement])).toEqual([
    ['import-removed', 1, 'from airflow.providers.standard.operators.python import PythonOperator as Runs, BranchPythonOperator'],
    ['import-removed', 5, 'import airflow.providers.standard.operators.bash as shell'],
    ['import-removed', 6, 'from airflow.providers.standard.operators.bash import *'],
    ['import-removed', 7, 'from airflow.providers.standard.operators import empty as dummy_operator'],
    ['import-removed', 19, 'from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook as AwsHook'],
    ['import-removed', 21, null],
  ]);
  const outcome = await tryStatements('3.3.1', findings.flatMap(({ replacement }) => replacement ?? []));
  expect([...outcome.values()]).toEqual(outcome.size === 5 ? [undefined, undefined, undefined, undefined, undefined] : []);
});
