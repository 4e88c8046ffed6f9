import { describe, expect, it } from '@jest/globals';
import { buildPlan, type PlanInput } from '../../../src/plan/build.js';
import { NOTHING_SEEN } from '../../../src/plan/observations.js';
import { canonicalJson, digestOf } from '../../../src/plan/canonical.js';
import { describeDifferences, differences } from '../../../src/plan/difference.js';
import { createFields, environmentDifference, shownFields, unknownFields } from '../../../src/plan/environment-fields.js';
import { bucketStatements } from '../../../src/plan/grants.js';
import { clonedRoleName } from '../../../src/plan/naming.js';
import { placementOf } from '../../../src/plan/placement.js';
import { stateOf } from '../../../src/plan/states.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole, aTargetEnvironment, HIDDEN_VALUE } from '../../builders/values.js';

const input = (given: Partial<PlanInput> = {}): PlanInput => ({ file: aMigrationFile(), source: anEnvironment(), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN, ...given });
const blockers = (given: Partial<PlanInput>) => buildPlan(input(given)).blockers.map(({ code }) => code);

describe('the plan digest', () => {
  const digest = buildPlan(input()).digest;

  it('is the same for the same input, in whatever order its members come', () => {
    const turned = Object.fromEntries(Object.entries(anEnvironment()).reverse()) as ReturnType<typeof anEnvironment>;
    expect(buildPlan(input({ source: turned })).digest).toBe(digest);
  });

  it.each([
    { what: 'counts', given: { observations: { ...NOTHING_SEEN, activeDags: 12, dags: [], counts: { ...NOTHING_SEEN.counts, dagRuns: 99 } } } },
    { what: 'that the target exists by now', given: { target: aTargetEnvironment() } },
    { what: 'the source\'s state', given: { source: anEnvironment({ Status: 'UPDATE_FAILED' }) } },
    { what: 'a boundary that is there', given: { boundary: { arn: 'arn:aws:iam::111122223333:policy/b', exists: true } } },
    { what: 'what blocks', given: { namesakes: ['db_export'], target: aTargetEnvironment({ DagS3Path: 'elsewhere/dags' }), boundary: { arn: 'arn:aws:iam::111122223333:policy/b', exists: false } } },
    { what: 'a hidden value', given: { source: anEnvironment({ AirflowConfigurationOptions: { 'core.parallelism': '32', 'secrets.backend_kwargs': 'something else' } }) } },
    { what: 'what GetEnvironment alone knows', given: { source: anEnvironment({ LastUpdate: { Status: 'SUCCESS' }, CreatedAt: new Date(1) }) } },
  ])('is not changed by $what', ({ given }) => expect(buildPlan(input(given)).digest).toBe(digest));

  it.each([
    { what: 'an option that may be shown', given: { source: anEnvironment({ AirflowConfigurationOptions: { 'core.parallelism': '64', 'secrets.backend_kwargs': HIDDEN_VALUE } }) } },
    { what: 'an option that came', given: { source: anEnvironment({ AirflowConfigurationOptions: { 'core.parallelism': '32', 'secrets.backend_kwargs': HIDDEN_VALUE, 'smtp.smtp_host': 'x' } }) } },
    { what: 'the source\'s requirements', given: { source: anEnvironment({ RequirementsS3ObjectVersion: 'requirements-2' }) } },
    { what: 'its version', given: { source: anEnvironment({ AirflowVersion: '2.8.1' }) } },
    { what: 'a policy of the role', given: { sourceRole: aRole({ inlinePolicies: {} }) } },
    { what: 'a filter', given: { file: aMigrationFile({ metadata: { historyDays: 30 } }) } },
    { what: 'the drain', given: { file: aMigrationFile({ drain: { leftover: 'abort' } }) } },
    { what: 'the environment class', given: { file: aMigrationFile({ target: { environmentOverrides: { EnvironmentClass: 'mw1.large' } } }) } },
  ])('is changed by $what', ({ given }) => expect(buildPlan(input(given)).digest).not.toBe(digest));

  it('holds no hidden value anywhere in the plan', () => expect(JSON.stringify(buildPlan(input()))).not.toContain(HIDDEN_VALUE));
});

describe('what blocks', () => {
  it.each([
    { code: 'version-backwards', given: { file: aMigrationFile({ target: { airflowVersion: '2.7.2' } }), source: anEnvironment({ AirflowVersion: '2.8.1' }) }, because: 'newer metadata does not fit' },
    { code: 'version-not-creatable', given: { file: aMigrationFile({ target: { airflowVersion: '2.6.3' } }), source: anEnvironment({ AirflowVersion: '2.5.1' }) }, because: 'support has ended' },
    { code: 'version-unknown', given: { file: aMigrationFile({ target: { airflowVersion: '2.10.2' } }) }, because: 'MWAA never sold it' },
    { code: 'target-airflow-3', given: { file: aMigrationFile({ target: { airflowVersion: '3.0.6' } }) }, because: 'not in this release' },
    { code: 'same-environment', given: { file: aMigrationFile({ target: { environment: 'analytics' } }), target: anEnvironment({ AirflowVersion: '2.10.3' }) }, because: 'it would write over itself' },
    { code: 'source-private', given: { source: anEnvironment({ WebserverAccessMode: 'PRIVATE_ONLY' }), file: aMigrationFile({ target: { environmentOverrides: { WebserverAccessMode: 'PUBLIC_ONLY' } } }) }, because: 'no transport reaches it' },
    { code: 'target-other-version', given: { target: aTargetEnvironment({ AirflowVersion: '2.9.2' }) }, because: 'it was made for something else' },
    { code: 'shared-dag-folder', given: { source: anEnvironment({ DagS3Path: 'analytics-v2/dags/team' }) }, because: 'one folder inside the other' },
    { code: 'override-not-allowed', given: { file: aMigrationFile({ target: { environmentOverrides: { AirflowVersion: '2.9.2' } } }) }, because: 'the file has a key of its own' },
    { code: 'resources-from-repository', given: { file: aMigrationFile({ resources: { from: 'repository' } }) }, because: 'not in this release' },
    { code: 'role-missing', given: { sourceRole: undefined }, because: 'nothing to clone' },
    { code: 'key-missing', given: { file: aMigrationFile({ bucket: { kmsKey: 'arn:aws:kms:eu-west-1:111122223333:key/1' } }) }, because: 'the bucket needs it' },
    { code: 'target-other-place', given: { target: aTargetEnvironment({ DagS3Path: 'elsewhere/dags' }) }, because: 'its DAGs would be missing' },
    { code: 'target-other-place', given: { target: aTargetEnvironment({ SourceBucketArn: 'arn:aws:s3:::another-bucket' }) }, because: 'its DAGs would be missing' },
    { code: 'boundary-missing', given: { boundary: { arn: 'arn:aws:iam::111122223333:policy/b', exists: false } }, because: 'create would fail half-way' },
    { code: 'dag-called-as-ours', given: { namesakes: ['db_export'] }, because: 'it would be left out and deleted' },
    { code: 'target-state', given: { target: aTargetEnvironment({ Status: 'DELETING' }) }, because: 'it is going away' },
  ])('$code: $because', ({ code, given }) => expect(blockers(given)).toContain(code));

  it('names fields that belong to another region', () => {
    expect(blockers({ file: aMigrationFile({ target: { region: 'eu-central-1' } }) })).toEqual(['place-needs-field', 'place-needs-bucket']);
    expect(blockers({ file: aMigrationFile({ target: { region: 'eu-central-1', bucket: 'other', environmentOverrides: { NetworkConfiguration: { SubnetIds: [] } } } }) })).toEqual([]);
  });

  it('is not a slash at the end of the target\'s folder, nor a boundary where no role is cloned', () => {
    expect(blockers({ target: aTargetEnvironment({ DagS3Path: 'analytics-v2/dags/' }) })).toEqual([]);
    expect(blockers({ file: aMigrationFile({ target: { executionRole: 'arn:aws:iam::111122223333:role/given' } }), sourceRole: undefined, boundary: { arn: 'b', exists: false } })).toEqual([]);
  });

  it('is nothing for the plain case, nor for a version that can no longer be created but is there', () => {
    expect(blockers({})).toEqual([]);
    expect(blockers({ source: anEnvironment({ AirflowVersion: '2.5.1' }), file: aMigrationFile({ target: { airflowVersion: '2.6.3' } }), target: aTargetEnvironment({ AirflowVersion: '2.6.3' }) })).toEqual([]);
  });

  it.each(['CREATING', 'CREATE_FAILED', 'UPDATING', 'DELETING', 'UNAVAILABLE', 'ROLLING_BACK', 'CREATING_SNAPSHOT', 'MAINTENANCE', 'PENDING', 'SOMETHING_NEW'])('a source in state %s, with the state\'s meaning', (Status) => {
    const [first] = buildPlan(input({ source: anEnvironment({ Status }) })).blockers;
    expect(first).toMatchObject({ code: 'source-state', what: expect.stringContaining(stateOf(Status).meaning) });
  });

  it('is not a source that failed an update and runs', () => {
    const plan = buildPlan(input({ source: anEnvironment({ Status: 'UPDATE_FAILED', LastUpdate: { Error: { ErrorCode: 'X', ErrorMessage: 'bad requirements' } } }) }));
    expect(plan.blockers).toEqual([]);
    expect(plan.warnings).toContainEqual(expect.objectContaining({ code: 'source-update-failed', why: 'X: bad requirements' }));
  });
});

describe('the fields of the new environment', () => {
  const fieldsOf = (source = anEnvironment(), file = aMigrationFile()) => createFields(source, file, placementOf(source, file), 'arn:role');

  it('are an allow-list: what MWAA adds one day is shown and not sent', () => {
    const source = anEnvironment({ QuantumMode: 'ON' });
    expect(fieldsOf(source)).not.toHaveProperty('QuantumMode');
    expect(unknownFields(source)).toEqual(['QuantumMode']);
    expect(environmentDifference(source, fieldsOf(source))).toContainEqual({ field: 'QuantumMode', source: 'ON', target: undefined, kind: 'not sent' });
  });

  it.each(['Arn', 'Status', 'CreatedAt', 'LastUpdate', 'WebserverUrl', 'ServiceRoleArn', 'CeleryExecutorQueue', 'DatabaseVpcEndpointService', 'WebserverVpcEndpointService'])('never hold %s', (name) => {
    expect(fieldsOf(anEnvironment({ [name]: 'x' }))).not.toHaveProperty(name);
  });

  it('carry logging without the group\'s ARN, tags without aws:, and resources at the target\'s prefix', () => {
    expect(fieldsOf()).toMatchObject({
      LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO' } }, Tags: { team: 'data' }, DagS3Path: 'analytics-v2/dags', PluginsS3Path: 'analytics-v2/plugins.zip', SourceBucketArn: 'arn:aws:s3:::analytics-bucket',
    });
    expect(JSON.stringify(fieldsOf())).not.toMatch(/CloudWatchLogGroupArn|aws:cloudformation|plugins-1/);
  });

  it('say of object versions that phase resources writes them, not that they go', () => {
    expect(environmentDifference(anEnvironment(), fieldsOf())).toContainEqual({ field: 'PluginsS3ObjectVersion', source: 'plugins-1', target: '(the version that phase resources writes)', kind: 'changed' });
  });

  it('take overrides, and null removes', () => {
    const file = aMigrationFile({ target: { configuration: { 'core.parallelism': '64', 'secrets.backend_kwargs': null, 'core.new': 'x' }, environmentOverrides: { MaxWorkers: 25, WeeklyMaintenanceWindowStart: null, Newer: 1 } } });
    const fields = fieldsOf(anEnvironment(), file);
    expect(fields).toMatchObject({ AirflowConfigurationOptions: { 'core.parallelism': '64', 'core.new': 'x' }, MaxWorkers: 25, Newer: 1 });
    expect(fields).not.toHaveProperty('WeeklyMaintenanceWindowStart');
    expect(fields.AirflowConfigurationOptions).not.toHaveProperty('secrets.backend_kwargs');
  });

  it('hide every value of an option that is not known to be harmless, in the difference too', () => {
    const source = anEnvironment();
    expect(shownFields(fieldsOf(source)).AirflowConfigurationOptions).toEqual({ 'core.parallelism': '32', 'secrets.backend_kwargs': '(hidden)' });
    expect(JSON.stringify(environmentDifference(source, fieldsOf(source)))).not.toContain(HIDDEN_VALUE);
  });

  it('hide a harmless option whose value is not: somebody may put anything anywhere', () => {
    expect(shownFields({ AirflowConfigurationOptions: { 'core.parallelism': 'postgresql://u:p@h' } }).AirflowConfigurationOptions).toEqual({ 'core.parallelism': '(hidden)' });
  });
});

describe('small parts', () => {
  it('canonical JSON sorts, drops absent members and keeps odd keys', () => {
    expect(canonicalJson({ b: 1, a: [{ d: undefined, c: null }], ['__proto__']: 2 })).toBe('{"__proto__":2,"a":[{"c":null}],"b":1}');
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }));
  });

  it('differences match list members by name, so that one more is one line', () => {
    expect(describeDifferences(differences({ tables: [{ name: 'a', rows: 1 }, { name: 'b' }] }, { tables: [{ name: 'x', rows: 1 }, { name: 'a', rows: 2 }, { name: 'b' }] }))).toBe('tables[a].rows: 1 → 2\n    tables[x]: (absent) → {"name":"x","rows":1}');
  });

  it('role names stay within IAM\'s 64 characters and stay distinct', () => {
    const long = (end: string) => clonedRoleName(`${'a'.repeat(75)}${end}`);
    expect(long('x')).toHaveLength(64);
    expect(long('x')).not.toBe(long('y'));
    expect(clonedRoleName('analytics-v2')).toBe('mwaa-migrate-analytics-v2');
  });

  it('grants stay below the migration\'s prefix', () => {
    const statements = bucketStatements({ migrationId: 'm', partition: 'aws', bucket: 'b', prefix: 'data/migration/x/', sourceExecutionRole: 'arn:source', targetExecutionRole: 'arn:target' });
    for (const { Sid, Action, Resource, Condition } of statements) {
      expect(Sid).toMatch(/^MwaaMigrate[0-9a-f]{8}(Source|Target)[A-Z][a-z]+$/);
      const isOfBucket = JSON.stringify(Resource) === '["arn:aws:s3:::b"]';
      if (isOfBucket) expect(JSON.stringify(Action) === '["s3:ListBucketMultipartUploads"]' || JSON.stringify(Condition).includes('data/migration/x/*')).toBe(true);
      else expect((Resource as string[]).every((one) => one.startsWith('arn:aws:s3:::b/data/migration/x/'))).toBe(true);
    }
    const targetWrites = statements.filter(({ Sid, Action }) => Sid.includes('Target') && JSON.stringify(Action).includes('PutObject')).flatMap(({ Resource }) => Resource as string[]);
    expect(targetWrites.some((one) => /export|active-dags|journal/.test(one) || one.endsWith('x/*'))).toBe(false);
    const sourceWrites = statements.filter(({ Sid, Action }) => Sid.includes('Source') && JSON.stringify(Action).includes('PutObject')).flatMap(({ Resource }) => Resource as string[]);
    const mayWrite = (name: string) => sourceWrites.some((one) => new RegExp(`^${one.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(`arn:aws:s3:::b/data/migration/x/${name}`));
    expect(['0/look/result.json', '1/export/dag_run.csv.gz', '1/export/manifest.json', '1/drain/active.json', '1/in-flight.json', '1/schedules.json', '1/preflight/probe', '1/restore/result.json'].filter((name) => !mayWrite(name))).toEqual([]);
    expect(['journal.json', 'plan.json', '1/active-dags.json', '1/import/result.json', '1/activate/result.json', '1/keypair/result.json'].filter(mayWrite)).toEqual([]);
  });
});
