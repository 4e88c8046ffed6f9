/** Where a phase's report lies on the runner: under the same names every time, and never an earlier run's. */
import { afterAll, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { removeReport, reportFilesOf, writeReport } from '../../../src/report-files.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'report-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has the names that the workflows rely on, JSON where the phase gives some, and goes before the next run', async () => {
  const plan = reportFilesOf('plan', { RUNNER_TEMP: folder }), check = reportFilesOf('check', { RUNNER_TEMP: folder });
  expect([plan.json, check.json].map((file) => path.basename(file))).toEqual(['mwaa-migrate-plan.json', 'mwaa-migrate-check.json']);
  await writeReport(plan, { markdown: 'text', html: '<p>', json: '{}\n' });
  await writeReport(check, { markdown: 'text', html: undefined });
  expect(readdirSync(folder).sort()).toEqual(['mwaa-migrate-check.md', 'mwaa-migrate-plan.html', 'mwaa-migrate-plan.json', 'mwaa-migrate-plan.md']);
  expect(readFileSync(plan.json, 'utf8')).toBe('{}\n');
  await removeReport(plan);
  expect(readdirSync(folder)).toEqual(['mwaa-migrate-check.md']);
});
