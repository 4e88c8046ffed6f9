import { describe, expect, it } from '@jest/globals';
import type { ImportedTable, SettledRow } from '../../../src/airflow/protocol.js';
import { exportReport } from '../../../src/report/export-report.js';
import { importReport } from '../../../src/report/import-report.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { onConflictInWords } from '../../../src/report/settings.js';
import { aManifest, aManifestTable, importData } from '../../builders/values.js';

const manifest = aManifest({ tables: [aManifestTable('connection'), aManifestTable('slot_pool')] });
const row = (name: string, outcome: SettledRow['outcome']): SettledRow => ({ name, outcome, why: 'differs in host, password' });
const said = (connection: Partial<ImportedTable>) => {
  const base = importData(manifest);
  const tables = { ...base.tables, connection: { ...(base.tables['connection'] as ImportedTable), ...connection } };
  return renderMarkdown(importReport({ environment: 'analytics-v2', manifest, imported: importData(manifest, { tables }), secretVersions: 0, isRepeated: false }));
};

describe('settings that the target had too', () => {
  it('are named one by one, with what became of each and which columns differ', () => {
    const markdown = said({ settled: [row('warehouse', 'kept'), row('lake', 'replaced'), row('aws_default', 'adopted'), { name: 'wide', outcome: 'refused', why: 'host is longer' }], settledRows: 4, replaced: 2 });
    expect(markdown).toContain('### Settings that the target had too, or cannot take (4)');
    expect(markdown).toContain('| <code>connection</code> | <code>warehouse</code> | the target\'s stays | <code>differs in host, password</code> |');
    expect(markdown).toMatch(/<code>lake<\/code> \| the source's stands there now \|[^]*<code>aws&#95;default<\/code> \| the source's stands there now: the target's was as Airflow makes it \|[^]*<code>wide<\/code> \| did not land \| <code>host is longer<\/code>/u);
    expect(markdown).toMatch(/^## .*; 2 settings of the target replaced$/mu);
    expect(markdown).toContain('<code>metadata.on-conflict</code>');
  });

  it('point to the side files where there are more than a summary names', () => {
    const file = { key: 'p/1/import/rejected/connection.csv.gz', versionId: 'v', sha256: 'a'.repeat(64), bytes: 1 };
    expect(said({ settled: [row('one', 'kept')], settledRows: 201, rejectedFile: file })).toMatch(/\(201\)[^]*and 200 more: all names stand in <code>p&#47;1&#47;import&#47;rejected&#47;connection.csv.gz<\/code>/u);
  });

  it('are hostile text', () => expect(said({ settled: [row('<img src=x>|`\n| @all', 'kept')] })).not.toMatch(/<img|x>\|`|\n\| @all/u));

  it('take no room where there are none', () => {
    expect(said({ settled: [] })).not.toContain('Settings that the target had too');
    expect(said({})).not.toMatch(/replaced$/mu);
  });
});

it.each([
  [{ variables: 'keep', connections: 'keep', pools: 'keep' }, /^variables, connections, pools: the target's stay, and each that differs is listed$/u],
  [{ variables: 'replace', connections: 'keep', pools: 'replace' }, /^connections: the target's stay[^;]*; variables, pools: the source's are written over the target's$/u],
] as const)('says in words what %j means', (onConflict, words) => expect(onConflictInWords(onConflict)).toMatch(words));

describe('settings of the source that later releases do not allow', () => {
  const facts = { environment: 'analytics', scope: 'f'.repeat(64), preflight: { pausedDags: 0, importErrors: 0 }, targetSeen: undefined, active: [], drained: undefined, planChanges: [], now: '2026-11-22T12:00:00Z' };
  const exported = (given: object) => renderMarkdown(exportReport({ ...facts, manifest: aManifest({ mode: 'rehearsal', tables: [{ ...aManifestTable('connection'), ...given }] }) }));

  it('are named by the export, the rehearsal\'s too', () => {
    const markdown = exported({ repeated: ['warehouse (id 7)'], filled: { conn_type: ['old|<b>'] } });
    expect(markdown).toMatch(/### Several rows of one name \(1\)[^]*<code>connection<\/code>: <code>warehouse &#40;id 7&#41;<\/code>/u);
    expect(markdown).toMatch(/### Settings without what the target requires \(1\)[^]*<code>old&#124;&#60;b&#62;<\/code> has no <code>conn&#95;type<\/code>/u);
    expect(exported({})).not.toMatch(/Several rows|Cannot be decrypted|without what the target requires/u);
    expect(exported({ unreadable: ['lost'] })).toMatch(/### Cannot be decrypted on the source \(1\)[^]*<code>connection<\/code>: <code>lost<\/code>/u);
  });
});
