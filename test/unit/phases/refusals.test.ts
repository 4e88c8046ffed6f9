import { describe, expect, it } from '@jest/globals';
import { UserError } from '../../../src/errors.js';
import type { Inputs } from '../../../src/inputs.js';
import { markCleaned } from '../../../src/journal/transitions.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile, anEnvironment, aTargetEnvironment, noneDoubled, HIDDEN_VALUE } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const MIGRATION_BUCKET = 'mwaa-migrate-111122223333-eu-west-1';
const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';
const run = async (world: World, inputs: Partial<Inputs> & Pick<Inputs, 'phase'>, file: MigrationFile = aMigrationFile()) => {
  const phase = phases[inputs.phase];
  if (!phase) throw new Error(inputs.phase);
  return await phase(world.context(inputs, file));
};
const after = async (...given: readonly (Partial<Inputs> & Pick<Inputs, 'phase'>)[]) => {
  const world = new World();
  for (const inputs of given) await run(world, inputs);
  return world;
};
const READY = [{ phase: 'resources' }, { phase: 'create' }] as const;
const EXPORTED = [...READY, { phase: 'export', mode: 'final' }] as const;
const IMPORTED = [...EXPORTED, { phase: 'import' }] as const;

/** Everything but the lock: a refusal that changed something would show. */
const traces = (world: World) => JSON.stringify({ keys: [...world.buckets.keys()].map((name) => [name, world.keys(name)]), dags: [[...world.dags.source], [...world.dags.target]], created: world.createCalls, roles: world.roles.size, journal: world.journalValue });

describe('every phase refuses before it changes anything', () => {
  it.each([
    { phase: 'resources', because: 'what is approved must be what is done' }, { phase: 'create', because: 'same' }, { phase: 'export', because: 'same' }, { phase: 'import', because: 'same' }, { phase: 'cutover', because: 'same' },
  ] as const)('$phase with another plan than the approved one ($because)', async ({ phase }) => {
    const world = await after(...IMPORTED);
    const before = traces(world);
    await expect(run(world, { phase, approvedPlan: '0'.repeat(64) })).rejects.toThrow(/The plan is not the approved one/);
    expect(traces(world)).toBe(before);
  });

  it('and shows what differs when this migration knows the approved plan', async () => {
    const world = await after(...READY);
    const approvedPlan = world.journalValue?.planDigest ?? '';
    world.environments.set('analytics', anEnvironment({ MaxWorkers: 25 }));
    await expect(run(world, { phase: 'export', mode: 'final', approvedPlan })).rejects.toThrow(/environment\.fields\.MaxWorkers: 10 → 25/);
  });

  it.each(['resources', 'create', 'export', 'import', 'verify', 'cutover'] as const)('%s when the migration was cleaned up', async (phase) => {
    const world = await after(...IMPORTED);
    world.journalValue = world.journalValue && markCleaned(world.journalValue);
    const before = traces(world);
    await expect(run(world, { phase })).rejects.toThrow(/has been cleaned up/);
    expect(traces(world)).toBe(before);
  });

  it.each(['resources', 'create', 'export', 'import', 'verify', 'cutover'] as const)('%s when somebody else holds the lock, whom it names', async (phase) => {
    const world = await after(...IMPORTED);
    world.lockedBy = 'https://github.com/o/r/actions/runs/1';
    await expect(run(world, { phase })).rejects.toThrow(/actions\/runs\/1/);
  });

  it.each(['import', 'verify', 'cutover'] as const)('%s of a migration that has not begun', async (phase) => {
    const world = new World();
    await expect(run(world, { phase })).rejects.toThrow(/has not begun/);
    expect(world.buckets.has(MIGRATION_BUCKET)).toBe(false);
  });

  it.each([
    { what: 'a source that does not exist', change: (world: World) => void world.environments.delete('analytics'), says: /There is no environment "analytics" in eu-west-1/ },
    { what: 'a source that is updating', change: (world: World) => void world.environments.set('analytics', anEnvironment({ Status: 'UPDATING' })), says: /UPDATING: an update is under way/ },
    { what: 'a target that could not be created', change: (world: World) => void world.environments.set('analytics-v2', aTargetEnvironment({ Status: 'CREATE_FAILED', LastUpdate: { Status: 'FAILED', Error: { ErrorCode: 'INCORRECT_CONFIGURATION', ErrorMessage: 'no route to S3' } } })), says: /no route to S3[\s\S]*delete the environment/ },
  ])('resources with $what', async ({ change, says }) => {
    const world = new World();
    change(world);
    await expect(run(world, { phase: 'resources' })).rejects.toThrow(says);
    expect(world.buckets.has(MIGRATION_BUCKET)).toBe(false);
  });
});

describe('resources', () => {
  it('leaves our own DAG file behind and writes the constraint line of the target', async () => {
    const world = await after({ phase: 'resources' });
    expect(world.keys('analytics-bucket').filter((key) => key.startsWith('analytics-v2/'))).toEqual(['analytics-v2/dags/lib/tools.py', 'analytics-v2/dags/nightly_load.py', 'analytics-v2/plugins.zip', 'analytics-v2/requirements.txt']);
    expect(world.text('analytics-bucket', 'analytics-v2/requirements.txt')).toBe('--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"\npandas\n');
  });

  it('copies nothing the second time, takes over a change, and removes only what it wrote', async () => {
    const world = await after({ phase: 'resources' });
    const versions = (key: string) => world.objects('analytics-bucket').get(key)?.length ?? 0;
    world.put('analytics-bucket', 'analytics-v2/dags/by_hand.py', 'somebody');
    world.put('analytics-bucket', 'dags/nightly_load.py', 'dag = 2');
    world.objects('analytics-bucket').delete('dags/lib/tools.py');
    const { summary } = await run(world, { phase: 'resources' });
    expect(world.text('analytics-bucket', 'analytics-v2/dags/nightly_load.py')).toBe('dag = 2');
    expect(world.keys('analytics-bucket')).not.toContain('analytics-v2/dags/lib/tools.py');
    expect(world.keys('analytics-bucket')).toContain('analytics-v2/dags/by_hand.py');
    expect([versions('analytics-v2/plugins.zip'), versions('analytics-v2/requirements.txt')]).toEqual([1, 1]);
    expect(summary).toMatch(/by&#95;hand\.py/);
  });

  it('ends red for an empty DAG folder', async () => {
    const world = new World();
    for (const key of world.keys('analytics-bucket')) if (/^dags\/(lib|night)/.test(key)) world.objects('analytics-bucket').delete(key);
    await expect(run(world, { phase: 'resources' })).rejects.toThrow(/no DAG file below s3:\/\/analytics-bucket\/dags\//);
  });
});

describe('create', () => {
  it('waits through every passing state and says so', async () => {
    const world = await after({ phase: 'resources' });
    world.states = ['CREATING', 'CREATING', 'PENDING', 'MAINTENANCE', 'AVAILABLE'];
    const result = await run(world, { phase: 'create' });
    expect(result.outputs).toMatchObject({ 'target-environment': 'analytics-v2', 'target-webserver-url': 'new.airflow.example' });
    expect(world.lines.join('\n')).toMatch(/PENDING.*VPC endpoints/);
  });

  it('ends with the command to go on when the time is up, and goes on without a second environment', async () => {
    const world = await after({ phase: 'resources' });
    world.states = Array.from({ length: 400 }, () => 'CREATING');
    await expect(run(world, { phase: 'create', timeoutMinutes: 5 })).rejects.toThrow(/still CREATING after 5 minutes[\s\S]*run phase create again/);
    world.states = ['CREATING', 'AVAILABLE'];
    await run(world, { phase: 'create' });
    expect(world.createCalls).toBe(1);
  });

  it.each(['CREATE_FAILED', 'DELETING', 'UNAVAILABLE'])('ends red in state %s', async (status) => {
    const world = await after({ phase: 'resources' });
    world.states = ['CREATING', status];
    await expect(run(world, { phase: 'create' })).rejects.toThrow(new RegExp(`analytics-v2 is ${status}`));
  });

  it('pins the versions that resources wrote, and sends what is hidden without showing it', async () => {
    const world = await after(...READY);
    const target = world.environments.get('analytics-v2');
    expect(target).toMatchObject({ RequirementsS3Path: 'analytics-v2/requirements.txt', PluginsS3ObjectVersion: world.objects('analytics-bucket').get('analytics-v2/plugins.zip')?.at(-1)?.id });
    expect(target?.AirflowConfigurationOptions?.['secrets.backend_kwargs']).toBe(HIDDEN_VALUE);
  });

  it('compares an environment that somebody else made, and creates nothing', async () => {
    const file = aMigrationFile({ target: { create: 'external' } });
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment({ MaxWorkers: 3 }));
    const { summary } = await run(world, { phase: 'create' }, file);
    expect(world.createCalls).toBe(0);
    expect(summary).toMatch(/MaxWorkers/);
  });

  it('refuses an environment that reads its DAGs from another place than they were copied to', async () => {
    const world = await after(...READY);
    const there = world.environments.get('analytics-v2');
    if (!there) throw new Error('create made no environment');
    world.environments.set('analytics-v2', { ...there, DagS3Path: 'somebody-elses/dags' });
    await expect(run(world, { phase: 'create' })).rejects.toThrow(/reads its DAGs from another place[\s\S]*DagS3Path[\s\S]*target\.prefix/);
  });

  it('refuses to create before resources are copied', async () => {
    const world = new World();
    const before = traces(world);
    await expect(run(world, { phase: 'create' })).rejects.toThrow(/Phase resources has not finished/);
    expect(traces(world)).toBe(before);
  });
});

describe('export', () => {
  it('pauses nothing and writes no secret in a rehearsal', async () => {
    const world = await after(...READY, { phase: 'export', mode: 'rehearsal' });
    expect([...world.dags.source.values()]).toEqual([false, false, true]);
    expect(world.keys(MIGRATION_BUCKET).filter((key) => key.includes('variable'))).toEqual([]);
    expect(world.keys(MIGRATION_BUCKET)).not.toContain(`${PREFIX}1/active-dags.json`);
  });

  it('gives rehearsal and final export of one source the same manifest digest', async () => {
    const world = await after(...READY);
    const rehearsal = await run(world, { phase: 'export', mode: 'rehearsal' });
    const final = await run(world, { phase: 'export', mode: 'final' });
    expect(final.outputs['manifest-digest']).toBe(rehearsal.outputs['manifest-digest']);
    expect([rehearsal.outputs.attempt, final.outputs.attempt]).toEqual(['1', '2']);
  });

  it('keeps, in a later final export, the DAGs that an earlier one had paused', async () => {
    const world = await after(...EXPORTED, { phase: 'export', mode: 'final' });
    const dags = JSON.parse(world.text(MIGRATION_BUCKET, `${PREFIX}2/active-dags.json`) ?? '{}') as { dags: { dagId: string }[] };
    expect(dags.dags.map(({ dagId }) => dagId)).toEqual(['hourly', 'nightly_load']);
  });

  it('refuses a final export without a target', async () => {
    const world = await after({ phase: 'resources' });
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(/does not exist yet/);
  });

  it('does not count an export as done whose schedules are damaged: the next one begins anew', async () => {
    const world = await after(...READY);
    const context = world.context({ phase: 'export', mode: 'final' });
    const airflow: typeof context.source.airflow = (...given) => {
      const environment = context.source.airflow(...given);
      const damaging: typeof environment.run = async (command, order) => {
        const data = await environment.run(command, order);
        if (command === 'export') for (const [key, versions] of world.objects(MIGRATION_BUCKET)) if (key.endsWith('schedules.json')) versions.splice(0, versions.length, ...versions.map((one) => ({ ...one, body: Buffer.alloc(one.body.length) })));
        return data;
      };
      return { ...environment, run: damaging };
    };
    await expect(phases.export?.({ ...context, source: { ...context.source, airflow } })).rejects.toThrow(/schedules\.json is damaged/);
    expect(world.journalValue?.attempts[0]?.steps.map(({ name }) => name)).toEqual(expect.arrayContaining(['drained', 'voided']));
    expect(world.journalValue?.attempts[0]?.steps.map(({ name }) => name)).not.toContain('exported');
    expect((await run(world, { phase: 'export', mode: 'final' })).outputs.attempt).toBe('2');
  });

  it('refuses a public key of somebody else before anything is paused', async () => {
    const world = await after(...READY);
    world.publicKeys.set('mwaa_migrate_929b91b6_public_key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n');
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(/fingerprint differs/);
    expect(world.dags.source.get('hourly')).toBe(false);
  });

  it.each([
    { leftover: 'abort', active: true, says: /The source was put back: 2 of 2 DAGs are active again/ },
    { leftover: 'resume', active: false, says: /run phase export again to go on/ },
  ] as const)('after a failure behind the pause with leftover $leftover, active again: $active', async ({ leftover, active, says }) => {
    const world = await after(...READY);
    world.answers.failing = { export: new UserError('no disk', 'why', 'fix.') };
    await expect(run(world, { phase: 'export', mode: 'final' }, aMigrationFile({ drain: { leftover } }))).rejects.toThrow(says);
    expect(world.dags.source.get('hourly')).toBe(!active);
    expect(world.dags.source.get('old')).toBe(true);
    world.answers.failing = {};
    const again = await run(world, { phase: 'export', mode: 'final' }, aMigrationFile({ drain: { leftover } }));
    expect(again.outputs.attempt).toBe(active ? '2' : '1');
  });

  it.each([
    { what: 'a missing object', change: (world: World) => { world.answers.manifest = (manifest) => ({ ...manifest, inFlightRef: { ...manifest.inFlightRef, versionId: 'gone' } }); }, says: /1 of \d+ exported objects are missing/ },
    { what: 'another attempt', change: (world: World) => { world.answers.manifest = (manifest) => ({ ...manifest, attempt: 9 }); }, says: /it is of attempt 9, not 1/ },
    { what: 'a table it does not mention', change: (world: World) => { world.answers.manifest = (manifest) => ({ ...manifest, tables: manifest.tables.slice(1) }); }, says: /it says nothing of slot_pool/ },
    { what: 'DAGs that were active at the snapshot', change: (world: World) => { world.answers.manifest = (manifest) => ({ ...manifest, activeDags: 2 }); }, says: /2 DAGs of analytics were active when the export was taken/ },
  ])('gives an attempt up for $what, so that the next export takes the next number', async ({ change, says }) => {
    const world = await after(...READY);
    change(world);
    await expect(run(world, { phase: 'export', mode: 'final' })).rejects.toThrow(says);
    delete world.answers.manifest;
    expect((await run(world, { phase: 'export', mode: 'final' })).outputs.attempt).toBe('2');
  });
});

describe('import', () => {
  it('removes every version of the exported secrets', async () => {
    const world = await after(...EXPORTED);
    expect(world.keys(MIGRATION_BUCKET)).toContain(`${PREFIX}1/export/variable.sealed`);
    await run(world, { phase: 'import' });
    expect(world.keys(MIGRATION_BUCKET).filter((key) => key.includes('variable'))).toEqual([]);
  });

  it('names the columns that the target does not have', async () => {
    const world = await after(...EXPORTED);
    world.answers.import = (data) => ({ ...data, columnsLeft: { task_instance: ['plugin_column'] } });
    expect((await run(world, { phase: 'import' })).summary).toMatch(/Columns that the target does not have[^]*task&#95;instance[^]*plugin&#95;column/);
  });

  it('leaves no secret of an earlier final export either', async () => {
    const world = await after(...EXPORTED, { phase: 'export', mode: 'final' });
    expect(world.keys(MIGRATION_BUCKET).filter((key) => key.endsWith('variable.sealed'))).toEqual([`${PREFIX}1/export/variable.sealed`, `${PREFIX}2/export/variable.sealed`]);
    await run(world, { phase: 'import' });
    expect(world.keys(MIGRATION_BUCKET).filter((key) => key.includes('variable'))).toEqual([]);
  });

  it.each([
    { what: 'a source DAG is active again', change: (world: World) => void world.dags.source.set('hourly', false), says: /1 DAG of analytics is active again: hourly/ },
    { what: 'a run began since the snapshot', change: (world: World) => { world.runsSinceSnapshot = [{ dag_id: 'hourly', dag_run_id: 'manual__x' }]; }, says: /hourly \/ manual__x/ },
    { what: 'a run was triggered in a paused DAG', change: (world: World) => { world.queuedRuns = [{ dag_id: 'hourly', dag_run_id: 'manual__y' }]; }, says: /hourly \/ manual__y/ },
    { what: 'a DAG of the target is active', change: (world: World) => void world.dags.target.set('hourly', false), says: /1 DAG of analytics-v2 is active/ },
    { what: 'the export is not the approved one', change: () => undefined, inputs: { approvedManifest: '1'.repeat(64) }, says: /The export is not what was approved/ },
    { what: 'the attempt is a rehearsal', change: () => undefined, inputs: { attempt: 1 }, says: /Attempt 1 is a rehearsal/ },
    { what: 'there is no such attempt', change: () => undefined, inputs: { attempt: 7 }, says: /There is no attempt 7/ },
  ])('refuses when $what', async ({ change, says, inputs = {} }) => {
    const world = await after(...READY, { phase: 'export', mode: 'rehearsal' }, { phase: 'export', mode: 'final' });
    change(world);
    const before = traces(world);
    await expect(run(world, { phase: 'import', ...inputs })).rejects.toThrow(says);
    expect(traces(world)).toBe(before);
  });

  it('names our own DAG run no change of the source', async () => {
    const world = await after(...EXPORTED);
    world.runsSinceSnapshot = [{ dag_id: 'db_export', dag_run_id: 'export-1-1' }];
    expect((await run(world, { phase: 'import' })).ok).toBe(true);
  });

  it('shows what differs from the approved rehearsal', async () => {
    const world = await after(...READY);
    const { outputs } = await run(world, { phase: 'export', mode: 'rehearsal' });
    world.answers.manifest = (manifest) => ({ ...manifest, tables: manifest.tables.map((table) => (table.name === 'log' ? { ...table, columns: [...table.columns, 'extra'], types: [...table.types, 'text'] } : table)) });
    await run(world, { phase: 'export', mode: 'final' });
    await expect(run(world, { phase: 'import', approvedManifest: outputs['manifest-digest'] })).rejects.toThrow(/tables\[log\]\.columns/);
  });

  it('ends red when the numbers do not add up, and keeps the secrets for a second try', async () => {
    const world = await after(...EXPORTED);
    world.answers.import = (data) => ({ ...data, tables: { ...data.tables, xcom: { ...(data.tables.xcom as NonNullable<typeof data.tables.xcom>), inserted: 1 } } });
    await expect(run(world, { phase: 'import' })).rejects.toThrow(/xcom has 3 rows in the manifest, and import accounts for 1/);
    expect(world.keys(MIGRATION_BUCKET)).toContain(`${PREFIX}1/export/variable.sealed`);
  });
});

describe('verify and cutover', () => {
  it('ends red for rows that are missing, and says which table', async () => {
    const world = await after(...IMPORTED);
    world.answers.verify = (data) => ({ ...data, tables: { ...data.tables, dag_run: { rows: 3, equal: 2, missing: 1, different: 0, rejected: 0, resumed: 0, ...noneDoubled } } });
    const result = await run(world, { phase: 'verify' });
    expect(result).toMatchObject({ ok: false, failure: expect.stringContaining('dag_run: 1 missing') });
  });

  it('activates exactly what was active, canaries first, and leaves the source paused', async () => {
    const world = await after(...IMPORTED);
    const result = await run(world, { phase: 'cutover' }, aMigrationFile({ cutover: { canary: ['nightly_load', 'unknown'] } }));
    expect(result.ok).toBe(true);
    expect([...world.dags.target]).toEqual([['nightly_load', false], ['hourly', false], ['old', true]]);
    expect([...world.dags.source.values()]).toEqual([true, true, true]);
    expect(world.lines.join('\n')).toMatch(/Canary unknown was not active/);
  });

  it('lists a DAG that was left, with the reason, and ends red', async () => {
    const world = await after(...IMPORTED);
    world.answers.left = [{ dagId: 'hourly', reason: 'next interval differs' }];
    const result = await run(world, { phase: 'cutover' });
    expect(result.ok).toBe(false);
    expect(result.summary).toMatch(/next interval differs/);
    expect(world.dags.target.get('hourly')).toBe(true);
  });

  it('refuses to cut over before the import', async () => {
    const world = await after(...EXPORTED);
    await expect(run(world, { phase: 'cutover' })).rejects.toThrow(/has not been imported/);
  });

  it('refuses to cut over while the source is active', async () => {
    const world = await after(...IMPORTED);
    world.dags.source.set('hourly', false);
    await expect(run(world, { phase: 'cutover' })).rejects.toThrow(/active again: hourly/);
    expect(world.dags.target.get('hourly')).toBe(true);
  });

  it('says whatever state the migration is in', async () => {
    const world = new World();
    const seen: string[] = [];
    for (const inputs of [undefined, ...IMPORTED, { phase: 'verify' }, { phase: 'cutover' }] as const) {
      if (inputs) await run(world, inputs);
      seen.push((await run(world, { phase: 'status' })).summary.split('\n')[0]?.split('</code>').at(-1)?.replace(/^: /, '').trim() ?? '');
    }
    expect(seen).toEqual(['has not begun', 'resources are copied', 'the target is ready', ...['exported, the source is paused', 'imported, both sides paused', 'verified, both sides paused'].map((stand) => `${stand}; no DAG is active on either side now`), 'cut over']);
  });
});

describe('status', () => {
  it('refuses an attempt that the journal does not know, and shows the one that was asked for', async () => {
    const world = await after(...IMPORTED);
    await expect(run(world, { phase: 'status', attempt: 9 })).rejects.toThrow(/no attempt 9 .*knows 1/su);
    expect((await run(world, { phase: 'status', attempt: 1 })).outputs.attempt).toBe('1');
  });

  it('shows the journal of a migration whose environments cannot be asked', async () => {
    const world = await after(...IMPORTED);
    world.deniedPaths.add('/dags');
    expect((await run(world, { phase: 'status' })).summary).toContain('source: not known, it cannot be asked');
  });
});

describe('a dry run', () => {
  it.each([
    { of: { phase: 'resources' }, before: [] }, { of: { phase: 'create' }, before: [{ phase: 'resources' }] }, { of: { phase: 'export', mode: 'rehearsal' }, before: READY }, { of: { phase: 'export', mode: 'final' }, before: READY },
    { of: { phase: 'import' }, before: EXPORTED }, { of: { phase: 'verify' }, before: IMPORTED }, { of: { phase: 'cutover' }, before: IMPORTED },
  ] as const)('of $of.phase $of.mode says what it would do and changes nothing', async ({ of, before }) => {
    const world = await after(...before);
    const state = traces(world);
    const { summary } = await run(world, { ...of, dryRun: true });
    expect(summary).toMatch(/Dry run/);
    expect(traces(world)).toBe(state);
    expect(world.lockedBy).toBeUndefined();
  });
});

it('shows no hidden value of an option in any output, summary, line or stored object', async () => {
  const world = new World();
  const shown: unknown[] = [];
  for (const inputs of [{ phase: 'plan' }, ...READY, { phase: 'export', mode: 'rehearsal' }, { phase: 'export', mode: 'final' }, { phase: 'import' }, { phase: 'verify' }, { phase: 'cutover' }, { phase: 'status' }] as const) shown.push(await run(world, inputs));
  shown.push(await run(world, { phase: 'create', dryRun: true }));
  const stored = world.keys(MIGRATION_BUCKET).map((key) => world.text(MIGRATION_BUCKET, key));
  expect(JSON.stringify([shown, world.lines, stored, world.journalValue])).not.toContain('canary-7f3a');
  expect(JSON.stringify(shown)).toContain('hidden');
});

