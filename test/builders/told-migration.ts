/** A migration that has gone all the way, as journal, manifest, plan and verification tell it: for pages and summaries. */
import type { Journal, Step } from '../../src/journal/journal.js';
import type { Manifest } from '../../src/metadata/manifest.js';
import type { Story } from '../../src/report/story-sections.js';
import { aManifest, aManifestTable, anInFlightRun } from './values.js';

const RUN = 'https://github.com/acme/data-platform/actions/runs/9871/attempts/1';
const SCOPE = 'a3f1c5d2'.repeat(8), PLAN = '7be08d14'.repeat(8);

const ROWS: readonly (readonly [name: string, rows: number, bytes: number, seconds: number, leftOut?: Readonly<Record<string, number>>, rejected?: Readonly<Record<string, number>>])[] = [
  ['dag_run', 48_211, 1_204_511, 2.1, { 'row of mwaa-migrate itself': 2 }],
  ['task_instance', 1_204_377, 38_771_204, 11.4, { 'its DAG run is gone': 14 }],
  ['task_fail', 9_120, 244_801, 0.6], ['xcom', 311_046, 9_412_377, 4.2], ['rendered_task_instance_fields', 6_270, 2_870_004, 1.1],
  ['log', 402_117, 7_911_210, 3.9, { 'beyond the filter': 2_214_790 }], ['slot_pool', 12, 402, 0.1], ['variable', 96, 20_144, 0.4],
  ['dag_run_note', 31, 2_011, 0.1, {}, { 'the target has a different row of the same dag_id, run_id': 3 }],
];

export function toldManifest(given: Partial<Manifest> = {}): Manifest {
  return aManifest({
    migrationId: 'analytics-2026', attempt: 2, mode: 'final', snapshotAt: '2026-11-22T13:09:40Z', source: { airflowVersion: '2.4.3', alembicHead: 'e07f49787c9d', databaseVersion: '13.10' },
    tables: ROWS.map(([name, rows, bytes, seconds, leftOut = {}]) => aManifestTable(name, { rows, bytes, seconds, leftOut })),
    notMoved: [{ table: 'dag_code', reason: 'the target fills it itself', rows: 214 }],
    inFlight: [anInFlightRun('billing.invoices', 'scheduled__2026-11-22T12:00:00+00:00'), anInFlightRun('crm_sync', 'manual__2026-11-22T12:44:10+00:00', { fate: 'backfill' })], ...given,
  });
}

const step = (name: string, time: string, data?: Step['data']): Step => ({ name, at: `2026-11-22T${time}Z`, by: RUN, ...(data ? { data } : {}) });
const importedTables = Object.fromEntries(ROWS.map(([name, rows, , seconds, , reasons = {}]) => {
  const rejected = Object.values(reasons).reduce((sum, one) => sum + one, 0);
  return [name, { rows, inserted: rows - rejected, alreadyThere: 0, rejected, reasons, rejectedFile: null, seconds }];
}));

/** @param steps names of the final export's steps that are left away, from the end on */
export function toldJournal(withoutSteps: readonly string[] = []): Journal {
  const steps = [
    step('started', '13:02:11', { startedBy: ['jane'] }), step('made-from', '13:02:12', { from: 1 }), step('active-dags', '13:02:31', { count: 168 }), step('drain-begun', '13:02:32'),
    step('drained', '13:09:14', { paused: 168, leftover: 2, ended: 1, waitedSeconds: 402 }), step('exported', '13:10:21', { scope: SCOPE, rows: 1_981_280 }), step('import-begun', '13:12:02'),
    step('imported', '13:13:20', { tables: importedTables, parkedRuns: 2, replacedRuns: 0 }), step('secrets-removed', '13:13:22', { versions: 2 }), step('verified', '13:15:31', { isGood: true, problems: 0 }),
    step('activation-begun', '13:17:02'), step('activated', '13:21:47', { activated: 166, alreadyActive: 0, left: [{ dagId: 'reports.weekly', reason: 'its file does not load on the target' }, { dagId: 'old_probe', reason: 'it has no file on the target' }], stopped: null, resumed: 1, notResumed: 1 }),
  ].filter(({ name }) => !withoutSteps.includes(name));
  const side = (environment: string, airflowVersion: string) => ({ environment, region: 'eu-west-1', airflowVersion });
  return {
    schema: 1, migrationId: 'analytics-2026', source: side('analytics', '2.4.3'), target: side('analytics-v2', '2.10.3'), planDigest: PLAN, lock: undefined, cleaned: false,
    finished: [{ phase: 'resources', at: '2026-11-22T11:31:00Z', by: RUN }, { phase: 'create', at: '2026-11-22T12:02:40Z', by: RUN }],
    attempts: [
      {
        number: 1, mode: 'rehearsal', startedAt: '2026-11-22T12:04:00Z', manifest: { key: 'p/1/export/manifest.json', versionId: 'v', sha256: 'c'.repeat(64), bytes: 10, scope: SCOPE },
        steps: [step('started', '12:04:01', { startedBy: ['jane'] }), step('exported', '12:06:12', { scope: SCOPE, rows: 1_979_004 }), step('approved', '12:58:03', { by: ['omar', 'li'], how: 'environment', environment: 'migration-production', planDigest: PLAN, scope: SCOPE })],
      },
      { number: 2, mode: 'final', startedAt: '2026-11-22T13:02:10Z', steps, ...(withoutSteps.includes('exported') ? {} : { manifest: { key: 'p/2/export/manifest.json', versionId: 'v', sha256: 'd'.repeat(64), bytes: 10, scope: SCOPE } }) },
    ],
  };
}

export const toldStory = (given: Partial<Story> = {}): Story => ({
  journal: toldJournal(), manifest: toldManifest(), missing: [],
  plan: {
    decisions: { environment: { create: 'mwaa-migrate', region: 'eu-west-1', account: '111122223333', fields: { EnvironmentClass: 'mw1.medium', AirflowConfigurationOptions: { 'core.max_active_tasks_per_dag': '32', 'database.sql_alchemy_pool_size': '10', 'smtp.smtp_password': '(hidden)' } } } },
    basis: { source: { arn: 'arn:aws:airflow:eu-west-1:111122223333:environment/analytics', airflowVersion: '2.4.3', options: { 'core.dag_concurrency': '24', 'core.sql_alchemy_pool_size': '10', 'smtp.smtp_password': '(hidden)' }, objects: { plugins: undefined, requirements: undefined, startupScript: undefined } } },
  },
  verified: { attempt: 2, at: '2026-11-22T13:15:31Z', problems: [], tables: new Map(ROWS.map(([name, rows, , , , reasons = {}]) => [name, { equal: rows - Object.values(reasons).reduce((sum, one) => sum + one, 0), missing: 0, different: 0 }])) },
  ...given,
});

/** toJSON(needs) of the last job. @param results of those that did not end well */
export function toldNeeds(results: Readonly<Record<string, string>> = {}, planned: readonly string[] = PLANNED): string {
  const all = ['start', 'check', 'plan', 'resources', 'create', 'pause-first', 'rehearse', 'ask', 'gate', 'watch', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover', 'watch-rollback', 'cutover-watch-rollback', 'rollback'];
  return JSON.stringify(Object.fromEntries(all.map((id) => [id, { result: results[id] ?? (id === 'start' || planned.includes(id) ? 'success' : 'skipped'), outputs: id === 'start' ? { jobs: JSON.stringify(planned) } : {} }])));
}
export const PLANNED: readonly string[] = ['check', 'plan', 'resources', 'create', 'rehearse', 'ask', 'gate', 'export', 'import', 'verify', 'cutover'];
