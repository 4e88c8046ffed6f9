import { describe, expect, it } from '@jest/globals';
import { buildPlan } from '../../../src/plan/build.js';
import { NOTHING_SEEN, type Seen } from '../../../src/plan/observations.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole, aTargetEnvironment, HIDDEN_VALUE } from '../../builders/values.js';

type Given = Readonly<{ source?: Readonly<Record<string, unknown>>; target?: NonNullable<Parameters<typeof aMigrationFile>[0]>['target']; file?: Parameters<typeof aMigrationFile>[0]; seen?: Partial<Seen>; requirements?: string; isThere?: boolean }>;
const planOf = ({ source, target, file, seen, requirements, isThere }: Given) => buildPlan({
  file: aMigrationFile({ ...file, ...(target ? { target } : {}) }), source: anEnvironment(source), target: isThere ? aTargetEnvironment() : undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: { ...NOTHING_SEEN, ...seen }, requirements,
});
const overrides = (environmentOverrides: Readonly<Record<string, unknown>>): Given => ({ target: { environmentOverrides } });
const options = (AirflowConfigurationOptions: Readonly<Record<string, string>>): Given => ({ source: { AirflowConfigurationOptions } });
const bucket = (given: Readonly<Record<string, unknown>>): Given => ({ seen: { buckets: [{ name: 'analytics-bucket', exists: true, isVersioned: true, isClosedToPublic: true, ...given }] } });
const plugins = (isNewest: boolean) => ({ plugins: { path: 'plugins.zip', versionId: 'v1', bytes: 10, modified: '2026-01-02T00:00:00.000Z', isNewest }, requirements: undefined, startupScript: undefined });

describe('what MWAA would refuse', () => {
  it.each<Given & { code: string }>([
    { code: 'workers-contradict', ...overrides({ MinWorkers: 5, MaxWorkers: 2 }) },
    { code: 'webservers-contradict', ...overrides({ MinWebservers: 5, MaxWebservers: 2 }) },
    { code: 'schedulers-out-of-range', ...overrides({ Schedulers: 6 }) },
    { code: 'schedulers-out-of-range', ...overrides({ Schedulers: 1, EnvironmentClass: 'mw1.small' }) },
    { code: 'schedulers-out-of-range', ...overrides({ Schedulers: 2, EnvironmentClass: 'mw1.micro' }) },
    { code: 'access-mode-not-there', ...overrides({ WebserverAccessMode: 'PUBLIC_AND_PRIVATE' }) },
    { code: 'option-not-accepted', ...options({ 'core.parallelism': '32\n' }) },
    { code: 'option-not-accepted', ...options({ [`core.${'x'.repeat(60)}`]: '1' }) },
    { code: 'bucket-missing', ...bucket({ exists: false }) },
    { code: 'bucket-not-versioned', ...bucket({ isVersioned: false }) },
    { code: 'bucket-open', ...bucket({ isClosedToPublic: false }) },
    { code: 'environment-key-unusable', seen: { key: { arn: 'arn:aws:kms:eu-west-1:111122223333:key/k', state: 'not usable' } } },
  ])('$code', ({ code, ...given }) => expect(planOf(given).blockers.map((one) => one.code)).toEqual([code]));

  it('is nothing where it could not be looked at, nor of an environment that is there already', () => {
    expect(planOf(bucket({ exists: undefined, isVersioned: undefined, isClosedToPublic: undefined })).blockers).toEqual([]);
    expect(planOf({ ...overrides({ Schedulers: 6 }), isThere: true }).blockers).toEqual([]);
    expect(planOf({ target: { environmentOverrides: { Schedulers: 6 }, create: 'external' } }).blockers).toEqual([]);
    expect(planOf({ ...overrides({ KmsKey: 'arn:aws:kms:eu-west-1:111122223333:key/other' }), seen: { key: { arn: 'arn:aws:kms:eu-west-1:111122223333:key/k', state: 'not there' } } }).blockers).toEqual([]);
  });

  it('names an option and never its value', () => expect(JSON.stringify(planOf(options({ 'my_plugin.key': `${HIDDEN_VALUE}\u00e9` })))).not.toContain(HIDDEN_VALUE));
});

describe('what a person should know', () => {
  it.each<Given & { code: string }>([
    { code: 'class-unknown', ...overrides({ EnvironmentClass: 'mw1.gigantic' }) },
    { code: 'workers-above-quota', ...overrides({ MaxWorkers: 30 }) },
    { code: 'endpoints-by-you', ...overrides({ EndpointManagement: 'CUSTOMER' }) },
    { code: 'worker-autoscale', source: { EnvironmentClass: 'mw1.medium', AirflowConfigurationOptions: { 'celery.worker_autoscale': '10,10' } }, target: { environmentOverrides: { EnvironmentClass: 'mw1.small' } } },
    { code: 'dags-start-active', ...options({ 'core.dags_are_paused_at_creation': 'False' }) },
    { code: 'secrets-name-source', ...options({ 'secrets.backend_kwargs': '{"variables_prefix": "analytics/variables"}' }) },
    { code: 'source-version-differs', file: { source: { airflowVersion: '2.6.3' } } },
    { code: 'import-errors', seen: { counts: { ...NOTHING_SEEN.counts, importErrors: 2 } } },
    { code: 'object-not-newest', seen: { objects: plugins(false) } },
    { code: 'wheels-for-old-python', seen: { objects: plugins(true) }, target: { airflowVersion: '2.11.2' } },
    { code: 'wheels-for-old-python', requirements: '--find-links /usr/local/airflow/plugins\n', target: { airflowVersion: '2.11.2' } },
    { code: 'repository-differs', seen: { repository: { folder: 'dags', same: 1, unknown: 0, different: ['a.py'], onlyInRepository: [], onlyInBucket: [] } } },
  ])('$code', ({ code, ...given }) => {
    const plan = planOf(given);
    expect(plan.warnings.map((one) => one.code)).toContain(code);
    expect(planOf({}).warnings.map((one) => one.code)).not.toContain(code);
    expect(plan.blockers).toEqual([]);
  });

  it.each(['{"prefix": "analytics-v1/x"}', '{"prefix": "preanalytics/x"}', '{"prefix": "shared"}'])('is not said of a prefix that only resembles the source\'s name: %s', (kwargs) => {
    expect(planOf(options({ 'secrets.backend_kwargs': kwargs })).warnings.map((one) => one.code).includes('secrets-name-source')).toBe(false);
  });

  it('is not said of wheels where Python stays, nor of files that are the same', () => {
    const codes = planOf({ seen: { objects: plugins(true), repository: { folder: 'dags', same: 1, unknown: 2, different: [], onlyInRepository: [], onlyInBucket: [] } }, requirements: 'x-cp311.whl' }).warnings.map((one) => one.code);
    for (const code of ['wheels-for-old-python', 'repository-differs', 'object-not-newest']) expect(codes).not.toContain(code);
  });
});

describe('schedulers of an Airflow 1 source', () => {
  const fields = (given: Given) => planOf(given).decisions.environment.fields;

  it('become two, and the plan says so', () => {
    const plan = planOf({ source: { AirflowVersion: '1.10.12', Schedulers: 1, EnvironmentClass: 'mw1.medium' } });
    expect(plan.decisions.environment.fields.Schedulers).toBe(2);
    expect(plan.changes).toContainEqual({ field: 'Schedulers', source: '1', target: '2', kind: 'changed' });
    expect(plan.warnings.map(({ code }) => code)).toContain('schedulers-raised');
    expect(plan.blockers).toEqual([]);
  });

  it('stay where the class has one, or the file says how many', () => {
    expect(fields({ source: { Schedulers: 1, EnvironmentClass: 'mw1.micro' } }).Schedulers).toBe(1);
    expect(fields({ source: { Schedulers: 1, EnvironmentClass: 'mw1.medium' }, target: { environmentOverrides: { Schedulers: 3 } } }).Schedulers).toBe(3);
    expect(fields({ source: { Schedulers: 4, EnvironmentClass: 'mw1.medium' } }).Schedulers).toBe(4);
  });
});
