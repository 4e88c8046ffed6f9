import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { CheckReport } from '../../../src/check/check-report.js';
import { plan, validatePlan } from '../../builders/a-plan.js';
import { World } from '../../builders/world.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'plan-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what phase check found', () => {
  const report = (given: Partial<CheckReport> = {}): string => {
    const file = path.join(folder, 'check.json');
    const value: CheckReport = {
      schema: 1, migrationId: 'analytics-to-analytics-v2', versions: { source: '2.7.2', target: '2.10.3', python: '3.11' }, counts: { dagFiles: 2, dags: 2, requirements: 1, plugins: 0 },
      findings: [{ code: 'import-removed', level: 'error', file: 'dags/a.py', line: 3, dagId: undefined, what: 'airflow.operators.x is gone', why: undefined, fix: undefined, replacement: undefined }], dags: [], notChecked: [], ...given,
    };
    writeFileSync(file, JSON.stringify(value));
    return file;
  };

  it('stands in the plan\'s report; errors are a warning of the plan and leave its digest', async () => {
    const without = await plan(), { document, summary, ok } = await plan(new World(), { checkReport: report() });
    expect(ok).toBe(true);
    expect(document.check).toEqual({ airflowVersion: '2.10.3', errors: 1, warnings: 0, notices: 0, dagFiles: 2, dags: 2, notChecked: 0 });
    expect(document.digest).toBe(without.document.digest);
    expect(document.warnings.map(({ code }) => code)).toContain('check-errors');
    expect(summary.split('\n')[0]).toMatch(/^## ⚠️ 0 things block, 1 thing in the DAGs will not work/u);
    expect(summary).toMatch(/Will not work on the target[^]*airflow\.operators\.x is gone/u);
    expect(validatePlan(document)).toBe(true);
  });

  it('is missed where there is none: the plan says so first', async () => {
    const { document, summary } = await plan();
    expect(document).not.toHaveProperty('check');
    expect(document.warnings.map(({ code }) => code)).toContain('dags-not-checked');
    expect(summary.split('\n')[0]).toContain('DAGs were not checked');
  });

  it.each([
    ['of another migration', { migrationId: 'other' }, 'check-of-another'],
    ['for another version', { versions: { source: '2.7.2', target: '2.9.2', python: '3.11' } }, 'check-of-another-version'],
    ['compared with another source', { versions: { source: '2.4.3', target: '2.10.3', python: '3.11' } }, 'check-from-another-version'],
  ])('%s is said to be so', async (_, given, code) => expect((await plan(new World(), { checkReport: report(given) })).document.warnings.map((one) => one.code)).toContain(code));

  it.each([
    ['no report', '{"schema":1}', /is no report of phase check/u], ['no JSON', 'hello', /is no JSON/u], ['of a newer release', '{"schema":2}', /schema 2/u], ['absent', undefined, /there is no file/u],
  ])('is refused when it is %s: the plan is made without it, and says so', async (_, text, why) => {
    const file = path.join(folder, 'forged.json'), world = new World();
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    const { document, summary, ok } = await plan(world, { checkReport: file });
    expect([ok, document.warnings.map(({ code }) => code)]).toEqual([true, expect.arrayContaining(['check-refused'])]);
    expect(document).not.toHaveProperty('check');
    expect(summary.split('\n')[0]).toContain('DAGs were not checked');
    expect(summary).not.toContain('forged.json');
    expect(world.lines.filter((line) => line.includes('forged.json'))).toEqual([expect.stringMatching(why)]);
  });
});
