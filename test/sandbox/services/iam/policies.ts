/** Managed policies. The sandbox keeps one version of each, v1. */
import { AwsError } from '../../front/contract.js';
import { required, type XmlValue } from '../../front/query-protocol.js';
import type { StoredPolicy } from '../../iam/identities.js';
import { authorize, type IamCall, type IamOperation, nameOf, noSuchEntity } from './request.js';

export const POLICY_OPERATIONS: Readonly<Record<string, IamOperation>> = {
  CreatePolicy(call) {
    const { form, account, world } = call;
    const name = nameOf(form, 'PolicyName', 128);
    const path = form.get('Path') ?? '/';
    authorize(call, `arn:aws:iam::${account}:policy${path}${name}`);
    const arn = world.createManagedPolicy({ account, name, path, document: required(form, 'PolicyDocument'), description: form.get('Description') ?? '' });
    return { Policy: describe(call, world.identities.requirePolicy(arn)) };
  },

  GetPolicy: (call) => ({ Policy: describe(call, authorizedPolicy(call)) }),

  GetPolicyVersion(call) {
    const version = required(call.form, 'VersionId');
    const policy = authorizedPolicy(call);
    if (version !== 'v1') throw noSuchEntity(`Policy ${policy.arn} version ${version} does not exist or is not attachable.`);
    return { PolicyVersion: { Document: encodeURIComponent(policy.text), VersionId: 'v1', IsDefaultVersion: true, CreateDate: policy.created } };
  },

  DeletePolicy(call) {
    const policy = authorizedPolicy(call);
    if (holders(call, policy) > 0) throw new AwsError('DeleteConflict', 'Cannot delete a policy attached to entities.', 409);
    call.world.identities.policies.delete(policy.arn);
    return {};
  },
};

function authorizedPolicy(call: IamCall): StoredPolicy {
  const arn = required(call.form, 'PolicyArn');
  authorize(call, arn);
  const policy = call.world.identities.policies.get(arn);
  if (!policy || (policy.account !== call.account && policy.account !== 'aws')) throw noSuchEntity(`Policy ${arn} was not found.`);
  return policy;
}

const holders = ({ world }: IamCall, { arn }: StoredPolicy): number =>
  [...world.identities.roles.values(), ...world.identities.users.values()].filter(({ attached, boundary }) => attached.includes(arn) || boundary === arn).length;

function describe(call: IamCall, policy: StoredPolicy): Readonly<Record<string, XmlValue>> {
  return {
    PolicyName: policy.name, PolicyId: policy.policyId, Arn: policy.arn, Path: policy.path, DefaultVersionId: 'v1', AttachmentCount: holders(call, policy),
    PermissionsBoundaryUsageCount: 0, IsAttachable: true, Description: policy.description === '' ? undefined : policy.description, CreateDate: policy.created, UpdateDate: policy.created,
  };
}
