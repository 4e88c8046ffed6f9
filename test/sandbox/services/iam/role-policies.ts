/** Policies in and on a role: inline ones, and managed ones that are attached. */
import { required } from '../../front/query-protocol.js';
import { authorizedRole, type IamOperation, nameOf, noSuchEntity, page } from './request.js';

export const ROLE_POLICY_OPERATIONS: Readonly<Record<string, IamOperation>> = {
  PutRolePolicy(call) {
    const name = nameOf(call.form, 'PolicyName', 128);
    const role = authorizedRole(call);
    call.world.putPolicy(role.arn, name, required(call.form, 'PolicyDocument'));
    return {};
  },

  GetRolePolicy(call) {
    const name = nameOf(call.form, 'PolicyName', 128);
    const role = authorizedRole(call);
    const text = role.inline.get(name);
    if (text === undefined) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    return { RoleName: role.name, PolicyName: name, PolicyDocument: encodeURIComponent(text) };
  },

  ListRolePolicies(call) {
    const { items, more } = page(call.form, [...authorizedRole(call).inline.keys()].sort());
    return { PolicyNames: items, ...more };
  },

  DeleteRolePolicy(call) {
    const name = nameOf(call.form, 'PolicyName', 128);
    const role = authorizedRole(call);
    if (!role.inline.has(name)) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
    call.world.identities.replace({ ...role, inline: new Map([...role.inline].filter(([one]) => one !== name)) });
    return {};
  },

  AttachRolePolicy(call) {
    const arn = required(call.form, 'PolicyArn');
    const role = authorizedRole(call, { 'iam:policyarn': [arn] });
    call.world.attachPolicy(role.arn, arn);
    return {};
  },

  DetachRolePolicy(call) {
    const arn = required(call.form, 'PolicyArn');
    const role = authorizedRole(call, { 'iam:policyarn': [arn] });
    if (!role.attached.includes(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
    call.world.identities.replace({ ...role, attached: role.attached.filter((one) => one !== arn) });
    return {};
  },

  ListAttachedRolePolicies(call) {
    const { items, more } = page(call.form, authorizedRole(call).attached);
    return { AttachedPolicies: items.map((arn) => ({ PolicyName: arn.split('/').at(-1) ?? arn, PolicyArn: arn })), ...more };
  },
};
