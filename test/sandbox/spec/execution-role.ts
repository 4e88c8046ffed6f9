/** An environment's execution role as AWS documents it: user guide, "Amazon MWAA execution role" and "Cross-service confused deputy prevention". */
import type { PolicyDocument, PolicyStatement } from '../front/contract.js';

/** Both services may assume it, and only for this environment. */
export function executionRoleTrust(account: string, region: string, environment: string): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [{
      Effect: 'Allow', Principal: { Service: ['airflow.amazonaws.com', 'airflow-env.amazonaws.com'] }, Action: 'sts:AssumeRole',
      Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:airflow:${region}:${account}:environment/${environment}` }, StringEquals: { 'aws:SourceAccount': account } },
    }],
  };
}

/** @param kmsKey ARN of the customer managed key; without one the sample for AWS owned keys, which names every other account's */
export function executionRolePolicy({ account, region, environment, bucket, kmsKey }: Readonly<{ account: string; region: string; environment: string; bucket: string; kmsKey?: string | undefined }>): PolicyDocument {
  const bucketArns = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'airflow:PublishMetrics', Resource: `arn:aws:airflow:${region}:${account}:environment/${environment}` },
      { Effect: 'Deny', Action: 's3:ListAllMyBuckets', Resource: bucketArns },
      { Effect: 'Allow', Action: ['s3:GetObject*', 's3:GetBucket*', 's3:List*'], Resource: bucketArns },
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:CreateLogGroup', 'logs:PutLogEvents', 'logs:GetLogEvents', 'logs:GetLogRecord', 'logs:GetLogGroupFields', 'logs:GetQueryResults'],
        Resource: `arn:aws:logs:${region}:${account}:log-group:airflow-${environment}-*`,
      },
      { Effect: 'Allow', Action: 'logs:DescribeLogGroups', Resource: '*' },
      { Effect: 'Allow', Action: 'cloudwatch:PutMetricData', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage', 'sqs:SendMessage'],
        Resource: `arn:aws:sqs:${region}:*:airflow-celery-*`,
      },
      {
        Effect: 'Allow', Action: ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey*', 'kms:Encrypt'],
        ...(kmsKey ? { Resource: kmsKey } : { NotResource: `arn:aws:kms:*:${account}:key/*` }),
        Condition: { StringLike: { 'kms:ViaService': [`sqs.${region}.amazonaws.com`, ...(kmsKey ? [`s3.${region}.amazonaws.com`] : [])] } },
      },
    ],
  };
}

/** The statement that a customer managed key's policy needs besides the account's, for the log groups. */
export function logsKeyStatement(account: string, region: string): PolicyStatement {
  return {
    Sid: 'Allow logs access', Effect: 'Allow', Principal: { Service: `logs.${region}.amazonaws.com` },
    Action: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'], Resource: '*',
    Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:*` } },
  };
}
