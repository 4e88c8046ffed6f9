import { describe, expect, it } from '@jest/globals';
import { matches, matchesAction, reaches } from '../../../../src/plan/policy-patterns.js';
import { policyReferences, type Place } from '../../../../src/plan/references-policies.js';
import type { AccountPolicy, Holder } from '../../../../src/reference-sources.js';

const ACCOUNT = '111122223333';
const SOURCE: Place = { partition: 'aws', region: 'eu-west-1', account: ACCOUNT, environment: 'analytics', bucket: 'acme-dags', dags: 'prod/dags', files: ['prod/requirements.txt'], executionRole: `arn:aws:iam::${ACCOUNT}:role/service-role/analytics-execution` };
const TARGET: Place = { ...SOURCE, environment: 'analytics-v2', bucket: 'acme-dags', dags: 'analytics-v2/dags', files: ['analytics-v2/requirements.txt'], executionRole: `arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-analytics-v2` };
const role = (name: string): Holder => ({ kind: 'role', name, arn: `arn:aws:iam::${ACCOUNT}:role/${name}` });
const airflow = (rest: string) => `arn:aws:airflow:eu-west-1:${ACCOUNT}:${rest}`;
const inline = (...Statement: readonly unknown[]): AccountPolicy => ({ kind: 'inline', name: 'p', holders: [role('deploy')], document: { Version: '2012-10-17', Statement } });
const trust = (...Statement: readonly unknown[]): AccountPolicy => ({ ...inline(...Statement), kind: 'trust' });
const allow = (Action: unknown, Resource: unknown, more: object = {}) => ({ Effect: 'Allow', Action, Resource, ...more });
const look = (policy: AccountPolicy, ours: (holder: Holder) => boolean = () => false) => policyReferences({ policies: [policy], isWhole: true }, SOURCE, TARGET, ours);
const seen = (policy: AccountPolicy) => look(policy).references.map(({ subjects, calls, isForTarget, isDeny }) => [subjects.join(), calls.join('; '), isForTarget ? 'both' : 'source only', ...(isDeny ? ['Deny'] : [])].join(' | '));

describe('a policy', () => {
  it.each([
    { policy: inline(allow('airflow:GetEnvironment', airflow('environment/analytics'))), is: 'environment |  | source only', because: 'it names the environment' },
    { policy: inline(allow('airflow:*', airflow('environment/analytics*'))), is: 'environment | CLI | both', because: 'the pattern reaches the target as well' },
    { policy: inline(allow(['airflow:getenvironment'], [airflow('environment/analytics'), airflow('environment/analytics-v2')])), is: 'environment |  | both', because: 'both are named' },
    { policy: inline(allow('airflow:CreateCliToken', `arn:aws:airflow:*:*:environment/analytics`)), is: 'environment | CLI | source only', because: 'wildcards elsewhere do not hide the name' },
    { policy: inline(allow('airflow:InvokeRestApi', airflow('role/analytics/Op'))), is: 'Airflow roles | REST API as Op | source only', because: 'it may start DAGs by REST' },
    { policy: inline(allow(['airflow:InvokeRestApi', 'airflow:CreateWebLoginToken'], airflow('role/analytics/*'))), is: 'Airflow roles | REST API as Admin, Op, User, Viewer, Public; web login as Admin, Op, User, Viewer, Public | source only', because: 'every role is meant' },
    { policy: inline(allow('s3:PutObject', 'arn:aws:s3:::acme-dags/prod/dags/*')), is: 'DAG folder |  | source only', because: 'it deploys DAGs' },
    { policy: inline(allow('s3:Put*', 'arn:aws:s3:::acme-dags/prod/dags/team-a/*')), is: 'DAG folder |  | source only', because: 'it deploys a part of them' },
    { policy: inline(allow('s3:*', 'arn:aws:s3:::acme-dags/*')), is: 'DAG folder |  | both', because: 'the target lies in the same bucket' },
    { policy: inline(allow('s3:PutObject', 'arn:aws:s3:::acme-dags/prod/requirements.txt')), is: 'DAG folder |  | source only', because: 'requirements are deployed too' },
    { policy: inline(allow('logs:FilterLogEvents', `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:airflow-analytics-Task:*`)), is: 'log groups |  | source only', because: 'it reads the logs' },
    { policy: inline(allow('logs:*', `arn:aws:logs:*:*:log-group:airflow-analytics-*`)), is: 'log groups |  | both', because: 'the target\'s groups begin with the same words' },
    { policy: inline(allow('iam:PassRole', SOURCE.executionRole)), is: 'execution role |  | source only', because: 'it may give the role to an environment' },
    { policy: inline({ Effect: 'Deny', Action: 'airflow:DeleteEnvironment', Resource: airflow('environment/analytics') }), is: 'environment |  | source only | Deny', because: 'what guards the source does not guard the target' },
    { policy: inline({ Effect: 'Deny', NotAction: 'airflow:Get*', Resource: airflow('environment/analytics') }), is: 'environment |  | source only | Deny', because: 'all but reading is denied' },
    { policy: inline({ Effect: 'Allow', Action: 'airflow:*', NotResource: airflow('environment/analytics') }), is: 'environment |  | source only', because: 'the exception names it' },
    { policy: inline(allow('s3:GetObject', '*', { Condition: { ArnLike: { 'aws:SourceArn': airflow('environment/analytics') } } })), is: 'environment |  | source only', because: 'a condition names it' },
    { policy: trust({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: SOURCE.executionRole } }), is: 'execution role |  | source only', because: 'tasks of the source assume it' },
    { policy: trust({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: [SOURCE.executionRole, TARGET.executionRole] } }), is: 'execution role |  | both', because: 'the clone is trusted already' },
    { policy: trust({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'airflow-env.amazonaws.com' }, Condition: { ArnEquals: { 'aws:SourceArn': airflow('environment/analytics') } } }), is: 'environment |  | source only', because: 'the service may assume it for the source only' },
  ])('is told as "$is": $because', ({ policy, is }) => expect(seen(policy)).toEqual([is]));

  it.each([
    { policy: inline(allow('airflow:*', airflow('environment/analytics-v2'))), because: 'it is about the target' },
    { policy: inline(allow('airflow:*', airflow('environment/*'))), because: 'it is about every environment' }, { policy: inline(allow('airflow:*', 'arn:aws:airflow:*')), because: 'an ARN that ends early is about every one' },
    { policy: inline(allow('*', '*')), because: 'it is about everything' },
    { policy: inline(allow('s3:GetObject', 'arn:aws:s3:::acme-dags/prod/dags/*')), because: 'who reads deploys nothing' },
    { policy: inline(allow('s3:PutObject', 'arn:aws:s3:::acme-dags/sales/dags/*')), because: 'another environment has its DAGs in the same bucket' },
    { policy: inline(allow('logs:*', `arn:aws:logs:*:*:log-group:airflow-analytics-v2-*`)), because: 'the target\'s groups begin with the source\'s prefix' },
    { policy: inline(allow('airflow:*', `arn:aws:airflow:us-east-1:${ACCOUNT}:environment/analytics`)), because: 'that is a namesake in another region' },
    { policy: inline(allow('s3:PutObject', 'arn:aws:s3:::${aws:PrincipalTag/bucket}/*')), because: 'a variable is somebody else\'s value' },
    { policy: { ...inline(), document: 'no policy' }, because: 'it is none' }, { policy: { ...inline(), document: { Statement: [null, 7, { Effect: 'Allow', Action: [1], Resource: {} }] } }, because: 'nothing in it is text' },
  ])('is not told: $because', ({ policy }) => expect(seen(policy)).toEqual([]));

  it('that names none lets its holder call this one too, and is told as that', () => {
    expect(look(inline(allow('airflow:*', '*'))).callersOfAny).toEqual([role('deploy')]);
    expect(look(inline(allow('airflow:GetEnvironment', '*'))).callersOfAny).toEqual([]);
    expect(look(inline({ Effect: 'Deny', Action: '*', Resource: '*' })).callersOfAny).toEqual([]);
  });

  it('of our own roles, or of the source\'s execution role alone, is no news; one that others hold too is', () => {
    const names = allow('airflow:*', airflow('environment/analytics'));
    const isOurs = ({ name }: Holder) => name === 'ours';
    expect(look({ ...inline(names), holders: [role('ours')] }, isOurs).references).toEqual([]);
    expect(look({ ...inline(names), kind: 'managed', holders: [role('ours'), role('deploy')] }, isOurs).references).toMatchObject([{ holders: [role('deploy')] }]);
    expect(look({ ...inline(names), kind: 'managed', holders: [] }, isOurs).references).toHaveLength(1);
  });

  it('whose patterns are made to cost time costs none', () => {
    const slow = `arn:aws:airflow:${'*a'.repeat(2_000)}`;
    const began = process.cpuUsage().user;
    expect(seen(inline(allow('airflow:*', Array.from({ length: 20 }, () => slow))))).toEqual([]);
    // A matcher that tries every division of the text would not come back at all.
    expect(process.cpuUsage().user - began).toBeLessThan(20_000_000);
  });
});

describe('a pattern of IAM', () => {
  it.each([
    ['a*c', 'abc', true], ['a*c', 'ac', true], ['a*c', 'abd', false], ['a?c', 'abc', true], ['a?c', 'ac', false], ['*', '', true], ['a**', 'a', true], ['${aws:username}', 'jo', true], ['', 'a', false], ['a', 'ab', false], ['*b*b', 'abab', true],
  ])('%s and %s: %s', (pattern, text, is) => expect(matches(pattern, text)).toBe(is));
  it.each([['ab*', 'abc', true], ['abcd', 'abc', true], ['abd*', 'abc', false], ['*z', 'abc', true], ['a?', 'abc', false]])('%s reaches %s…: %s', (pattern, beginning, is) => expect(reaches(pattern, beginning)).toBe(is));
  it('compares actions without regard to case', () => expect(matchesAction('S3:put*', 's3:PutObject')).toBe(true));
});
