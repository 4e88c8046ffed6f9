/**
 * Rights and names. IAM sees a group as `…:log-group:NAME:log-stream:` for everything but tags: a policy that names the group without `:*` allows nothing
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
 */
import { AwsError, type FrontRequest, type World } from '../../front/contract.js';
import { GROUP_NAME, invalidParameter, type Input } from './input.js';
import type { GroupName, LogGroup, LogState } from './state.js';

export const groupArn = ({ account, region, name }: GroupName): string => `arn:aws:logs:${region}:${account}:log-group:${name}`;
export const streamArn = (group: GroupName, stream: string): string => `${groupArn(group)}:log-stream:${stream}`;

export const accountOf = ({ principal }: FrontRequest): string => {
  if (principal.kind === 'anonymous') throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 400);
  return principal.account;
};

export type LogAccess = ReturnType<typeof createLogAccess>;

export function createLogAccess({ authorizer, kms }: Pick<World, 'authorizer' | 'kms'>, state: LogState) {
  const require = (request: FrontRequest, action: string, group: GroupName, resource: string, context: Readonly<Record<string, readonly string[]>> = {}): void => {
    const tags = Object.fromEntries([...(state.find(group)?.tags ?? [])].map(([key, value]) => [`aws:resourcetag/${key.toLowerCase()}`, [value]]));
    authorizer.require({ principal: request.principal, action: `logs:${action}`, resource, resourceAccount: group.account, context: { ...tags, ...context } });
  };
  return {
    onGroup: (request: FrontRequest, action: string, group: GroupName, context?: Readonly<Record<string, readonly string[]>>): void => require(request, action, group, streamArn(group, ''), context),
    onStream: (request: FrontRequest, action: string, group: GroupName, stream: string): void => require(request, action, group, streamArn(group, stream)),
    /** Tag operations alone take the group's bare ARN. */
    onTags: (request: FrontRequest, action: string, group: GroupName, context?: Readonly<Record<string, readonly string[]>>): void => require(request, action, group, groupArn(group), context),
    /**
     * Uses the group's key: as the service, as the key policy of AWS's guide allows, or else for the caller through the service.
     * @param request undefined: the service acts on its own account
     * @returns the key's ARN @throws AwsError of KMS
     */
    useKey(request: FrontRequest | undefined, group: GroupName, keyArn: string, action: 'kms:GenerateDataKey' | 'kms:Decrypt'): string {
      const service = `logs.${group.region}.amazonaws.com`, encryptionContext = { 'aws:logs:arn': groupArn(group) };
      try {
        return kms.use({ kind: 'service', account: group.account, service, arn: service }, action, keyArn, { region: group.region, encryptionContext }).keyArn;
      } catch (error) {
        if (request === undefined || !(error instanceof AwsError)) throw error;
        return kms.use(request.principal, action, keyArn, { region: group.region, via: service, encryptionContext }).keyArn;
      }
    },
  };
}

/** The group a request names by logGroupName, in its own account, or by logGroupIdentifier (name or ARN without ":*"). @throws AwsError */
export function namedGroup(request: FrontRequest, input: Input): GroupName {
  const name = input.optionalText('logGroupName', GROUP_NAME), identifier = input.optionalText('logGroupIdentifier', { least: 1, most: 2048, pattern: /^[\w#+=/:,.@-]*$/u });
  if (name !== undefined && identifier !== undefined) throw invalidParameter('LogGroup name and LogGroup identifier cannot be provided together');
  const given = name ?? identifier;
  if (given === undefined) throw invalidParameter('Either logGroupName or logGroupIdentifier must be provided');
  return given.startsWith('arn:') ? groupOfArn(given) : { account: accountOf(request), region: request.region, name: given };
}

export function groupOfArn(arn: string): GroupName {
  const found = /^arn:aws:logs:([a-z0-9-]+):(\d{12}):log-group:([^:]+)$/u.exec(arn);
  if (found === null) throw invalidParameter(`The ARN ${arn} is no log group's (it ends with the group's name, without ":*")`);
  return { region: found[1]!, account: found[2]!, name: found[3]! };
}

export const describeGroup = (group: LogGroup) => ({
  logGroupName: group.name, creationTime: group.created, ...(group.retentionDays === undefined ? {} : { retentionInDays: group.retentionDays }), metricFilterCount: group.metricFilters.size,
  arn: `${groupArn(group)}:*`, logGroupArn: groupArn(group), storedBytes: 0, ...(group.kmsKeyArn === undefined ? {} : { kmsKeyId: group.kmsKeyArn }), logGroupClass: 'STANDARD',
});
