/** Programs of phase check: what they say last is heard, and one that fails is not taken for one that found nothing. */
import { afterAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runProgram } from '../../../src/check/run-program.js';
import { findLost, runRules, type RulesJob } from '../../../src/check/run-rules.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['rules_one.py', 'rules_two.py']) writeFileSync(path.join(folder, name), '');

const aJob = (code: number, stdout: string): RulesJob => ({
  run: ({ args }) => Promise.resolve(args.some((arg) => arg.endsWith('rules_one.py')) ? { code: 0, stopped: undefined, stdout: '[]', stderr: '' } : { code, stopped: undefined, stdout, stderr: '' }),
  writable: [], python: 'python', scripts: folder, env: {}, root: folder, dags: 'dags', plugins: undefined, pluginsName: undefined, source: undefined, target: '3.3.1',
});

it.each([['fails', 1, ''], ['is cut off', 0, '[{"code": "import-rem']])('is no green check when a rule %s', async (_, code, stdout) => {
  expect(await runRules(aJob(code, stdout))).toMatchObject({ findings: [{ code: 'check-incomplete', level: 'error', what: expect.stringContaining('rules_two.py') }], notChecked: [expect.stringContaining('rules_two.py')] });
  expect(await findLost(aJob(code, stdout), [], new Set())).toMatchObject({ findings: [{ code: 'check-incomplete', level: 'error' }] });
});

it('says nothing of rules that ran', async () => expect(await runRules(aJob(0, '[]'))).toEqual({ findings: [], notChecked: [] }));

it('hears what comes after the program ended, as on a busy machine', async () =>
  expect(await runProgram({ command: '/bin/sh', args: ['-c', '(sleep 0.5; echo last) & echo first'], env: {}, folder, timeoutSeconds: 30 })).toMatchObject({ code: 0, stopped: undefined, stdout: 'first\nlast\n' }));
