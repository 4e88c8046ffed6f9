/** What the rules leave out, or give up, they say; and no line of a repository makes them wait for ever. */
import { expect, it, jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { installationPython, runRule, withRepository } from './run-rules.js';

jest.setTimeout(600_000);

const GONE = 'from airflow import DAG\nfrom airflow.operators.gone import X\n';
const LONG = `${'a'.repeat(60)}.py`;
const TARGET = '3.3.1';
/** As the migration file sets core.dag_ignore_file_syntax. Airflow 2 reads expressions by RE2, which is quick with all of them. */
const WAYS = [['an expression', 'regexp', '(a+)+b$', 'also_ignored\\.'], ['a glob', 'glob', '*a*a*a*a*a*a*a*a*a*a*a*b', 'also_ignored.*']] as const;
const syntax = (name: string) => ({ AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX: name });

it.each(WAYS)('gives up %s of .airflowignore that takes for ever, says which, and goes on without it', async (_, name, slow, other) => {
  const found = await withRepository({ [`dags/team/${LONG}`]: GONE, 'dags/team/also_ignored.py': GONE, 'dags/team/.airflowignore': `# what nobody runs\n${slow}\n${other}\n` }, (root) => runRule('imports', root, { source: TARGET, target: TARGET }, 'dags', syntax(name)));
  expect(found.map(({ code, level, file, line }) => [code, level, file, line])).toEqual([['import-removed', 'error', `dags/team/${LONG}`, 2], ['ignore-line-slow', 'error', 'dags/team/.airflowignore', 2]].sort((a, b) => String(a[2]).localeCompare(String(b[2]))));
  expect(found.find(({ code }) => code === 'ignore-line-slow')?.what).toContain(slow);
});

it('reads expressions as Airflow 2 does: one that RE2 does not know keeps nothing out, and none takes long', async () => {
  const found = await withRepository({ [`dags/${LONG}`]: GONE, 'dags/kept_out.py': GONE, 'dags/not_kept_out.py': GONE, 'dags/.airflowignore': '(a+)+b$\n^kept_out\n(?=not_)not_kept_out\n' }, (root) => runRule('imports', root, { source: '2.10.3', target: '2.10.3' }));
  expect(found.map(({ code, file }) => [code, file])).toEqual([['import-removed', `dags/${LONG}`], ['import-removed', 'dags/not_kept_out.py']]);
});

it.each(WAYS)("ends Airflow's own listing of DAG files in its time where %s takes for ever", async (...[, name, slow]) => {
  const python = await installationPython(TARGET);
  const { stdout, status, stderr } = await withRepository({ [`dags/${LONG}`]: GONE, 'dags/.airflowignore': `${slow}\n`, 'home/.keep': '' }, (root) => {
    const at = (name: string): string => path.join(root, name);
    return Promise.resolve(spawnSync(python, ['-B', path.resolve('src/check/python/load_dags.py')], {
      encoding: 'utf8', timeout: 120_000, cwd: at('home'),
      input: JSON.stringify({ dags: at('dags'), plugins: at('plugins'), files: null, jobs: 1, listSeconds: 2, wallSeconds: 8, cpuSeconds: 8, memoryBytes: 3 * 1024 ** 3, fileBytes: 1 << 24, reference: '2026-03-10T00:00:00+00:00' }),
      env: { PATH: '/usr/bin:/bin', HOME: at('home'), AIRFLOW_HOME: at('home'), TMPDIR: at('home'), LANG: 'C.UTF-8', PYTHONPATH: path.resolve('src/check/python'), AIRFLOW__CORE__DAGS_FOLDER: at('dags'), AIRFLOW__CORE__PLUGINS_FOLDER: at('plugins'), AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns', ...syntax(name) },
    }));
  });
  const said = stdout.trim().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect({ status, stderr: status === 0 ? '' : stderr, said: said.filter(({ kind }) => kind !== 'plugins') }).toEqual({ status: 0, stderr: '', said: [{ kind: 'files', files: [], late: true }, { kind: 'end' }] });
});
