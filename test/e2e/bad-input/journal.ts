/** A migration that has begun: steps out of order, a lock, approvals and damaged exports. The last rows: they leave a migration bucket behind. */
import { createHash } from 'node:crypto';
import { aManifest, aManifestTable } from '../../builders/values.js';
import type { Journal } from '../../../src/journal/journal.js';
import { renderJournal } from '../../../src/journal/parse.js';
import { beginAttempt, markCleaned, newJournal, rememberStep, withLock, withManifest } from '../../../src/journal/transitions.js';
import { TABLES } from '../../../src/metadata/catalogue.js';
import { scopeDigest, scopeOf } from '../../../src/metadata/scope.js';
import { query } from '../oracle/query.js';
import { until } from '../support/patience.js';
import { ACCOUNT, type MigrationWorld, REGION, SOURCE, TARGET } from '../support/world.js';
import type { Row } from './row.js';

const BUCKET = `mwaa-migration-${ACCOUNT}-${REGION}`;
const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';
const OTHER_RUN = 'https://github.com/acme/airflow/actions/runs/776/attempts/1';
const begun = (): Journal => newJournal({ migrationId: 'analytics-to-analytics-v2', source: { environment: SOURCE, region: REGION, airflowVersion: '2.7.2' }, target: { environment: TARGET, region: REGION, airflowVersion: '2.10.3' } });

const write = (world: MigrationWorld, name: string, body: string) => {
  const { s3 } = world.sandbox;
  if (!s3.describeBucket(BUCKET)) s3.makeBucket({ name: BUCKET, account: ACCOUNT, region: REGION, versioning: true });
  return s3.putObject(BUCKET, PREFIX + name, body);
};
const withJournal = (make: (world: MigrationWorld) => Journal | Promise<Journal>): NonNullable<Row['prepare']> => async (world) => {
  await write(world, 'journal.json', renderJournal(await make(world)));
  return undefined;
};

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A finished final export. `spoil` changes an object after its place in the manifest is fixed. */
async function exported(world: MigrationWorld, { isDamaged = false, isTruncated = false } = {}): Promise<Journal> {
  const ref = async (name: string, body: string, lies = body) => {
    const { versionId } = await write(world, name, lies);
    return { key: PREFIX + name, versionId, sha256: sha256(body), bytes: body.length };
  };
  const tables = await Promise.all(TABLES.filter(({ secret }) => !secret).map(async ({ name }, at) => {
    const part = await ref(`1/export/${name}.csv.gz`, 'ten bytes.', isTruncated && at === 0 ? 'ten' : 'ten bytes.');
    return aManifestTable(name, { rows: 0, bytes: 10, parts: [{ ...part, rows: 0 }] });
  }));
  const secrets = TABLES.filter(({ secret }) => secret).map(({ name }) => ({ table: name, reason: 'not asked for' }));
  const manifest = aManifest({ snapshotAt: new Date().toISOString(), envelope: null, tables, notMoved: secrets, inFlightRef: await ref('1/in-flight.json', '[]'), checksumsRef: await ref('1/export/checksums.jsonl.gz', '{}') });
  const text = JSON.stringify(manifest);
  const manifestRef = await ref('1/export/manifest.json', text, isDamaged ? text.replace('"attempt":1', '"attempt":2') : text);
  const attempt = rememberStep(beginAttempt(begun(), 'final', new Date()), 1, { name: 'exported', at: new Date().toISOString(), by: OTHER_RUN });
  return withManifest(attempt, 1, { ...manifestRef, scope: scopeDigest(scopeOf(manifest, TABLES)) });
}

/** As if somebody had switched a DAG on in the UI. */
const activeOn = (name: string): NonNullable<Row['prepare']> => async (world) => {
  await withJournal((other) => exported(other))(world);
  const { databaseUrl } = world.sandbox.environment(name).running;
  // Without a schedule, so that nothing begins to run meanwhile.
  const set = (isPaused: boolean) => query(databaseUrl, `UPDATE dag SET is_paused = ${isPaused} WHERE dag_id = 'manual_reports' RETURNING 1`);
  await until(`manual_reports to be known to ${name}`, async () => (await set(false)).length === 1);
  return async () => void (await set(true));
};

export const JOURNAL: readonly Row[] = [
  {
    // Another target, because the world has one of the ordinary name; no role of the template may look at it.
    name: 'create before resources', phase: 'create', file: { id: 'analytics-to-analytics-v2', target: { environment: 'analytics-v3', 'airflow-version': '2.10.3' } }, prepare: withJournal(begun),
    inputs: { 'source-role': '', 'target-role': '' }, late: ({ sandbox }) => ({ more: { env: sandbox.env({ as: `arn:aws:iam::${ACCOUNT}:root` }) } }),
    what: ['Phase resources has not finished'], why: ['which versions'], fix: ['run phase resources first'],
  },
  {
    name: 'import before a final export', phase: 'import', prepare: withJournal(() => beginAttempt(begun(), 'rehearsal', new Date())), calls: 'journal',
    what: ['Migration "analytics-to-analytics-v2" has no final export.'], why: ['a rehearsal pauses nothing and holds no variables, so it cannot be imported'], fix: ['run phase export with mode: final first'],
  },
  {
    name: 'an attempt that does not exist', phase: 'import', inputs: { attempt: '7' }, prepare: withJournal(exported), calls: 'journal',
    what: ['There is no attempt 7 in migration "analytics-to-analytics-v2".'], why: ['there is nothing to work on'], fix: ['leave input attempt empty, or name one of 1'],
  },
  {
    name: 'cutover before import', phase: 'cutover', prepare: withJournal(exported), calls: 'journal',
    what: ['Attempt 1 has not been imported.'], why: ['would run every interval again'], fix: ['run phases import and verify first'],
  },
  {
    name: 'an export that nobody approved', phase: 'import', inputs: { 'approved-manifest': 'c'.repeat(64) }, prepare: withJournal(exported), calls: 'journal',
    what: ['The export is not what was approved: its manifest digest is ', `approved is ${'c'.repeat(64)}`], why: ['no export of this migration has the approved digest'], fix: ['approve its manifest-digest', 'approved-manifest'],
  },
  {
    name: 'a manifest that was changed', phase: 'import', prepare: withJournal((world) => exported(world, { isDamaged: true })), calls: 'journal',
    what: [`s3://${BUCKET}/${PREFIX}1/export/manifest.json is not the manifest that was exported: its SHA-256 is another one.`], why: ['somebody changed it'], fix: ['run phase export again'],
  },
  {
    name: 'a table file that is cut short', phase: 'import', prepare: withJournal((world) => exported(world, { isTruncated: true })), calls: 'journal',
    what: ['exported objects are missing or of another size: ', `${PREFIX}1/export/`], why: ['not what lies in the bucket'], fix: ['run phase export again'],
  },
  {
    name: 'a target that is UPDATING', phase: 'import', calls: 'journal',
    prepare: async (world) => {
      await withJournal(exported)(world);
      world.sandbox.control.holdStatus(TARGET, 'UPDATING');
      return () => world.sandbox.control.releaseStatus(TARGET);
    },
    what: ['Target analytics-v2 is UPDATING: an update is under way'], why: ['phase import works inside it'], fix: ['wait until it is AVAILABLE, then run phase import again'],
  },
  {
    name: 'a source that was switched on again', phase: 'import', prepare: activeOn(SOURCE), calls: 'journal',
    what: ['1 DAG of analytics is active again: manual_reports.'], why: ['missing on the target, or run on both sides'], fix: ['run phase export with mode: final again, then import'],
  },
  {
    name: 'a target on which DAGs run', phase: 'import', prepare: activeOn(TARGET), calls: 'journal',
    what: ['1 DAG of analytics-v2 is active: manual_reports.'], why: ['would run while their history arrives'], fix: ['core.dags_are_paused_at_creation', 'is_paused_upon_creation=False'],
  },
  ...(['resources', 'cutover'] as const).map((phase): Row => ({
    name: `a second runner (${phase})`, phase,
    prepare: withJournal(async (world) => withLock(await exported(world), { owner: OTHER_RUN, token: 'held', since: new Date().toISOString(), expiresAt: new Date(Date.now() + 120_000).toISOString() })),
    what: [`Another runner works on this migration: ${OTHER_RUN}.`], why: ['it holds the lock of s3://', 'its lease ends at'], fix: ['wait until that run has ended, or cancel it', 'Then run the phase again'],
  })),
  {
    name: 'a migration that was cleaned up', phase: 'import', prepare: withJournal(() => markCleaned(begun())),
    what: ['Migration "analytics-to-analytics-v2" has been cleaned up.'], why: ['are gone'], fix: ['choose a new "id"'],
  },
  {
    name: 'a journal of a newer release', phase: 'status', prepare: withJournal(() => ({ ...begun(), schema: 9 as 1 })),
    what: [`s3://${BUCKET}/${PREFIX}journal.json has journal schema 9; this release reads up to 1.`], why: ['a newer release'], fix: ['pin that release'],
  },
  {
    name: 'a journal that was cut short', phase: 'import',
    prepare: async (world) => {
      await write(world, 'journal.json', renderJournal(begun()).slice(0, 80));
      return undefined;
    },
    what: [`s3://${BUCKET}/${PREFIX}journal.json is not valid JSON`], why: ['nobody can tell what the migration has already done'], fix: ['restore the newest whole version of this object'],
  },
];
