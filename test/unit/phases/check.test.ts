import { expect, it, jest } from '@jest/globals';
import { checkWorkflow } from '../../../src/phases/check.js';
import { aMigrationFile } from '../../builders/values.js';
import { aCheckReport, aFinding } from '../check/values.js';
import type { CheckReport } from '../../../src/check/check-report.js';

async function run(report: CheckReport) {
  // Annotations are commands on standard output; test/unit/check looks at those.
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const said: string[] = [];
  const log = { info: (line: string) => said.push(line), warn: (line: string) => said.push(line), group: <T>(_: string, work: () => Promise<T>) => work() };
  try {
    return await checkWorkflow({ file: aMigrationFile(), log: log as never, runCheck: () => Promise.resolve({ report, path: '/tmp/check.json' }) });
  } finally {
    spy.mockRestore();
  }
}

it('ends red with the number of errors, the report for phase plan, and the finding in the summary', async () => {
  const result = await run(aCheckReport({ findings: [aFinding({ what: 'it is <b>broken</b> | @octocat' }), aFinding({ level: 'warning' })] }));
  expect(result.ok).toBe(false);
  expect(result.outputs).toMatchObject({ blockers: '1', 'check-report': '/tmp/check.json' });
  expect(result.summary).not.toMatch(/<b>|@octocat/u);
  expect(result.summary).toContain('&#60;b&#62;broken');
});

it('is green with warnings and with what was not checked, and says both', async () => {
  const result = await run(aCheckReport({ findings: [aFinding({ level: 'warning', what: 'perhaps' })], notChecked: ['the rest'] }));
  expect(result.ok).toBe(true);
  expect(result.outputs['blockers']).toBe('0');
  expect(result.summary).toMatch(/⚠️[\s\S]*perhaps[\s\S]*the rest/u);
});

it('is green, and no check that was passed, where the repository holds no DAGs', async () => {
  const result = await run(aCheckReport({ findings: [], dags: [], counts: { dagFiles: 0, dags: 0, requirements: 0, plugins: 0 }, notChecked: ['no folder "dags"'] }));
  expect(result.ok).toBe(true);
  expect(result.summary).toMatch(/^## ⚠️ Nothing to check here[\s\S]*no folder/u);
});

it('shows the replacement to write', async () => expect((await run(aCheckReport({ findings: [aFinding({ replacement: 'from airflow.sdk import DAG' })] }))).summary).toContain('from airflow.sdk import DAG'));
