/** Phase check in a repository that holds the migration file alone: nothing is installed, and what it hands on says that nothing was checked. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { check } from '../../../src/check/check.js';
import { readCheckReport } from '../../../src/check/read-check-report.js';
import { checkFindings } from '../../../src/plan/check-findings.js';
import { aMigrationFile } from '../../builders/values.js';

let folder: string;
beforeEach(() => { folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-nothing-'))); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(isDagsNamed: boolean) {
  for (const name of ['repo', 'temp']) mkdirSync(path.join(folder, name), { recursive: true });
  writeFileSync(path.join(folder, 'temp/mwaa-migrate-check.json'), 'of an earlier step');
  const file = aMigrationFile();
  return check({
    // Without Python programs and tools: whoever starts one fails.
    file: { ...file, resources: { ...file.resources, isDagsNamed } }, config: 'mwaa-migration.yml', token: undefined, scripts: path.join(folder, 'none'),
    clock: { now: () => new Date('2026-03-10T12:00:00Z'), sleep: () => Promise.resolve() }, log: { info: () => undefined, warn: () => undefined, group: (_, work) => work() },
    env: { PATH: '', GITHUB_WORKSPACE: path.join(folder, 'repo'), RUNNER_TEMP: path.join(folder, 'temp'), AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' },
  });
}

it('writes a report that phase plan takes, and the plan warns', async () => {
  const { report, path: written } = await run(false);
  const read = await readCheckReport(written);
  expect(read).toEqual(JSON.parse(JSON.stringify(report)));
  expect(read).toMatchObject({ counts: { dagFiles: 0, dags: 0, requirements: 0, plugins: 0 }, findings: [], notChecked: [expect.stringContaining('this repository has no folder "dags"')] });
  const file = aMigrationFile(), told = checkFindings({ ...read, migrationId: file.id, versions: { ...read.versions, target: file.target.airflowVersion } }, file, '2.7.2');
  expect(told.map(({ code }) => code)).toContain('dags-not-checked');
});

it('stays red where the migration file names the folder', async () => {
  await expect(run(true)).rejects.toThrow('There is no folder "dags"');
});
