/** As limits.test.ts, for what takes a minute to reach its limit. */
import { expect, it, jest } from '@jest/globals';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { runRule, withRepository } from './run-rules.js';

jest.setTimeout(600_000);

const GONE = 'from airflow import DAG\nfrom airflow.operators.gone import X\n';

it('stops trying after a few such lines, and says that too', async () => {
  const lines = Array.from({ length: 40 }, (_, number) => `(a+)+b{${number}}$`);
  const found = await withRepository({ [`dags/${'a'.repeat(60)}.py`]: GONE, 'dags/.airflowignore': lines.join('\n') }, (root) => runRule('imports', root, { source: '3.3.1', target: '3.3.1' }, 'dags', { AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX: 'regexp' }));
  expect(found.filter(({ code }) => code === 'ignore-line-slow').map(({ line }) => line)).toEqual([null, 1, 2, 3, 4, 5]);
});

it('says of a folder with too many folders in it that it did not look into all', async () => {
  const found = await withRepository({ 'dags/zz/last.py': GONE, 'dags/aa/first.py': GONE }, (root) => {
    for (let number = 0; number < 20_000; number += 1) mkdirSync(path.join(root, 'dags', 'many', String(number)), { recursive: true });
    return runRule('imports', root, { source: '2.10.3', target: '2.10.3' });
  });
  expect(found.map(({ code, file }) => [code, file])).toEqual([['import-removed', 'dags/aa/first.py'], ['file-not-read', null]]);
  expect(found[1]?.what).toBe('dags has more than 20000 folders in it; the rules looked into the first ones only.');
});
