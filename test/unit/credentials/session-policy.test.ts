/** What the sessions of each phase may do, against docs/iam/roles.yaml as it is deployed, and evaluated by AWS's rules in test/sandbox/iam. */
import { describe, expect, it } from '@jest/globals';
import path from 'node:path';
import { MAX_CHARACTERS, sessionPolicy } from '../../../src/credentials/session-policy.js';
import type { RightsOf, RoleInput } from '../../../src/credentials/session-rights.js';
import { PHASES, type Phase } from '../../../src/inputs.js';
import { matchesAction } from '../../sandbox/iam/patterns.js';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { evaluate } from '../../sandbox/iam/evaluate.js';
import { checkPolicy } from '../../sandbox/iam/validate.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';

const ACCOUNT = '111122223333', ROLES: readonly RoleInput[] = ['plan-role', 'source-role', 'target-role'];
/** The longest names that MWAA and IAM take. */
const LONG = { source: 's'.repeat(80), target: 't'.repeat(80), executionRole: `arn:aws-us-gov:iam::${ACCOUNT}:role/service-role/${'r'.repeat(64)}` };
const use = (phase: Phase, role: RoleInput, change: Partial<RightsOf> = {}): RightsOf => ({ phase, role, partition: 'aws', source: 'analytics', target: 'analytics-v2', executionRole: undefined, looks: false, isDry: false, ...change });
const CASES = PHASES.filter((phase) => phase !== 'check' && phase !== 'start').flatMap((phase) => ROLES.map((role) => ({ phase, role })));

type Statement = Readonly<{ Effect: string; Action?: string | readonly string[] }>;
const actionsIn = (text: string): readonly string[] => (JSON.parse(text) as { Statement: readonly Statement[] }).Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action ?? []);

/** Actions that the template allows each role, with everything switched on that a parameter can switch on. */
const template = (() => {
  const world = createIdentityWorld({ accounts: [ACCOUNT] });
  const parameters = { Repository: 'acme/airflow', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags', KmsKeyArns: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`, PlanReadsPolicies: 'yes', SourceUsesCli: 'yes' };
  loadTemplate(world, path.resolve('docs/iam/roles.yaml'), { account: ACCOUNT, region: 'eu-west-1', parameters });
  return (role: RoleInput): readonly string[] => {
    const found = world.identities.role(ACCOUNT, `mwaa-migrate-${role.replace('-role', '')}`);
    if (!found) throw new Error(`the template makes no ${role}`);
    return [...new Set([...found.inline.values(), ...found.attached.map((arn) => world.identities.requirePolicy(arn).text)].flatMap(actionsIn))];
  };
})();

/** Whether the session policy lets a session do it, whatever its role may do. */
function may({ phase, role, change = {}, action, resource = '*', context = {} }: Readonly<{ phase: Phase; role: RoleInput; change?: Partial<RightsOf>; action: string; resource?: string; context?: Readonly<Record<string, readonly string[]>> }>): boolean {
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }] };
  const caller = { kind: 'role-session' as const, account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/r/s`, roleArn: `arn:aws:iam::${ACCOUNT}:role/r`, roleName: 'r', sessionName: 's', sessionPolicies: [], keys: {} };
  return evaluate({ caller, action, resource, resourceAccount: ACCOUNT, context, identityPolicies: [everything], sessionPolicies: [checkPolicy(sessionPolicy([use(phase, role, change)]), 'session')] }).allowed;
}

describe('a session policy', () => {
  it.each(CASES)('of $role in phase $phase is one that STS takes, with the longest names too', ({ phase, role }) => {
    for (const looks of [false, true]) for (const executionRole of [undefined, LONG.executionRole]) {
      const text = sessionPolicy([use(phase, role, { ...LONG, executionRole, looks, partition: 'aws-us-gov' })]);
      expect(text.length).toBeLessThan(MAX_CHARACTERS);
      expect(text).toMatch(/^[\u0020-\u00FF]+$/u);
      expect(() => checkPolicy(text, 'session')).not.toThrow();
    }
  });

  it('stays far below the limit with names as they are, for nobody can compute how AWS packs it', () => {
    expect(Math.max(...CASES.map(({ phase, role }) => sessionPolicy([use(phase, role)]).length))).toBeLessThan(1_500);
  });

  it.each(CASES)('of $role in phase $phase asks for nothing that docs/iam/roles.yaml does not give', ({ phase, role }) => {
    const given = template(role);
    // What MWAA asks of the caller of CreateEnvironment is wider in AWS's own policy than in ours: the role decides.
    const wider = role === 'target-role' && phase === 'create' ? ['ec2:Describe*', 'kms:Encrypt', 'kms:GenerateDataKey*', 's3:GetBucket*'] : [];
    expect(actionsIn(sessionPolicy([use(phase, role, { looks: false })])).filter((action) => !given.includes(action) && !wider.includes(action))).toEqual([]);
  });

  it.each(ROLES)('of one phase or another lets %s do each thing that docs/iam/roles.yaml gives it', (role) => {
    const used = PHASES.flatMap((phase) => actionsIn(sessionPolicy([use(phase, role, { looks: true })])));
    expect(template(role).filter((action) => !used.some((pattern) => matchesAction(pattern, action)))).toEqual([]);
  });

  it.each(CASES)('of $role in a dry run of $phase changes nothing, and reads as the phase does', ({ phase, role }) => {
    const dry = actionsIn(sessionPolicy([use(phase, role, { isDry: true, looks: true })])), wet = actionsIn(sessionPolicy([use(phase, role, { looks: true })]));
    expect(dry.filter((action) => !/^\w+:(?:Get|List|Describe)|^airflow:InvokeRestApi$|^kms:Decrypt$/u.test(action))).toEqual([]);
    // What MWAA alone asks of the caller is not asked in a dry run.
    const ofMwaa = phase === 'create' && role === 'target-role' ? ['s3:GetBucket*', 's3:GetEncryptionConfiguration'] : [];
    expect(wet.filter((action) => /^(?:s3|iam|airflow):(?:Get|List)/u.test(action) && !dry.includes(action))).toEqual(ofMwaa);
    expect(() => checkPolicy(sessionPolicy([use(phase, role, { isDry: true })]), 'session')).not.toThrow();
  });

  it('of a role that is named twice does for both', () => {
    const both = actionsIn(sessionPolicy([use('resources', 'source-role'), use('resources', 'target-role')]));
    for (const role of ['source-role', 'target-role'] as const) for (const action of actionsIn(sessionPolicy([use('resources', role)]))) expect(both).toContain(action);
  });
});

const ENVIRONMENT = (name: string): string => `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/${name}`;
const FILE = 'arn:aws:s3:::acme-dags/dags/mwaa_migrate/db_import.py', DAG = 'arn:aws:s3:::acme-dags/dags/report.py', EXPORT = 'arn:aws:s3:::mwaa-migration-1/data/migration/a_to_b/c/1/export/variable.csv.gz';
const JOURNAL = 'arn:aws:s3:::mwaa-migration-1/data/migration/a_to_b/c/journal.json', ROLE = `arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-analytics-v2`, KEY = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1`;

describe('a session, whatever its role may do,', () => {
  it.each([
    { phase: 'create', role: 'target-role', action: 'iam:CreateRole', resource: ROLE, is: true },
    { phase: 'create', role: 'target-role', action: 'iam:CreateRole', resource: `arn:aws:iam::${ACCOUNT}:role/admin`, is: false },
    { phase: 'create', role: 'target-role', action: 'airflow:CreateEnvironment', resource: ENVIRONMENT('analytics-v2'), is: true },
    { phase: 'create', role: 'target-role', action: 'airflow:CreateEnvironment', resource: ENVIRONMENT('another'), is: false },
    { phase: 'import', role: 'target-role', action: 'iam:CreateRole', resource: ROLE, is: false },
    { phase: 'import', role: 'target-role', action: 'iam:PassRole', resource: ROLE, is: false },
    { phase: 'import', role: 'target-role', action: 'airflow:CreateEnvironment', resource: ENVIRONMENT('analytics-v2'), is: false },
    { phase: 'import', role: 'target-role', action: 's3:PutObject', resource: FILE, is: true },
    { phase: 'import', role: 'target-role', action: 's3:PutObject', resource: DAG, is: false },
    { phase: 'import', role: 'source-role', action: 's3:DeleteObjectVersion', resource: EXPORT, is: true },
    { phase: 'import', role: 'source-role', action: 's3:CreateBucket', resource: 'arn:aws:s3:::mwaa-migration-1', is: false },
    { phase: 'export', role: 'source-role', action: 's3:DeleteObjectVersion', resource: EXPORT, is: false },
    { phase: 'export', role: 'source-role', action: 's3:GetObject', resource: DAG, is: false },
    { phase: 'resources', role: 'source-role', action: 's3:GetObject', resource: DAG, is: true },
    { phase: 'resources', role: 'source-role', action: 's3:PutObject', resource: DAG, is: false },
    { phase: 'verify', role: 'source-role', action: 's3:DeleteObject', resource: EXPORT, is: false },
    { phase: 'verify', role: 'target-role', action: 's3:PutObject', resource: DAG, is: false },
    { phase: 'gate', role: 'source-role', action: 's3:PutObject', resource: JOURNAL, is: true },
    { phase: 'gate', role: 'source-role', action: 's3:PutBucketPolicy', resource: 'arn:aws:s3:::mwaa-migration-1', is: false },
    { phase: 'gate', role: 'source-role', action: 's3:PutObject', resource: FILE, is: false },
    { phase: 'rollback', role: 'source-role', action: 's3:DeleteBucketPolicy', resource: 'arn:aws:s3:::mwaa-migration-1', is: true },
    { phase: 'rollback', role: 'target-role', action: 'airflow:InvokeRestApi', resource: `arn:aws:airflow:eu-west-1:${ACCOUNT}:role/analytics-v2/Op`, is: true },
    { phase: 'rollback', role: 'target-role', action: 'airflow:InvokeRestApi', resource: `arn:aws:airflow:eu-west-1:${ACCOUNT}:role/another/Op`, is: false },
    { phase: 'plan', role: 'plan-role', action: 's3:GetObject', resource: JOURNAL, is: true },
    { phase: 'plan', role: 'plan-role', action: 's3:GetObject', resource: EXPORT, is: false },
    { phase: 'plan', role: 'plan-role', action: 's3:GetObject', resource: DAG, is: false },
    { phase: 'plan', role: 'plan-role', action: 's3:PutObject', resource: JOURNAL, is: false },
    { phase: 'plan', role: 'plan-role', action: 'logs:DescribeLogGroups', is: true },
    { phase: 'status', role: 'plan-role', action: 'logs:DescribeLogGroups', is: false },
    { phase: 'plan', role: 'plan-role', action: 'secretsmanager:GetSecretValue', is: false },
    ...(['export', 'import', 'cutover', 'rollback', 'watch'] as const).map((phase) => ({ phase, role: 'source-role', action: 'airflow:CreateCliToken', resource: ENVIRONMENT('analytics'), is: true } as const)),
    ...(['resources', 'create', 'verify', 'gate', 'status'] as const).map((phase) => ({ phase, role: 'source-role', action: 'airflow:CreateCliToken', resource: ENVIRONMENT('analytics'), is: false } as const)),
    { phase: 'export', role: 'source-role', action: 'airflow:CreateCliToken', resource: ENVIRONMENT('another'), is: false },
    { phase: 'cutover', role: 'target-role', action: 'airflow:CreateCliToken', resource: ENVIRONMENT('analytics-v2'), is: false },
    { phase: 'plan', role: 'plan-role', action: 'airflow:CreateCliToken', resource: ENVIRONMENT('analytics'), is: false },
    { phase: 'import', role: 'source-role', action: 's3:PutObject', resource: FILE, is: true },
    { phase: 'cutover', role: 'source-role', action: 's3:PutObject', resource: FILE, is: true },
    { phase: 'verify', role: 'source-role', action: 's3:PutObject', resource: FILE, is: false },
    { phase: 'cutover', role: 'target-role', action: 'airflow:DeleteEnvironment', resource: ENVIRONMENT('analytics-v2'), is: false },
    { phase: 'cutover', role: 'target-role', action: 'sts:AssumeRole', resource: ROLE, is: false },
  ] as const)('$role in $phase, $action on $resource: $is', ({ phase, role, action, resource, is }: Readonly<{ phase: Phase; role: RoleInput; action: string; resource?: string; is: boolean }>) => expect(may({ phase, role, action, ...(resource ? { resource } : {}) })).toBe(is));

  it.each(CASES)('uses keys only by way of S3: $role in $phase', ({ phase, role }) => {
    const isCreation = phase === 'create' && role === 'target-role';
    expect(may({ phase, role, action: 'kms:Decrypt', resource: KEY })).toBe(isCreation);
    expect(may({ phase, role, action: 'kms:Decrypt', resource: KEY, context: { 'kms:viaservice': ['s3.eu-west-1.amazonaws.com'] } })).toBe(true);
  });
});
