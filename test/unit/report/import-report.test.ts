import { expect, it } from '@jest/globals';
import type { ImportedTable } from '../../../src/airflow/protocol.js';
import { importReport } from '../../../src/report/import-report.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { aManifest, aManifestTable, importData } from '../../builders/values.js';

const manifest = aManifest({ tables: [aManifestTable('dag_run')] });
const said = (runs: Partial<ImportedTable>) => {
  const table = { rows: 30, inserted: 18, alreadyThere: 0, rejected: 12, reasons: { 'the target has a different row': 12 }, rejectedFile: null, ...runs };
  return renderMarkdown(importReport({ environment: 'analytics-v2', manifest, imported: importData(manifest, { tables: { dag_run: table } }), secretVersions: 0, isRepeated: false }));
};
const refused = (runId: string) => ({ dagId: 'daily', runId, reason: 'the target has a different row' });

it('names the DAG runs that were refused, and counts those that it does not name', () => {
  const markdown = said({ rejectedRuns: Array.from({ length: 10 }, (_, at) => refused(`r${at}`)) });
  expect(markdown).toContain('### DAG runs that were refused (12)');
  expect(markdown).toMatch(/\| <code>daily<\/code> \| <code>r0<\/code> \| <code>the target has a different row<\/code> \|[\s\S]*<code>r9<\/code>[\s\S]*and 2 more in the side file/u);
  expect(said({ rejected: 1, inserted: 29, rejectedRuns: [refused('r0')] })).not.toContain('more in the side file');
});

it('shows a hostile run id as text', () => {
  expect(said({ rejectedRuns: [refused('<img src=x>|`')] })).not.toMatch(/<img|x>\|`/u);
});

it('goes without names where the result has none: nothing was refused, or an earlier release wrote it', () => {
  expect(said({})).not.toContain('DAG runs that were refused');
});
