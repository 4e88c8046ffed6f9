import { afterAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import type { CheckReport } from '../../../src/check/check-report.js';
import { UserError } from '../../../src/errors.js';
import type { Inputs } from '../../../src/inputs.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { createEnvironment } from '../../../src/phases/create.js';
import { planMigration } from '../../../src/phases/plan.js';
import { copyResources } from '../../../src/phases/resources.js';
import { aMigrationFile, anEnvironment, aTargetEnvironment, HIDDEN_VALUE } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../../docs/reference/plan.schema.json', import.meta.url)), 'utf8')) as object;
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);
const folder = mkdtempSync(path.join(os.tmpdir(), 'plan-phase-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Document = Readonly<Record<string, unknown>> & Readonly<{ digest: string; warnings: readonly Readonly<{ code: string }>[]; blockers: readonly unknown[]; observations: Readonly<Record<string, unknown>>; check?: unknown }>;
async function plan(world = new World(), inputs: Partial<Inputs> = {}, file?: MigrationFile) {
  const result = await planMigration(world.context({ phase: 'plan', ...inputs }, file));
  const text = result.document?.text ?? '';
  return { ...result, text, document: JSON.parse(text) as Document };
}
const withOptions = (AirflowConfigurationOptions: Readonly<Record<string, string>>) => {
  const world = new World();
  world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions }));
  return world;
};
const OPTIONS = { 'core.parallelism': '32', 'secrets.backend_kwargs': HIDDEN_VALUE };

describe('plan.json', () => {
  it.each([
    ['of a plain migration', {}, {}], ['over 2.11 to Airflow 3', { target: { airflowVersion: '3.3.1' } }, {}], ['with a target outside', { target: { create: 'external' as const } }, {}],
    ['of a target that exists', {}, { target: aTargetEnvironment() }], ['of an old source', {}, { source: anEnvironment({ AirflowVersion: '1.10.12' }) }],
    ['with a role of its own and filters', { target: { executionRole: 'arn:aws:iam::111122223333:role/x' }, metadata: { historyDays: 30 } }, {}],
  ] as const)('%s follows the published schema', async (_, given, sides) => {
    const world = new World();
    if ('source' in sides) world.environments.set('analytics', sides.source);
    if ('target' in sides) world.environments.set('analytics-v2', sides.target);
    const { document } = await plan(world, {}, aMigrationFile(given));
    expect(validate(document) ? [] : validate.errors).toEqual([]);
  });

  it('is not taken by the schema with a member more or a wrong one', async () => {
    const { document } = await plan();
    expect(validate({ ...document, extra: 1 })).toBe(false);
    expect(validate({ ...document, digest: 'abc' })).toBe(false);
  });

  it('has the same bytes in two runs, sorted and without time', async () => {
    const world = new World();
    const first = await plan(world);
    world.now += 3_600_000;
    expect((await plan(world)).text).toBe(first.text);
    expect((await plan()).text).toBe(first.text);
    const keys = Object.keys(first.document);
    expect(keys).toEqual([...keys].sort());
    expect(first.text).not.toContain(new Date(world.now).toISOString().slice(0, 13));
  });

  it('names the digest that the output has, and holds no hidden value, nor does the summary', async () => {
    const { outputs, document, text, summary, html } = await plan(withOptions(OPTIONS));
    expect(document.digest).toBe(outputs['plan-digest']);
    for (const said of [text, summary, html ?? '']) expect(said).not.toContain(HIDDEN_VALUE);
    expect(text).toContain('(hidden)');
  });
});

describe('the digest of phase plan', () => {
  const digestOf = async (world: World, file?: MigrationFile) => (await plan(world, {}, file)).document.digest;

  it.each([
    { what: '10,000 new rows', change: (world: World) => { world.counts.dagRuns = 10_007; world.counts.taskInstances = 10_007; } },
    { what: 'a paused DAG', change: (world: World) => void world.dags.source.set('nightly_load', true) },
    { what: 'a new DAG file', change: (world: World) => world.put('analytics-bucket', 'dags/new.py', 'x') },
    { what: 'a target that exists by now', change: (world: World) => void world.environments.set('analytics-v2', aTargetEnvironment()) },
    { what: 'a changed hidden value', change: (world: World) => void world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'secrets.backend_kwargs': 'another secret' } })) },
  ])('stays with $what', async ({ what, change }) => {
    const world = withOptions(OPTIONS), before = await plan(world);
    change(world);
    const after = await plan(world);
    expect(after.document.digest).toBe(before.document.digest);
    // It was seen all the same; only a hidden value is nowhere.
    if (what.includes('hidden')) expect(after.text).toBe(before.text);
    else expect(after.text).not.toBe(before.text);
  });

  it('changes with one shown option, and the refusal of what follows names it', async () => {
    const world = withOptions(OPTIONS), approvedPlan = await digestOf(world);
    await copyResources(world.context({ phase: 'resources', approvedPlan }));
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'core.parallelism': '64' } }));
    expect(await digestOf(world)).not.toBe(approvedPlan);
    await expect(createEnvironment(world.context({ phase: 'create', approvedPlan }))).rejects.toThrow(/The plan is not the approved one[^]*AirflowConfigurationOptions\.core\.parallelism: "32" → "64"/u);
  });

  it.each([
    { what: 'named by the first changing phase too, where plan.json lies on its runner', file: (text: string) => text, says: /core\.parallelism: "32" → "64"/u },
    { what: 'only said to be another where there is no file', file: () => undefined, says: /approved is [0-9a-f]{64}\.\n[^]*Where its plan\.json lies/u },
    { what: 'only said to be another where the file is another plan\'s', file: (text: string) => text.replace('"32"', '"16"'), says: /approved is [0-9a-f]{64}\.\n {2}Why:/u },
    { what: 'only said to be another where the file is nonsense', file: () => 'null', says: /approved is [0-9a-f]{64}\.\n {2}Why:/u },
  ])('is $what', async ({ file, says }) => {
    const world = withOptions(OPTIONS), { document, text } = await plan(world);
    world.planFile = file(text);
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'core.parallelism': '64' } }));
    await expect(copyResources(world.context({ phase: 'resources', approvedPlan: document.digest }))).rejects.toThrow(says);
    expect(world.journalValue).toBeUndefined();
  });

  it('stays with a changed hidden value, create carries the value of that moment, and its summary says so', async () => {
    const world = withOptions(OPTIONS), approvedPlan = await digestOf(world);
    await copyResources(world.context({ phase: 'resources', approvedPlan }));
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'secrets.backend_kwargs': 'the value of this moment' } }));
    const { summary } = await createEnvironment(world.context({ phase: 'create', approvedPlan }));
    expect(world.environments.get('analytics-v2')?.AirflowConfigurationOptions).toMatchObject({ 'secrets.backend_kwargs': 'the value of this moment' });
    expect(summary).toMatch(/Hidden values \(1\)[^]*as the source has it now[^]*secrets\.backend&#95;kwargs/u);
    expect(summary).not.toContain('the value of this moment');
  });
});

describe('what phase check found', () => {
  const report = (given: Partial<CheckReport> = {}): string => {
    const file = path.join(folder, 'check.json');
    const value: CheckReport = {
      schema: 1, migrationId: 'analytics-to-analytics-v2', versions: { source: '2.7.2', target: '2.10.3', python: '3.11' }, counts: { dagFiles: 2, dags: 2, requirements: 1, plugins: 0 },
      findings: [{ code: 'import-removed', level: 'error', file: 'dags/a.py', line: 3, dagId: undefined, what: 'airflow.operators.x is gone', why: undefined, fix: undefined, replacement: undefined }], dags: [], notChecked: [], ...given,
    };
    writeFileSync(file, JSON.stringify(value));
    return file;
  };

  it('stands in the plan\'s report; errors are a warning of the plan and leave its digest', async () => {
    const without = await plan(), { document, summary, ok } = await plan(new World(), { checkReport: report() });
    expect(ok).toBe(true);
    expect(document.check).toEqual({ airflowVersion: '2.10.3', errors: 1, warnings: 0, notices: 0, dagFiles: 2, dags: 2, notChecked: 0 });
    expect(document.digest).toBe(without.document.digest);
    expect(document.warnings.map(({ code }) => code)).toContain('check-errors');
    expect(summary.split('\n')[0]).toMatch(/^## ⚠️ 0 things block, 1 thing in the DAGs will not work/u);
    expect(summary).toMatch(/Will not work on the target[^]*airflow\.operators\.x is gone/u);
    expect(validate(document)).toBe(true);
  });

  it('is missed where there is none: the plan says so first', async () => {
    const { document, summary } = await plan();
    expect(document).not.toHaveProperty('check');
    expect(document.warnings.map(({ code }) => code)).toContain('dags-not-checked');
    expect(summary.split('\n')[0]).toContain('DAGs were not checked');
  });

  it.each([
    ['of another migration', { migrationId: 'other' }, 'check-of-another'],
    ['for another version', { versions: { source: '2.7.2', target: '2.9.2', python: '3.11' } }, 'check-of-another-version'],
  ])('%s is said to be so', async (_, given, code) => expect((await plan(new World(), { checkReport: report(given) })).document.warnings.map((one) => one.code)).toContain(code));

  it.each([
    ['no report', '{"schema":1}', /is no report of phase check/u], ['no JSON', 'hello', /is no JSON/u], ['of a newer release', '{"schema":2}', /schema 2/u], ['absent', undefined, /there is no file/u],
  ])('is refused when it is %s: the plan is made without it, and says so', async (_, text, why) => {
    const file = path.join(folder, 'forged.json'), world = new World();
    rmSync(file, { force: true });
    if (text !== undefined) writeFileSync(file, text);
    const { document, summary, ok } = await plan(world, { checkReport: file });
    expect([ok, document.warnings.map(({ code }) => code)]).toEqual([true, expect.arrayContaining(['check-refused'])]);
    expect(document).not.toHaveProperty('check');
    expect(summary.split('\n')[0]).toContain('DAGs were not checked');
    expect(summary).not.toContain('forged.json');
    expect(world.lines.filter((line) => line.includes('forged.json'))).toEqual([expect.stringMatching(why)]);
  });
});

describe('what phase plan looks at', () => {
  const seenIn = async (world: World, file?: MigrationFile) => (await plan(world, {}, file)).document.observations as Readonly<{ counts: object; objects: Readonly<Record<string, unknown>>; buckets: readonly unknown[]; key?: unknown; repository?: unknown; missingFolder?: string; dagFiles?: number }>;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');

  it('is the version that the source runs on, also where a newer one lies there', async () => {
    const world = new World();
    world.put('analytics-bucket', 'requirements.txt', 'pandas==2.2\n', 'requirements-2');
    const { objects } = await seenIn(world);
    expect(objects).toEqual({
      plugins: { path: 'plugins.zip', versionId: 'plugins-1', bytes: 3, modified: '1970-01-01T00:00:00.000Z', isNewest: true },
      requirements: { path: 'requirements.txt', versionId: 'requirements-1', bytes: 7, modified: '1970-01-01T00:00:00.000Z', isNewest: false },
    });
  });

  it('is the bucket of the source and, where it is another, that of the target', async () => {
    expect((await seenIn(new World())).buckets).toEqual([{ name: 'analytics-bucket', exists: true, isVersioned: true, isClosedToPublic: true }]);
    const world = new World(), { document, ok } = await plan(world, {}, aMigrationFile({ target: { bucket: 'not-made-yet' } }));
    expect([ok, (document.blockers as readonly Readonly<{ code: string }>[]).map(({ code }) => code)]).toEqual([false, ['bucket-missing']]);
  });

  it('is the repository beside the bucket, our own DAG file left out', async () => {
    const world = new World();
    world.repository = [{ path: 'nightly_load.py', bytes: 7, md5: md5('dag = 1') }, { path: 'lib/tools.py', bytes: 9, md5: md5('tools = 2') }, { path: 'new.py', bytes: 1, md5: md5('x') }];
    const { repository, dagFiles, missingFolder } = await seenIn(world);
    expect(repository).toEqual({ folder: 'dags', same: 1, unknown: 0, different: ['lib/tools.py'], onlyInRepository: ['new.py'], onlyInBucket: [] });
    expect([dagFiles, missingFolder]).toEqual([2, undefined]);
    const { document, summary } = await plan(world);
    expect(document.warnings.map(({ code }) => code)).toContain('repository-differs');
    expect(summary).toMatch(/DAG files of the repository: 1 as in the bucket, 2 not[^]*lib&#47;tools\.py|lib\/tools\.py/u);
  });

  it('is said to be missing where the repository has no such folder', async () => {
    const { missingFolder } = await seenIn(new World(), aMigrationFile({ resources: { dags: 'airflow/dags' } }));
    expect(missingFolder).toBe('airflow/dags');
    expect((await plan()).summary).toContain('DAG files of the repository: not compared');
  });

  it('is the source\'s own key, and not AWS\'s', async () => {
    const world = new World();
    expect(await seenIn(world)).not.toHaveProperty('key');
    world.environments.set('analytics', anEnvironment({ KmsKey: 'arn:aws:kms:eu-west-1:111122223333:key/k' }));
    expect((await seenIn(world)).key).toEqual({ arn: 'arn:aws:kms:eu-west-1:111122223333:key/k', state: 'usable' });
  });

  it('is a target that exists, field by field, without a hidden value', async () => {
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment({ MaxWorkers: 3, AirflowConfigurationOptions: { 'core.parallelism': '64', 'secrets.backend_kwargs': 'another secret' } }));
    const { document, summary, text } = await plan(world);
    expect(document['existing']).toEqual(expect.arrayContaining([
      { path: 'MaxWorkers', before: '10', after: '3' }, { path: 'core.parallelism', before: '32', after: '64' }, { path: 'secrets.backend_kwargs', before: '(hidden)', after: '(hidden)' },
    ]));
    expect(summary).toMatch(/The target exists, and is not quite as planned/u);
    expect(text + summary).not.toContain('another secret');
    expect(validate(document) ? [] : validate.errors).toEqual([]);
    expect((await plan()).document).not.toHaveProperty('existing');
  });

  it.each([
    [{}, 'none'], [{ 'secrets.backend': 'airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend' }, 'Secrets Manager'], [{ 'secrets.backend': 'airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend' }, 'Parameter Store'],
    [{ 'secrets.backend': 'team.secrets.Vault' }, 'other'],
  ])('is the secrets backend %j: %s', async (options, kind) => {
    const { document, summary } = await plan(withOptions(options));
    expect(document['secretsBackend']).toBe(kind);
    expect(/Secrets backend/u.test(summary)).toBe(kind !== 'none');
    expect(summary).not.toContain('team.secrets.Vault');
  });

  it('is unknown where the role may not look, and the plan goes on', async () => {
    const world = new World();
    const context = world.context({ phase: 'plan' });
    const refused = () => Promise.reject(new UserError('Access denied: s3:GetBucketVersioning.', 'w', 'f'));
    const source = { ...context.plan.source, buckets: { ...context.plan.source.buckets, look: refused }, airflow: () => { throw new UserError('runs Airflow 2.2.2', 'w', 'f'); } };
    const { document, ok } = await planMigration({ ...context, plan: { ...context.plan, source } as typeof context.plan }).then((result) => ({ ...result, document: JSON.parse(result.document?.text ?? '') as Document }));
    expect(ok).toBe(true);
    expect(document.observations).toMatchObject({ counts: {}, buckets: [{ name: 'analytics-bucket' }] });
    expect(document['estimates']).toEqual({ drainMinutes: { from: 0, to: 90 }, createMinutes: { from: 20, to: 40 } });
    expect(world.lines.join('\n')).toMatch(/Settings of bucket analytics-bucket could not be read: Access denied: s3:GetBucketVersioning\./u);
  });
});
