/** What an environment needs of its execution role. Source: user guide, "Amazon MWAA execution role" (the sample policy, the trust policy). */
import type { Authorizer, Identities, Principal } from '../../front/contract.js';
import { type EnvironmentRecord, logGroupName } from './environment-record.js';

/** Both must be able to assume the role. */
const SERVICES = ['airflow.amazonaws.com', 'airflow-env.amazonaws.com'] as const;
export const SESSION_NAME = 'AmazonMWAA-airflow';

/** @returns the service that may not assume the role; `missing` when there is no such role; undefined when all is well */
export function untrustedService(authorizer: Authorizer, identities: Identities, roleArn: string, environment: Pick<EnvironmentRecord, 'account' | 'arn'>): string | 'missing' | undefined {
  const trust = identities.trustPolicy(roleArn);
  if (!trust || !identities.roleExists(roleArn)) return 'missing';
  const { account, arn } = environment;
  return SERVICES.find((service) => !authorizer.allows({
    principal: { kind: 'service', account, service, arn: service },
    action: 'sts:AssumeRole', resource: roleArn, resourceAccount: accountOf(roleArn), resourcePolicy: trust, resourcePolicyIsRequired: true,
    // Confused deputy keys, which a trust policy may ask for: the environment and its account.
    context: { 'aws:sourcearn': [arn], 'aws:sourceaccount': [account] },
  }));
}

/** The role as the environment's processes are known to IAM. */
export function rolePrincipal(roleArn: string): Principal {
  const roleName = roleArn.split('/').at(-1) ?? '';
  const account = accountOf(roleArn);
  return {
    kind: 'role-session', account, arn: `arn:aws:sts::${account}:assumed-role/${roleName}/${SESSION_NAME}`,
    roleArn, roleName, sessionName: SESSION_NAME, sessionPolicies: [], keys: {},
  };
}

/** Permissions that a starting environment uses at once. @returns "<action> on <resource>" for each that the role lacks */
export function missingPermissions(authorizer: Authorizer, record: EnvironmentRecord): readonly string[] {
  const { account, region, fields } = record;
  const principal = rolePrincipal(fields.ExecutionRoleArn);
  const taskGroup = `arn:aws:logs:${region}:${account}:log-group:${logGroupName(record.name, 'TaskLogs')}`;
  const queue = `arn:aws:sqs:${region}:${account}:airflow-celery-${record.id}`;
  const wanted: readonly Readonly<{ action: string; resource: string; context?: Readonly<Record<string, readonly string[]>> }>[] = [
    { action: 'airflow:PublishMetrics', resource: record.arn },
    { action: 'logs:CreateLogGroup', resource: taskGroup },
    { action: 'logs:CreateLogStream', resource: `${taskGroup}:log-stream:check` },
    { action: 'logs:PutLogEvents', resource: `${taskGroup}:log-stream:check` },
    { action: 'logs:GetLogEvents', resource: `${taskGroup}:log-stream:check` },
    { action: 'logs:DescribeLogGroups', resource: '*' },
    { action: 'cloudwatch:PutMetricData', resource: '*' },
    ...['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', 'ReceiveMessage', 'SendMessage'].map((name) => ({ action: `sqs:${name}`, resource: queue })),
  ];
  return wanted
    .filter(({ action, resource, context }) => !authorizer.allows({ principal, action, resource, resourceAccount: account, ...(context ? { context } : {}) }))
    .map(({ action, resource }) => `${action} on ${resource}`);
}

const accountOf = (arn: string) => arn.split(':')[4] ?? '';
