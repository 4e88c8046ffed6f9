import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { UserError } from '../../../src/errors.js';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { planMigration } from '../../../src/phases/plan.js';
import { plan, validatePlan, withOptions, type PlanDocument } from '../../builders/a-plan.js';
import { aMigrationFile, anEnvironment, aTargetEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';

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
    expect([ok, document.blockers.map(({ code }) => code)]).toEqual([false, ['bucket-missing']]);
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
    expect(validatePlan(document) ? [] : validatePlan.errors).toEqual([]);
    expect((await plan()).document).not.toHaveProperty('existing');
  });

  it.each([['mwaa-migrate', true], ['external', false]] as const)('is its role only where %s makes it', async (create, isTold) => {
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment({ ExecutionRoleArn: 'arn:aws:iam::111122223333:role/chosen-by-somebody' }));
    const { document } = await plan(world, {}, aMigrationFile({ target: { create } }));
    expect((document['existing'] as readonly Readonly<{ path: string }>[]).some(({ path }) => path === 'ExecutionRoleArn')).toBe(isTold);
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
    const { document, ok } = await planMigration({ ...context, plan: { ...context.plan, source } as typeof context.plan }).then((result) => ({ ...result, document: JSON.parse(result.document?.text ?? '') as PlanDocument }));
    expect(ok).toBe(true);
    expect(document.observations).toMatchObject({ counts: {}, buckets: [{ name: 'analytics-bucket' }] });
    expect(document['estimates']).toEqual({ drainMinutes: { from: 0, to: 90 }, createMinutes: { from: 20, to: 40 } });
    expect(world.lines.join('\n')).toMatch(/Settings of bucket analytics-bucket could not be read: Access denied: s3:GetBucketVersioning\./u);
  });
});
