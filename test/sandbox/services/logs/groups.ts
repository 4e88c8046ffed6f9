/** Log groups: made, described, retained, tagged, encrypted, deleted. */
import { AwsError, type FrontRequest } from '../../front/contract.js';
import { accountOf, describeGroup, groupArn, groupOfArn, type LogAccess } from './access.js';
import type { Operation } from './calls.js';
import { GROUP_NAME, Input, invalidParameter } from './input.js';
import { DESCRIBE_PAGE, RETENTION_DAYS } from './limits.js';
import type { GroupName } from './state.js';

const own = (request: FrontRequest, name: string): GroupName => ({ account: accountOf(request), region: request.region, name });

export const createLogGroup: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'CreateLogGroup', ['logGroupName', 'kmsKeyId', 'tags', 'logGroupClass', 'deletionProtectionEnabled']);
  const name = own(request, input.text('logGroupName', GROUP_NAME)), key = input.optionalText('kmsKeyId', { most: 256 }), tags = input.tags('tags') ?? new Map<string, string>();
  if ((input.optionalText('logGroupClass') ?? 'STANDARD') !== 'STANDARD' || input.flag('deletionProtectionEnabled'))
    throw invalidParameter("The sandbox's CloudWatch Logs knows groups of class STANDARD without deletion protection only.");
  const context = tagContext(tags);
  access.onGroup(request, 'CreateLogGroup', name, context);
  if (tags.size > 0) access.onTags(request, 'TagResource', name, context);
  if (key !== undefined && state.find(name) === undefined) requireKey(access, request, name, requireKeyArn(name, key));
  state.addGroup(name, { kmsKeyArn: key, tags });
  return {};
};

const refusedKey = (group: GroupName, cause?: AwsError): AwsError =>
  Object.assign(invalidParameter(`The specified KMS key does not exist or is not allowed to be used with Arn '${groupArn(group)}'`), { cause });

/** The API takes no key id and no alias. */
function requireKeyArn(group: GroupName, key: string): string {
  if (!/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/.+$/u.test(key)) throw refusedKey(group);
  return key;
}

/** A key is tried at once, for a group whose key cannot be used would lose its events. @returns its ARN @throws AwsError InvalidParameterException */
export function requireKey(access: LogAccess, request: FrontRequest | undefined, group: GroupName, key: string): string {
  try {
    access.useKey(request, group, key, 'kms:GenerateDataKey');
    return access.useKey(request, group, key, 'kms:Decrypt');
  } catch (error) {
    throw error instanceof AwsError ? refusedKey(group, error) : error;
  }
}

export const associateKmsKey: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'AssociateKmsKey', ['logGroupName', 'kmsKeyId']);
  const name = own(request, input.text('logGroupName', GROUP_NAME)), key = input.text('kmsKeyId', { most: 256 });
  access.onGroup(request, 'AssociateKmsKey', name);
  const group = state.group(name);
  group.kmsKeyArn = requireKey(access, request, name, requireKeyArn(name, key));
  return {};
};

export const disassociateKmsKey: Operation = ({ state, access }, { request, members }) => {
  const name = own(request, new Input(members, 'DisassociateKmsKey', ['logGroupName']).text('logGroupName', GROUP_NAME));
  access.onGroup(request, 'DisassociateKmsKey', name);
  state.group(name).kmsKeyArn = undefined;
  return {};
};

/** Needs a right on all groups: IAM sees an empty group name. */
export const describeLogGroups: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'DescribeLogGroups', ['logGroupNamePrefix', 'logGroupNamePattern', 'nextToken', 'limit', 'logGroupClass', 'includeLinkedAccounts']);
  const prefix = input.optionalText('logGroupNamePrefix', GROUP_NAME), pattern = input.optionalText('logGroupNamePattern', { most: 512, pattern: /^[.\-_/#A-Za-z0-9]*$/u });
  if (prefix !== undefined && pattern !== undefined) throw invalidParameter('LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
  const limit = input.optionalNumber('limit', { least: 1, most: DESCRIBE_PAGE }) ?? DESCRIBE_PAGE, after = nameOfToken(input.optionalText('nextToken', { least: 1 }));
  const account = accountOf(request);
  access.onGroup(request, 'DescribeLogGroups', own(request, ''));
  const found = state.groupsOf(account, request.region)
    .filter(({ name }) => name.startsWith(prefix ?? '') && (pattern === undefined || name.toLowerCase().includes(pattern.toLowerCase())) && (after === undefined || name > after));
  const page = found.slice(0, limit);
  return { logGroups: page.map(describeGroup), ...(found.length > page.length ? { nextToken: tokenOfName(page.at(-1)!.name) } : {}) };
};

export const tokenOfName = (name: string): string => Buffer.from(`after ${name}`).toString('base64');

export function nameOfToken(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (!text.startsWith('after ') || tokenOfName(text.slice(6)) !== token) throw invalidParameter('The specified nextToken is invalid.');
  return text.slice(6);
}

export const putRetentionPolicy: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'PutRetentionPolicy', ['logGroupName', 'retentionInDays']);
  const name = own(request, input.text('logGroupName', GROUP_NAME)), days = input.optionalNumber('retentionInDays');
  if (days === undefined || !RETENTION_DAYS.includes(days))
    throw invalidParameter(`1 validation error detected: Value '${days ?? 'null'}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [${RETENTION_DAYS.join(', ')}]`);
  access.onGroup(request, 'PutRetentionPolicy', name);
  state.group(name).retentionDays = days;
  return {};
};

export const deleteRetentionPolicy: Operation = ({ state, access }, { request, members }) => {
  const name = own(request, new Input(members, 'DeleteRetentionPolicy', ['logGroupName']).text('logGroupName', GROUP_NAME));
  access.onGroup(request, 'DeleteRetentionPolicy', name);
  state.group(name).retentionDays = undefined;
  return {};
};

export const deleteLogGroup: Operation = ({ state, access }, { request, members }) => {
  const name = own(request, new Input(members, 'DeleteLogGroup', ['logGroupName']).text('logGroupName', GROUP_NAME));
  access.onGroup(request, 'DeleteLogGroup', name);
  state.removeGroup(state.group(name));
  return {};
};

const ARN = { least: 1, most: 1011, pattern: /^[\w+=/:,.@-]*$/u };

export const tagResource: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'TagResource', ['resourceArn', 'tags']);
  const name = groupOfArn(input.text('resourceArn', ARN)), tags = input.tags('tags') ?? new Map<string, string>();
  access.onTags(request, 'TagResource', name, tagContext(tags));
  const group = state.group(name), all = new Map([...group.tags, ...tags]);
  if (all.size > 50) throw new AwsError('TooManyTagsException', 'A resource can have no more than 50 tags.', 400, { resourceName: groupArn(name) });
  group.tags = all;
  return {};
};

export const untagResource: Operation = ({ state, access }, { request, members }) => {
  const input = new Input(members, 'UntagResource', ['resourceArn', 'tagKeys']);
  const name = groupOfArn(input.text('resourceArn', ARN)), keys = (input.list('tagKeys', { most: 50 }) ?? []).map(String);
  access.onTags(request, 'UntagResource', name, keys.length === 0 ? {} : { 'aws:tagkeys': keys });
  const group = state.group(name);
  group.tags = new Map([...group.tags].filter(([key]) => !keys.includes(key)));
  return {};
};

export const listTagsForResource: Operation = ({ state, access }, { request, members }) => {
  const name = groupOfArn(new Input(members, 'ListTagsForResource', ['resourceArn']).text('resourceArn', ARN));
  access.onTags(request, 'ListTagsForResource', name);
  return { tags: Object.fromEntries(state.group(name).tags) };
};

function tagContext(tags: ReadonlyMap<string, string>): Readonly<Record<string, readonly string[]>> {
  if (tags.size === 0) return {};
  return { 'aws:tagkeys': [...tags.keys()], ...Object.fromEntries([...tags].map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, [value]])) };
}
