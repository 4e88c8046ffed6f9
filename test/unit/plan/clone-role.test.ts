import { describe, expect, it } from '@jest/globals';
import { cloneRole, type Names } from '../../../src/plan/clone-role.js';
import { ACCOUNT, aRole } from '../../builders/values.js';

const names = (given: Partial<Names['target']> = {}): Names => ({
  partition: 'aws', roleName: 'mwaa-migrate-analytics-v2',
  source: { environment: 'analytics', region: 'eu-west-1', account: ACCOUNT, bucket: 'analytics-bucket', dags: 'dags' },
  target: { environment: 'analytics-v2', region: 'eu-west-1', account: ACCOUNT, bucket: 'analytics-bucket', dags: 'analytics-v2/dags', ...given },
});
const withStatement = (Resource: string | readonly string[]) => aRole({ inlinePolicies: { p: { Statement: [{ Effect: 'Allow', Action: '*', Resource }] } } });
const resourceOf = (role: ReturnType<typeof cloneRole>) => (role.inlinePolicies.p as { Statement: { Resource: unknown }[] }).Statement[0]?.Resource;

describe('a cloned execution role', () => {
  it.each([
    { from: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics`, to: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics-v2`, because: 'metrics are published by name' },
    { from: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics-old`, to: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics-old`, because: 'another environment that merely begins alike' },
    { from: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:airflow-analytics-*`, to: `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:airflow-analytics-v2-*`, because: 'log groups carry the name' },
    { from: 'arn:aws:s3:::analytics-bucket/*', to: 'arn:aws:s3:::analytics-bucket/*', because: 'the whole bucket holds the new prefix too' },
    { from: 'arn:aws:s3:::analytics-bucket/dags/*', to: 'arn:aws:s3:::analytics-bucket/analytics-v2/dags/*', because: 'the DAG folder moved' },
    { from: 'arn:aws:s3:::analytics-bucket-data/*', to: 'arn:aws:s3:::analytics-bucket-data/*', because: 'another bucket that begins alike' },
    { from: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/x', to: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/x', because: 'the workload\'s own' },
    { from: '*', to: '*', because: 'no ARN' },
  ])('$from becomes $to: $because', ({ from, to }) => expect(resourceOf(cloneRole(withStatement(from), names()))).toBe(to));

  it('changes bucket, region and account where the target has others', () => {
    const target = { bucket: 'other', region: 'eu-central-1', account: '444455556666' };
    expect(resourceOf(cloneRole(withStatement(['arn:aws:s3:::analytics-bucket', 'arn:aws:s3:::analytics-bucket/*', `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics`, 'arn:aws:sqs:eu-west-1:*:airflow-celery-*']), names(target)))).toEqual([
      'arn:aws:s3:::other', 'arn:aws:s3:::other/*', 'arn:aws:airflow:eu-central-1:444455556666:environment/analytics-v2', 'arn:aws:sqs:eu-central-1:*:airflow-celery-*',
    ]);
  });

  it('trusts MWAA for the new environment only', () => {
    const { trustPolicy } = cloneRole(aRole(), names());
    expect(JSON.stringify(trustPolicy)).toContain('environment/analytics-v2"');
    expect(JSON.stringify(trustPolicy)).not.toContain('environment/analytics"');
  });

  it('attaches a managed policy that names no source, and turns one that does into an inline copy', () => {
    const plain = { arn: `arn:aws:iam::${ACCOUNT}:policy/shared`, document: { Statement: [{ Resource: '*' }] } };
    const named = { arn: `arn:aws:iam::${ACCOUNT}:policy/mwaa/execution`, document: { Statement: [{ Resource: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics` }] } };
    const aws = { arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess', document: { Statement: [{ Resource: '*' }] } };
    const clone = cloneRole(aRole({ attached: [plain, named, aws] }), names());
    expect(clone.attached).toEqual([plain.arn, aws.arn]);
    // "execution" is taken by the role's own inline policy.
    expect(clone.inlinePolicies['execution-2']).toEqual({ Statement: [{ Resource: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/analytics-v2` }] });
  });

  it('warns of what still names the source, and of policies that IAM would refuse', () => {
    const clone = cloneRole(withStatement('arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/analytics/x'), names());
    expect(clone.warnings).toEqual(['p still names the source: arn:aws:secretsmanager:eu-west-1:111122223333:secret:airflow/analytics/x']);
    expect(cloneRole(aRole(), names()).warnings).toEqual([]);
    expect(cloneRole(withStatement('arn:aws:s3:::x/'.padEnd(11_000, 'y')), names()).warnings.join()).toMatch(/IAM allows 10240/);
  });

  it('says what it rewrote, each once', () => {
    expect(cloneRole(aRole(), names()).rewritten).toHaveLength(3);
  });
});
