import { describe, expect, it } from '@jest/globals';
import { objectsOf, parseManifest, type Manifest } from '../../../src/metadata/manifest.js';
import { exportReport } from '../../../src/report/export-report.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { aManifest, aManifestTable, preflightData } from '../../builders/values.js';

const said = (manifest: Manifest) => renderMarkdown(exportReport({ environment: 'analytics', manifest, scope: 's', preflight: preflightData(), targetSeen: undefined, active: [], drained: undefined, planChanges: [], now: '2026-11-22T12:00:00Z' }));
const tables = [
  aManifestTable('dag_run', { leftOut: { 'row of mwaa-migrate itself': 7, 'beyond the filter': 20 } }),
  aManifestTable('log', { leftOut: { 'row of mwaa-migrate itself': 1000, 'belongs to no DAG run': 3 } }),
];
const notMoved = [
  { table: 'connection', rows: 4, reason: 'metadata.connections: false in the migration file' }, { table: 'dag_run_note', rows: 1230, reason: 'not moved by this release' },
  { table: 'sla_miss', reason: 'not moved by this release' }, { table: 'serialized_dag', rows: 88, reason: 'the target fills it itself from its DAG files' },
];

describe('the summary of an export', () => {
  it('counts rows of the user that are left out, and ours apart', () => {
    expect(said(aManifest({ tables }))).toMatch(/^## .*, 23 left out \(and 1,007 of mwaa-migrate itself\); 0 DAGs paused\n/u);
    expect(said(aManifest({ tables: [aManifestTable('log', { leftOut: { 'beyond the filter': 5 } })] }))).toMatch(/^## .*, 5 left out; /u);
  });

  it('says where the rows are that nobody chose to leave', () => {
    const leftOutFile = { key: 'p/1/export/left-out/x_<b>.csv.gz', versionId: 'v', sha256: 'a'.repeat(64), bytes: 9, rows: 3 };
    const manifest = aManifest({ tables: [aManifestTable('xcom', { leftOut: { 'has no key': 3 }, leftOutFile })] });
    expect(said(manifest)).toMatch(/has no key[\s\S]*each behind its reason:\n\n- <code>p&#47;1&#47;export&#47;left-out&#47;x&#95;&#60;b&#62;\.csv\.gz<\/code>: 3\n/u);
    expect(objectsOf(manifest)).toContain(leftOutFile);
    expect(() => parseManifest(JSON.stringify({ ...manifest, tables: [{ ...manifest.tables[0], leftOutFile: { ...leftOutFile, rows: -1 } }] }), 'here')).toThrow('names no side file');
    expect(said(aManifest({ tables }))).not.toContain('behind its reason');
  });

  it('counts rows of the user in tables that stay, where the export counted them, and names the others', () => {
    const markdown = said(aManifest({ notMoved }));
    expect(markdown).toMatch(/^## .*, 0 left out, 1,234 in tables that stay; /u);
    expect(markdown).toMatch(/### Your rows in tables that stay on the source \(3\)[\s\S]*connection<\/code> \| 4 \|[\s\S]*miss<\/code> \| – \|/u);
    expect(markdown).toMatch(/<summary>Other tables that stay on the source \(1\)<\/summary>[\s\S]*serialized/u);
  });

  it('lists what was active before the drain as that, and what is active in a rehearsal as active', () => {
    const of = (mode: Manifest['mode']) => renderMarkdown(exportReport({ environment: 'analytics', manifest: aManifest({ mode }), scope: 's', preflight: preflightData(), targetSeen: undefined, active: preflightData().activeDags, drained: undefined, planChanges: [], now: '2026-11-22T12:00:00Z' }));
    expect(of('final')).toMatch(/DAGs that were active before the drain \(\d+\)[\s\S]*\| DAG \| Before the drain \|/u);
    expect(of('final')).not.toMatch(/paused now|\| DAG \| Now/u);
    expect(of('rehearsal')).toMatch(/DAGs that are active \(\d+\)[\s\S]*\| DAG \| Now \|/u);
  });

  it('is made of manifests that count those rows or do not, and of no damaged count', () => {
    expect(parseManifest(JSON.stringify(aManifest({ notMoved })), 'x').notMoved).toEqual(notMoved);
    expect(() => parseManifest(JSON.stringify(aManifest({ notMoved: [{ table: 'a', reason: 'b', rows: -1 }] })), 'x')).toThrow(/notMoved/u);
  });
});
