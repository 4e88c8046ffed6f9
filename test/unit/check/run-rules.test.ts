/** Programs of phase check: what they say last is heard, and one that fails is not taken for one that found nothing. */
import { afterAll, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runProgram } from '../../../src/check/run-program.js';
import { findLost, runRules, type RulesJob } from '../../../src/check/run-rules.js';
import type { Sealed } from '../../../src/check/seal.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['rules_one.py', 'rules_two.py']) writeFileSync(path.join(folder, name), '');

const aJob = (code: number, stdout: string): RulesJob => ({
  run: ({ args }) => Promise.resolve(args.some((arg) => arg.endsWith('rules_one.py')) ? { code: 0, stopped: undefined, stdout: '{"findings": []}', stderr: '' } : { code, stopped: undefined, stdout, stderr: '' }),
  folder: path.join(folder, 'own'), python: 'python', scripts: folder, env: {}, root: folder, dags: 'dags', plugins: undefined, pluginsName: undefined, source: undefined, target: '3.3.1',
});

it.each([['fails', 1, ''], ['is cut off', 0, '{"findings": [{"code": "import-rem'], ['gives no list', 0, '{"findings": 7}']])('is no green check when a rule %s', async (_, code, stdout) => {
  expect(await runRules(aJob(code, stdout))).toMatchObject({ findings: [{ code: 'check-incomplete', level: 'error', what: expect.stringContaining('rules_two.py') }], notChecked: [expect.stringContaining('rules_two.py')] });
  expect(await findLost(aJob(code, stdout), [], new Set(), [])).toMatchObject({ findings: [{ code: 'check-incomplete', level: 'error' }] });
});

it('says nothing of rules that ran', async () => expect(await runRules(aJob(0, '{"findings": [], "cut": 0}'))).toEqual({ findings: [], notChecked: [] }));

const entry = (given: object = {}): object => ({ code: 'import-removed', level: 'error', what: 'gone', file: 'dags/a.py', ...given });

it('says how many findings a rule has beyond what it lists, and what is listed here', async () => {
  const many = Array.from({ length: 20_003 }, (_, number) => entry({ line: number + 1 }));
  const { findings, notChecked } = await runRules(aJob(0, JSON.stringify({ findings: many, cut: 40 })));
  expect(findings).toHaveLength(20_000);
  expect(notChecked).toEqual(['The rules of rules_two.py found 43 more than the 20000 that are listed; those are the least important.']);
});

it('is no green check when entries are no findings, and keeps the others', async () => {
  const { findings, notChecked } = await runRules(aJob(0, JSON.stringify({ findings: [entry(), entry({ level: 'fine' }), 'x', entry({ code: '<b>' }), entry({ what: 7 })], cut: -3 })));
  expect(findings.map(({ code }) => code)).toEqual(['import-removed', 'check-incomplete']);
  expect(notChecked).toEqual(['The rules of rules_two.py gave 4 entries that are no findings; what they were to say is not known.']);
});

it('repeats of a folder that was not read to its end, once, that it was not', async () => {
  const cut = entry({ code: 'file-not-read', level: 'warning', file: null, what: 'dags has more than 20000 folders in it.', why: 'Not looked from dags/x on.' });
  expect((await runRules(aJob(0, JSON.stringify({ findings: [cut, cut, entry({ code: 'file-not-read', level: 'warning', file: 'dags/large.py' })] })))).notChecked).toEqual(['dags has more than 20000 folders in it. Not looked from dags/x on.']);
});

it('gives each program a folder of its own, and nothing else to write into', async () => {
  const seen: Sealed[] = [];
  await runRules({ ...aJob(0, '{"findings": []}'), env: { HOME: '/dag', AIRFLOW_HOME: '/dag', TMPDIR: '/dag/tmp' }, run: (program) => {
    seen.push(program);
    return Promise.resolve({ code: 0, stopped: undefined, stdout: '{"findings": []}', stderr: '' });
  } });
  expect(seen.map(({ writable }) => writable)).toEqual([[path.join(folder, 'own/rules_one.py')], [path.join(folder, 'own/rules_two.py')]]);
  for (const { writable: [own], env } of seen) expect([existsSync(own ?? ''), env['HOME'], env['AIRFLOW_HOME'], env['TMPDIR']]).toEqual([true, own, own, own]);
});

it('hears what comes after the program ended, as on a busy machine', async () =>
  expect(await runProgram({ command: '/bin/sh', args: ['-c', '(sleep 0.5; echo last) & echo first'], env: {}, folder, timeoutSeconds: 30 })).toMatchObject({ code: 0, stopped: undefined, stdout: 'first\nlast\n' }));
