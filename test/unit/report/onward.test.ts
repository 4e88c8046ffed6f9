/** "What to do next" of a phase that went well: who reads a job summary of the workflow must not start by hand what comes by itself. */
import { expect, it } from '@jest/globals';
import type { Report } from '../../../src/report/document.js';
import { createReport } from '../../../src/report/create-report.js';
import { exportReport } from '../../../src/report/export-report.js';
import { importReport } from '../../../src/report/import-report.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { resourcesReport } from '../../../src/report/resources-report.js';
import { aManifest, importData, preflightData } from '../../builders/values.js';

const resources = (isDry: boolean) => resourcesReport({ copied: { dags: { files: 1, copied: ['a.py'], unchanged: 0, removed: [], foreign: [] }, plugins: undefined, requirements: undefined, startupScript: undefined, isThroughRunner: false }, isDry, from: 'a', to: 'b' });
const create = createReport({ name: 'v2', version: '2.10.3', status: 'AVAILABLE', meaning: 'ready', executionRole: 'role', isExternal: false, createdBy: 'this-run', role: undefined, differences: [] });
const exported = (mode: 'rehearsal' | 'final') => exportReport({ environment: 'analytics', manifest: aManifest({ mode }), scope: 's', preflight: preflightData(), targetSeen: undefined, active: [], drained: undefined, planChanges: [], now: '2026-11-22T12:00:00Z' });
const imported = importReport({ environment: 'v2', manifest: aManifest(), imported: importData(aManifest()), secretVersions: 0, isRepeated: false });
const next = (report: Report): string => (renderMarkdown(report).split('### What to do next')[1] ?? '').replace(/<\/?code>/gu, '');

it.each([
  ['resources', resources(false), 'create', 'create'],
  ['create', create, 'rehearse', 'export with mode rehearsal'],
  ['a rehearsal', exported('rehearsal'), 'ask', 'export with mode final'],
  ['a final export, before the gate or after it', exported('final'), 'ask or import', 'import with approved-manifest'],
  ['import', imported, 'verify', 'verify'],
])('after %s the workflow goes on by itself, and with the action alone a person does', (_, report, job, phase) => {
  expect(next(report)).toContain(`In the workflow migrate.yml do not start it by hand: job ${job} comes next by itself`);
  expect(next(report)).toContain(`With the action alone, run phase ${phase}`);
});

it('a dry run says what was not done', () => expect(next(resources(true))).toMatch(/without dry-run/u));
