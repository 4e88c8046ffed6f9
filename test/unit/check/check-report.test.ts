import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { CheckReport } from '../../../src/check/check-report.js';
import { parseCheckReport, readCheckReport } from '../../../src/check/read-check-report.js';
import { boundedReport, reportText } from '../../../src/check/write-check-report.js';
import { aCheckReport, aCheckedDag, aFinding } from './values.js';

const plain = (value: unknown): Record<string, unknown> => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

describe('a report that is written', () => {
  it('is read again as it was', () => expect(plain(parseCheckReport(reportText(boundedReport(aCheckReport())), 'r.json'))).toEqual(plain(aCheckReport())));

  it('keeps what both sides make of a DAG', () => {
    const dag = aCheckedDag({ schedule: { source: '@daily', target: '0 0 * * *' }, nextRun: { source: '2026-03-11T00:00:00Z', target: null }, interval: { source: '2026-03-10T00:00:00Z/2026-03-11T00:00:00Z', target: null }, catchup: { source: true, target: false } });
    expect(parseCheckReport(reportText(boundedReport(aCheckReport({ dags: [dag] }))), 'r.json').dags).toEqual([plain(dag)]);
  });

  it('has the same bytes whatever the order in which findings and DAGs came', () => {
    const findings = [aFinding(), aFinding({ file: 'dags/a.py' }), aFinding({ level: 'notice' })], dags = ['b', 'a', 'c'].map((dagId) => ({ ...aCheckReport().dags[0]!, dagId }));
    expect(reportText(boundedReport(aCheckReport({ findings: [...findings].reverse(), dags: [...dags].reverse() })))).toBe(reportText(boundedReport(aCheckReport({ findings, dags }))));
  });

  it('cuts texts to what the schema takes, between letters, and leaves no half letter', () => {
    const long = '🛩'.repeat(3000), half = '\ud83d';
    const report = boundedReport(aCheckReport({ findings: [aFinding({ what: long, why: half, dagId: long, file: 'x'.repeat(5000) })], notChecked: [long], dags: [{ ...aCheckReport().dags[0]!, dagId: long, schedule: { source: long, target: long } }] }));
    expect(() => parseCheckReport(reportText(report), 'r.json')).not.toThrow();
    expect([...(report.findings[0]?.what ?? '')]).toHaveLength(2000);
    expect(JSON.stringify(report)).not.toContain('\\ud83d');
  });

  it('stays below its size by dropping DAGs before findings and notices before errors, and says how many', () => {
    const findings = [...Array(8000).keys()].map((at) => aFinding({ level: at % 2 === 0 ? 'error' : 'notice', line: at + 1, what: 'w'.repeat(900) }));
    const dags = [...Array(8000).keys()].map((at) => ({ ...aCheckReport().dags[0]!, dagId: `dag_${at}` }));
    const report = boundedReport(aCheckReport({ findings, dags }));
    expect(Buffer.byteLength(reportText(report))).toBeLessThanOrEqual(5 * 1024 * 1024);
    expect(report.dags).toEqual([]);
    expect(report.findings.filter(({ level }) => level === 'error')).toHaveLength(4000);
    expect(report.notChecked.join()).toMatch(/\d+ findings.*8000 DAGs/u);
    expect(() => parseCheckReport(reportText(report), 'r.json')).not.toThrow();
  });
});

describe('a report that comes from another job', () => {
  const forged = (change: (report: Record<string, unknown>) => void): string => {
    const report = plain(aCheckReport());
    change(report);
    return JSON.stringify(report);
  };
  it.each<readonly [string, string]>([
    ['no JSON', '{'], ['nothing', ''], ['a list', '[]'], ['null', 'null'],
    ['a key of its own', forged((report) => { report['approved'] = true; })],
    ['a prototype', forged((report) => { report['findings'] = {}; }).replace('{', '{"__proto__":{"x":1},')],
    ['a level of its own', forged((report) => { report['findings'] = [{ ...aFinding(), level: 'approved' }]; })],
    ['a code that is markup', forged((report) => { report['findings'] = [{ ...aFinding(), code: '<img>' }]; })],
    ['an object for a text', forged((report) => { report['findings'] = [{ ...aFinding(), what: { toString: 'x' } }]; })],
    ['a text beyond its limit', forged((report) => { report['migrationId'] = 'x'.repeat(201); })],
    ['a line before the first', forged((report) => { report['findings'] = [{ ...aFinding(), line: 0 }]; })],
    ['a negative count', forged((report) => { report['counts'] = { dagFiles: -1, dags: 0, requirements: 0, plugins: 0 }; })],
    ['a million findings', forged((report) => { report['findings'] = Array(20_001).fill({ code: 'x', level: 'notice', what: '' }); })],
    ['a date that is an object', forged((report) => { report['dags'] = [{ ...aCheckReport().dags[0]!, interval: { source: { x: 1 } } }]; })],
    ['catching up that is a text', forged((report) => { report['dags'] = [{ ...aCheckReport().dags[0]!, catchup: { target: 'yes' } }]; })],
    ['an interval beyond its limit', forged((report) => { report['dags'] = [{ ...aCheckReport().dags[0]!, interval: { target: 'x'.repeat(61) } }]; })],
    ['something missing', forged((report) => { delete report['findings']; })],
  ])('is refused with %s, without a word of its content', (_, text) => {
    const refusal = (() => {
      try {
        parseCheckReport(text, 'r.json');
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    })();
    expect(refusal).toMatch(/^r\.json [\s\S]*\n {2}Why: .+\n {2}Fix: /u);
    expect(refusal).not.toMatch(/<img>|approved|__proto__|xxxx/u);
    expect(refusal.length).toBeLessThan(1500);
  });

  it('is refused when a newer release wrote it, by that reason', () => expect(() => parseCheckReport(forged((report) => { report['schema'] = 2; }), 'r.json')).toThrow(/check schema 2.*newer release/su));

  it('is refused as a link, a folder, nothing, or too large a file', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-report-'));
    try {
      const at = (name: string): string => path.join(folder, name);
      writeFileSync(at('right.json'), reportText(aCheckReport() as CheckReport));
      symlinkSync(at('right.json'), at('link.json'));
      writeFileSync(at('large.json'), ' '.repeat(5 * 1024 * 1024 + 1));
      await expect(readCheckReport(at('right.json'))).resolves.toMatchObject({ migrationId: 'a-to-b' });
      await expect(readCheckReport(at('link.json'))).rejects.toThrow(/symbolic link/u);
      await expect(readCheckReport(folder)).rejects.toThrow(/is not a file/u);
      await expect(readCheckReport(at('none.json'))).rejects.toThrow(/there is no file/u);
      await expect(readCheckReport(at('large.json'))).rejects.toThrow(/5242881 bytes/u);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
