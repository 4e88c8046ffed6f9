import { describe, expect, it } from '@jest/globals';
import type { ImportedTable } from '../../../src/airflow/protocol.js';
import type { Report } from '../../../src/report/document.js';
import { exportReport } from '../../../src/report/export-report.js';
import { finishReport } from '../../../src/report/finish-report.js';
import { importReport } from '../../../src/report/import-report.js';
import { readJobs } from '../../../src/report/job-results.js';
import { MAX_SUMMARY_BYTES, renderMarkdown } from '../../../src/report/markdown.js';
import { storySections } from '../../../src/report/story-sections.js';
import { withTimeline } from '../../../src/report/timeline.js';
import { toldJournal, toldManifest, toldNeeds, toldStory } from '../../builders/told-migration.js';
import { aManifestTable, anActiveDag, anInFlightRun, importData, preflightData } from '../../builders/values.js';

/** As long as Airflow lets an id be (250), each character of it an escape. */
const id = (at: number): string => `${String(at).padStart(6, '0')}${'<|`@_*['.repeat(34)}`;
const reasons = (count: number): Readonly<Record<string, number>> => Object.fromEntries(Array.from({ length: count }, (_, at) => [`${id(at)} of the target`, at + 1]));
const manifest = toldManifest({
  tables: Array.from({ length: 300 }, (_, at) => aManifestTable(`t_${at}`, { rows: 1000 + at, seconds: 1.5, leftOut: reasons(6) })),
  notMoved: Array.from({ length: 300 }, (_, at) => ({ table: `stays_${at}`, reason: id(at), rows: 3 })),
  inFlight: Array.from({ length: 5000 }, (_, at) => anInFlightRun(id(at), id(at), { fate: 'deferred', deferred: [id(1), id(2)] })),
});
const imported = importData(manifest, { tables: Object.fromEntries(manifest.tables.map(({ name, rows }): [string, ImportedTable] => [name, { rows, inserted: 0, alreadyThere: 0, rejected: rows, reasons: reasons(6), rejectedFile: { key: id(1), versionId: 'v', sha256: 's', bytes: 1 }, seconds: 2 }])), columnsLeft: Object.fromEntries(manifest.tables.map(({ name }) => [name, [id(1), id(2)]])) });
const journal = toldJournal();
const left = Array.from({ length: 5000 }, (_, at) => ({ dagId: id(at), reason: id(at) }));
const many = { ...journal, attempts: Array.from({ length: 500 }, (_, at) => ({ ...journal.attempts[1], number: at + 1, steps: (journal.attempts[1]?.steps ?? []).map((step) => (step.name === 'activated' ? { ...step, data: { left } } : { ...step, by: id(at) })) }) as (typeof journal.attempts)[number]) };
const NOW = '2026-11-22T14:00:00Z';

const REPORTS: readonly (readonly [string, () => Report, string])[] = [
  ['export', () => withTimeline(exportReport({ environment: id(0), manifest, scope: 's', preflight: preflightData(), targetSeen: preflightData({ activeDags: Array.from({ length: 5000 }, (_, at) => anActiveDag(id(at))) }), active: Array.from({ length: 5000 }, (_, at) => anActiveDag(id(at))), drained: { leftover: manifest.inFlight, ended: 3, waitedSeconds: 4 }, planChanges: [], now: NOW }), many, new Date(NOW)), '### Tables'],
  ['import', () => withTimeline(importReport({ environment: id(0), manifest, imported, secretVersions: 2, isRepeated: false }), many, new Date(NOW)), '### Tables'],
  ['the last job', () => finishReport({ id: 'm', source: id(0), jobs: readJobs(toldNeeds()), unknown: undefined, run: undefined, now: NOW, status: { id: 'm', journal: many, location: 's3://b', lock: undefined, now: NOW, more: storySections(toldStory({ journal: many, manifest: { ...manifest, attempt: 500 } })) } }), '### Table by table'],
];

describe('a summary of a very large migration with hostile names', () => {
  it.each(REPORTS)('fits into a job summary and keeps what matters most: %s', (name, make, kept) => {
    const markdown = renderMarkdown(make());
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(MAX_SUMMARY_BYTES);
    // Nothing was cut in the middle: what had to go went by the section, and is named.
    // The last job tells of the newest only, and so need not leave out a section. Not toContain: a failure would print a megabyte.
    expect(['Cut here', kept, '### What to do next', 'Left out of this summary'].map((one) => markdown.includes(one))).toEqual([false, true, true, name !== 'the last job']);
  });
});
