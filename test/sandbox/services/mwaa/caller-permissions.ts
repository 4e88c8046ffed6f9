/**
 * What a caller must be allowed for each operation: the operation's own action and those AWS checks besides ("dependent actions").
 *
 * Sources
 * - own actions and their resources: "Actions, resources, and condition keys for Amazon MWAA", Service Authorization Reference
 * - [policies] user guide "Accessing an Amazon MWAA environment", AmazonMWAAFullApiAccess: the ec2, kms, s3 and service-linked-role actions;
 *   "Troubleshooting: Creating and updating an environment": "Amazon MWAA performs a dry run against a user's credentials before creating"
 * - [pass] aws-samples/amazon-mwaa-examples pull 68: CreateEnvironment fails without iam:PassRole
 * - [tag] aws-samples/amazon-mwaa-examples issue 84, modernisation-platform pull 4120: "is not authorized to perform: airflow:TagResource on
 *   resource: arn:aws:airflow:…:environment/…" from CreateEnvironment with tags
 *
 * EC2 is authorisation only: the sandbox has no EC2 service, but a caller without these permissions is refused as AWS would.
 */
import type { Authorizer, Kms, Principal } from '../../front/contract.js';
import { environmentArn, serviceRoleArn } from './environment-record.js';

export type Network = Readonly<{ account: string; region: string; vpc: string; subnets: readonly string[]; securityGroups: readonly string[] }>;
type Need = Readonly<{ action: string; resources: readonly string[]; context?: Readonly<Record<string, readonly string[]>>; source: string }>;

export type Subject = Readonly<{
  operation: string;
  account: string;
  region: string;
  input: Readonly<Record<string, unknown>>;
  /** Of the subnets in the input, where the world knows them. */
  vpc: string | undefined;
  hasServiceRole: boolean;
}>;

/** Every IAM need of the call except KMS, which has its own evaluation by key policy and grant. InvokeRestApi and CreateWebLoginToken: airflow-role.ts. */
export function needsOf(subject: Subject): readonly Need[] {
  const { operation, account, region, input } = subject;
  const tags = record(input.Tags);
  const tagContext = Object.keys(tags).length === 0 ? {} : {
    'aws:tagkeys': Object.keys(tags),
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, [String(value)]])),
  };
  const arn = typeof input.ResourceArn === 'string' ? input.ResourceArn : environmentArn(account, region, String(input.Name ?? ''));
  const own: Need = {
    action: `airflow:${operation}`,
    resources: [operation === 'ListEnvironments' ? '*' : arn],
    context: operation === 'UntagResource' ? { 'aws:tagkeys': (input.tagKeys ?? []) as readonly string[] } : tagContext,
    source: 'Service Authorization Reference',
  };
  const onChange = operation === 'CreateEnvironment' || operation === 'UpdateEnvironment';
  return [
    own,
    ...(operation === 'CreateEnvironment' && Object.keys(tags).length > 0 ? [{ action: 'airflow:TagResource', resources: [arn], context: tagContext, source: '[tag]' }] : []),
    ...(onChange && input.ExecutionRoleArn ? [{ action: 'iam:PassRole', resources: [String(input.ExecutionRoleArn)], context: { 'iam:passedtoservice': ['airflow.amazonaws.com'] }, source: '[pass]' }] : []),
    ...(onChange && input.SourceBucketArn ? [{ action: 's3:GetEncryptionConfiguration', resources: [String(input.SourceBucketArn)], source: '[policies]' }] : []),
    ...(operation === 'CreateEnvironment' && !subject.hasServiceRole
      ? [{ action: 'iam:CreateServiceLinkedRole', resources: [serviceRoleArn(account)], context: { 'iam:awsservicename': ['airflow.amazonaws.com'] }, source: '[policies]' }] : []),
    ...(onChange && input.NetworkConfiguration ? networkNeeds(subject) : []),
  ];
}

function networkNeeds({ account, region, input, vpc }: Subject): readonly Need[] {
  const network = record(input.NetworkConfiguration);
  const ec2 = (kind: string, id: string) => `arn:aws:ec2:${region}:${account}:${kind}/${id}`;
  const subnets = ((network.SubnetIds ?? []) as readonly string[]).map((id) => ec2('subnet', id));
  const groups = ((network.SecurityGroupIds ?? []) as readonly string[]).map((id) => ec2('security-group', id));
  const describe = ['DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs', 'DescribeRouteTables'].map((name) => ({ action: `ec2:${name}`, resources: ['*'], source: '[policies]' }));
  // With CUSTOMER the caller makes the endpoints later, by calls of its own.
  if (input.EndpointManagement === 'CUSTOMER' || subnets.length === 0) return describe;
  return [
    ...describe,
    { action: 'ec2:CreateVpcEndpoint', resources: [ec2('vpc-endpoint', '*'), ec2('vpc', vpc ?? '*'), ...subnets, ...groups], source: '[policies]' },
    { action: 'ec2:CreateNetworkInterface', resources: [...subnets, ec2('network-interface', '*')], source: '[policies]' },
  ];
}

/** @throws AwsError AccessDenied for the first need the caller lacks */
export function requireNeeds(authorizer: Authorizer, principal: Principal, account: string, needs: readonly Need[]): void {
  for (const { action, resources, context } of needs) {
    for (const resource of resources) authorizer.require({ principal, action, resource, resourceAccount: account, ...(context ? { context } : {}) });
  }
}

/**
 * With a customer managed key the service describes it and creates its grants in the caller's name [policies].
 * @throws AwsError AccessDenied, NotFoundException
 */
export function requireKey(kms: Kms, principal: Principal, key: string, region: string): Readonly<{ keyArn: string }> {
  const via = { region, via: `airflow.${region}.amazonaws.com` };
  kms.use(principal, 'kms:DescribeKey', key, via);
  return kms.use(principal, 'kms:CreateGrant', key, via);
}

const record = (value: unknown) => (value ?? {}) as Readonly<Record<string, unknown>>;
