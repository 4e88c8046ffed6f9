import { describe, expect, it } from '@jest/globals';
import { lineSearch } from '../../../../src/plan/references-lines.js';

const PLACE = { partition: 'aws', region: 'eu-west-1', account: '111122223333', environment: 'analytics', bucket: 'acme-dags', dags: 'dags', files: [], executionRole: 'arn:aws:iam::111122223333:role/service-role/AmazonMWAA-analytics-a1B2c3' };
const search = lineSearch(PLACE, 'abc-vpce.c1.eu-west-1.airflow.amazonaws.com', []);

describe('a line of the repository', () => {
  it.each([
    ['"Resource": "arn:aws:airflow:eu-west-1:111122223333:environment/analytics"', 'ARN'],
    ['Resource: !Sub arn:aws:airflow:${AWS::Region}:${AWS::AccountId}:environment/analytics', 'ARN'],
    ['resources = ["arn:aws:airflow:*:*:role/analytics/Op"]', 'Airflow role'],
    ['aws logs tail airflow-analytics-Task', 'log group'],
    ['aws s3 sync dags s3://acme-dags/dags --delete', 'bucket'],
    ['https://acme-dags.s3.eu-west-1.amazonaws.com/dags', 'bucket'],
    ['curl https://abc-vpce.c1.eu-west-1.airflow.amazonaws.com/api/v1/dags', 'web server'],
    ['role = AmazonMWAA-analytics-a1B2c3', 'execution role'],
    ['aws mwaa create-cli-token --name analytics', 'name'],
    ['  environment: analytics', 'name'], ['environment_name = "analytics"', 'name'], ["mwaa.invoke_rest_api(Name='analytics', Path='/dags')", 'name'], ['MWAA_ENV=analytics', 'name'], ['  - analytics', 'name'],
    ['client.get_environment(Name="analytics")  # s3://acme-dags', 'bucket'],
  ])('%s names: %s', (line, kind) => expect(search.match(line).join()).toBe(kind));

  it.each([
    'environment: analytics-v2', '"arn:aws:airflow:eu-west-1:111122223333:environment/analytics-v2"', 'airflow-analytics-v2-Task', 's3://acme-dags-old/x', 's3://my-acme-dags/x', 'from analytics import report', '# analytics of last year',
    'dags/analytics/report.py', 'https://xabc-vpce.c1.eu-west-1.airflow.amazonaws.com/', 'arn:aws:airflow:eu-west-1:1:role/analytics-v2/Op', 'analytics_v2 = "analytics_v2"', 'role = AmazonMWAA-analytics-a1B2c3d4',
  ])('%s names nothing', (line) => expect(search.match(line)).toEqual([]));

  it('is looked at only so far', () => expect(search.match(`${' '.repeat(5_000)}s3://acme-dags/`)).toEqual([]));

  it('takes names as they are, whatever they mean in an expression', () => {
    const odd = lineSearch({ ...PLACE, environment: 'a_b-c', bucket: 'x.y' }, undefined, []);
    expect(odd.match('s3://x.y/dags')).toEqual(['bucket']);
    expect(odd.match('s3://xzy/dags')).toEqual([]);
    expect(odd.match('name: a_b-c')).toEqual(['name']);
  });

  it('can only match where a needle is', () => {
    for (const line of ['s3://acme-dags/', 'name: analytics', 'https://abc-vpce.c1.eu-west-1.airflow.amazonaws.com', 'AmazonMWAA-analytics-a1B2c3']) expect(search.needles.some((needle) => line.includes(needle))).toBe(true);
  });
});
