/**
 * GetAccountAuthorizationDetails: roles, users and policies of the account with every policy text, page by page.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html. The sandbox has no groups and no instance profiles.
 */
import { AwsError } from '../../front/contract.js';
import { membersOf, type XmlValue } from '../../front/query-protocol.js';
import type { Identity, StoredPolicy } from '../../iam/identities.js';
import { authorize, type IamOperation, page } from './request.js';

const KINDS = ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'];

export const ACCOUNT_OPERATIONS: Readonly<Record<string, IamOperation>> = {
  GetAccountAuthorizationDetails(call) {
    const { world: { identities }, form, account } = call;
    const wanted = membersOf(form, 'Filter'), strange = wanted.find((kind) => !KINDS.includes(kind));
    if (strange !== undefined) throw new AwsError('ValidationError', `1 validation error detected: Value '${strange}' at 'filter' failed to satisfy constraint: Member must satisfy enum value set: [${KINDS.join(', ')}]`, 400);
    authorize(call, '*');
    const wants = (kind: string) => wanted.length === 0 || wanted.includes(kind);
    const mine = <T extends Readonly<{ account: string; arn: string }>>(all: Iterable<T>, owner = account) => [...all].filter((one) => one.account === owner).sort((one, other) => (one.arn < other.arn ? -1 : 1));
    const { items, more } = page<Readonly<{ list: string; value: XmlValue }>>(form, [
      ...(wants('User') ? mine(identities.users.values()).map((user) => ({ list: 'UserDetailList', value: { ...detail(user), UserName: user.name, UserId: user.id, UserPolicyList: inline(user), GroupList: [] } })) : []),
      ...(wants('Role') ? mine(identities.roles.values()).map((role) => ({ list: 'RoleDetailList', value: { ...detail(role), RoleName: role.name, RoleId: role.id, AssumeRolePolicyDocument: encodeURIComponent(role.trust), InstanceProfileList: [], RolePolicyList: inline(role), RoleLastUsed: {} } })) : []),
      ...(wants('LocalManagedPolicy') ? mine(identities.policies.values()).map((policy) => ({ list: 'Policies', value: managed(policy) })) : []),
      ...(wants('AWSManagedPolicy') ? mine(identities.policies.values(), 'aws').map((policy) => ({ list: 'Policies', value: managed(policy) })) : []),
    ]);
    const list = (name: string) => items.filter((item) => item.list === name).map(({ value }) => value);
    return { UserDetailList: list('UserDetailList'), GroupDetailList: [], RoleDetailList: list('RoleDetailList'), Policies: list('Policies'), ...more };
  },
};

const inline = ({ inline: policies }: Identity): XmlValue => [...policies].map(([PolicyName, text]) => ({ PolicyName, PolicyDocument: encodeURIComponent(text) }));

const detail = ({ path, arn, created, attached, boundary, tags }: Identity): Readonly<Record<string, XmlValue>> => ({
  Path: path, Arn: arn, CreateDate: created, AttachedManagedPolicies: attached.map((one) => ({ PolicyName: one.split('/').at(-1), PolicyArn: one })),
  PermissionsBoundary: boundary && { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: boundary }, Tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
});

const managed = (policy: StoredPolicy): XmlValue => ({
  PolicyName: policy.name, PolicyId: policy.policyId, Arn: policy.arn, Path: policy.path, DefaultVersionId: 'v1', AttachmentCount: 0, PermissionsBoundaryUsageCount: 0, IsAttachable: true,
  CreateDate: policy.created, UpdateDate: policy.created, PolicyVersionList: [{ Document: encodeURIComponent(policy.text), VersionId: 'v1', IsDefaultVersion: true, CreateDate: policy.created }],
});
