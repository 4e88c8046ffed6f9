/** What phase check must show on a road of the corpora: every break found where it is, nothing said of good DAGs, and what it suggests loads. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadWithAirflow, type Loaded } from './airflow-loads.js';
import type { Break, Road } from './break-table.js';
import { UNMOVED, type Move } from './moved-to-3.js';
import { NOTICES_ON_GOOD } from './good-notices.js';
import { applyEdits, filesOf, makeRepository } from './repository.js';
import { makeRunner, runCheck, type CheckRun, type Finding, type Runner } from './run-check.js';
import { applySuggestions } from './suggestions.js';

const MINUTES = 60_000;

const place = ({ file, line }: Finding): string => (line === null || line === undefined ? `${file}` : `${file}:${line}`);
/** Findings that tell this break: error or warning, with one of its codes, at one of its places. */
const tellers = (findings: readonly Finding[], { codes, places }: Break): readonly Finding[] =>
  findings.filter((finding) => finding.level !== 'notice' && codes.includes(finding.code) && places.includes(place(finding)));

/** Declares the tests of one road, which runs the phase once. */
export function describeRoad({ road, breaks, kinds, moves = [] }: Readonly<{ road: Road; breaks: readonly Break[]; kinds: readonly ('broken' | 'good')[]; moves?: readonly Move[] }>): void {
  describe(road.name, () => {
    const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'check-road-')));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    let runner: Runner, run: CheckRun;
    beforeAll(async () => {
      runner = makeRunner(path.join(folder, road.name));
      await makeRepository(runner.workspace, road, ...kinds, ...(moves.length > 0 ? ['moved' as const] : []));
      run = await runCheck(runner);
    }, 10 * MINUTES);

    it('ends red and leaves nothing out', () => {
      expect(run.code).toBe(1);
      expect(run.report.notChecked.filter((text) => /did not run to their end|were not loaded/u.test(text))).toEqual([]);
    });

    it.each(breaks)('finds $file: $breaks', (row) => {
      const ofFile = run.report.findings.filter(({ level, file }) => level !== 'notice' && row.places.some((one) => one.split(':')[0] === file)).map((finding) => `${finding.code} ${place(finding)}`);
      expect({ told: tellers(run.report.findings, row).length > 0, ofFile }).toEqual({ told: true, ofFile });
    });

    it('shows each of them by file in the summary', () => {
      const plain = run.summary.replace(/&#(\d+);/gu, (_, number: string) => String.fromCodePoint(Number(number)));
      for (const row of breaks) expect(row.places.some((one) => plain.includes(path.basename(one.split(':')[0] ?? '')))).toBe(true);
    });

    it('says of every error what, where and what to do', () => {
      for (const finding of run.report.findings.filter(({ level }) => level === 'error')) {
        expect(finding.file).toBeTruthy();
        expect(`${finding.fix ?? ''}${finding.replacement ?? ''}`).not.toBe('');
        // Two runs must give the same bytes, and a report crosses to other machines.
        expect(`${finding.what} ${finding.why} ${finding.fix}`).not.toContain(folder);
      }
    });

    if (kinds.includes('good'))
      it('says nothing against the good DAGs', () => {
        const good = filesOf('good', road);
        expect(good.length).toBeGreaterThan(4);
        const said = run.report.findings.filter(({ file }) => file !== null && file !== undefined && good.includes(file));
        expect(said.filter(({ level }) => level !== 'notice')).toEqual([]);
        expect(said.filter(({ code, file }) => !NOTICES_ON_GOOD.some((allowed) => allowed.code === code && allowed.files.includes(file ?? '')))).toEqual([]);
      });

    if (moves.length > 0)
      it('tells of every DAG that runs otherwise, and of no other, and neither side sees the folder of the other', () => {
        const files = filesOf('moved', road);
        const said = run.report.findings.filter(({ level, file }) => level !== 'notice' && file !== null && file !== undefined && files.includes(file));
        expect(said.map(({ code, file, dagId }) => `${code} ${file} ${dagId}`).sort()).toEqual(moves.map(({ code, file, dagId }) => `${code} ${file} ${dagId}`).sort());
        for (const { code, dagId, what } of moves) expect(said.find((one) => one.code === code && one.dagId === dagId)?.what).toMatch(what);
        const unmoved = run.report.dags.filter(({ dagId }) => UNMOVED.includes(dagId));
        expect(unmoved.map(({ dagId }) => dagId).sort()).toEqual(UNMOVED);
        for (const { nextRun, interval, catchup } of unmoved) expect([nextRun.source, interval?.source, catchup?.source]).toEqual([nextRun.target, interval?.target, catchup?.target]);
        // On the source too: it is the same DAG there.
        expect(unmoved.find(({ dagId }) => dagId === 'folders_seen_1')).toMatchObject({ schedule: { source: 'None' }, nextRun: { source: null, target: null } });
      });

    it('suggests what, applied, loads on the target', async () => {
      for (const row of breaks) {
        const told = tellers(run.report.findings, row);
        if (!applySuggestions(runner.workspace, told)) applyEdits(runner.workspace, row.cure);
      }
      const mended: Loaded = await loadWithAirflow(road.target, runner.workspace);
      expect(mended.errors).toEqual({});
      const wanted = breaks.flatMap(({ dagIds }) => dagIds).filter((dagId) => !dagId.endsWith('.parts')); // a task group now
      expect(Object.keys(mended.dags)).toEqual(expect.arrayContaining(wanted));
    }, 3 * MINUTES);
  });
}
