/** Roles themselves: create, read, list, change, delete. */
import { AwsError } from '../../front/contract.js';
import { membersOf, required, type XmlValue } from '../../front/query-protocol.js';
import type { Role } from '../../iam/identities.js';
import { checkPolicy } from '../../iam/validate.js';
import { authorize, authorizedRole, type IamCall, type IamOperation, nameOf, page, tagKeys } from './request.js';

export const ROLE_OPERATIONS: Readonly<Record<string, IamOperation>> = {
  CreateRole(call) {
    const { world, form, account } = call;
    const name = nameOf(form, 'RoleName', 64);
    const path = form.get('Path') ?? '/';
    const boundary = form.get('PermissionsBoundary') ?? undefined;
    const tags = tagsOf(call);
    const arn = `arn:aws:iam::${account}:role${path}${name}`;
    const context = { ...(boundary && { 'iam:permissionsboundary': [boundary] }), ...requestTags(tags) };
    authorize(call, arn, context);
    if (tags.size > 0) authorize(call, arn, context, 'TagRole');
    const maxSessionSeconds = sessionSeconds(form) ?? 3600;
    world.createRole({
      account, name, path, trust: required(form, 'AssumeRolePolicyDocument'), maxSessionSeconds, description: form.get('Description') ?? '', tags: Object.fromEntries(tags),
      ...(boundary && { permissionsBoundary: boundary }),
    });
    return { Role: describeRole(world.identities.roles.get(arn) ?? missing(arn)) };
  },

  GetRole: (call) => ({ Role: { ...describeRole(authorizedRole(call)), RoleLastUsed: {} } }),

  ListRoles(call) {
    const prefix = call.form.get('PathPrefix') ?? '/';
    authorize(call, `arn:aws:iam::${call.account}:role${prefix}`);
    const all = [...call.world.identities.roles.values()].filter(({ account, path }) => account === call.account && path.startsWith(prefix))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const { items, more } = page(call.form, all);
    // Tags and boundary are in GetRole's answer only.
    return { Roles: items.map((role) => ({ ...describeRole(role), Tags: undefined, PermissionsBoundary: undefined })), ...more };
  },

  UpdateRole(call) {
    const role = authorizedRole(call);
    const maxSessionSeconds = sessionSeconds(call.form) ?? role.maxSessionSeconds;
    call.world.identities.replace({ ...role, maxSessionSeconds, description: call.form.get('Description') ?? role.description } as Role);
    return {};
  },

  UpdateAssumeRolePolicy(call) {
    const role = authorizedRole(call);
    const trust = required(call.form, 'PolicyDocument');
    checkPolicy(trust, 'trust', call.world.identities.principalExists);
    call.world.identities.replace({ ...role, trust } as Role);
    return {};
  },

  DeleteRole(call) {
    const role = authorizedRole(call);
    if (role.attached.length > 0) throw new AwsError('DeleteConflict', 'Cannot delete entity, must detach all policies first.', 409);
    if (role.inline.size > 0) throw new AwsError('DeleteConflict', 'Cannot delete entity, must delete policies first.', 409);
    call.world.identities.removeRole(role.arn);
    return {};
  },

  TagRole(call) {
    const tags = tagsOf(call);
    const role = authorizedRole(call, requestTags(tags));
    call.world.identities.replace({ ...role, tags: new Map([...role.tags, ...tags]) });
    return {};
  },

  UntagRole(call) {
    const keys = membersOf(call.form, 'TagKeys');
    const role = authorizedRole(call, { 'aws:tagkeys': keys });
    call.world.identities.replace({ ...role, tags: new Map([...role.tags].filter(([key]) => !keys.includes(key))) });
    return {};
  },

  ListRoleTags(call) {
    const { items, more } = page(call.form, [...authorizedRole(call).tags]);
    return { Tags: items.map(([Key, Value]) => ({ Key, Value })), ...more };
  },

  PutRolePermissionsBoundary(call) {
    const boundary = required(call.form, 'PermissionsBoundary');
    // The condition key holds the boundary that is asked for, not the one that is there.
    const role = authorizedRole(call, { 'iam:permissionsboundary': [boundary] });
    call.world.identities.requirePolicy(boundary);
    call.world.identities.replace({ ...role, boundary });
    return {};
  },

  DeleteRolePermissionsBoundary(call) {
    const role = authorizedRole(call);
    call.world.identities.replace({ ...role, boundary: undefined });
    return {};
  },
};

function tagsOf({ form }: IamCall): ReadonlyMap<string, string> {
  const values = membersOf(form, 'Tags', 'Value');
  return new Map(membersOf(form, 'Tags', 'Key').map((key, index) => [key, values[index] ?? '']));
}

const requestTags = (tags: ReadonlyMap<string, string>) => ({ ...tagKeys('aws:requesttag/', tags), ...(tags.size > 0 && { 'aws:tagkeys': [...tags.keys()] }) });

function sessionSeconds(form: URLSearchParams): number | undefined {
  const text = form.get('MaxSessionDuration');
  if (text === null) return undefined;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 3600 || seconds > 43_200)
    throw new AwsError('ValidationError', `1 validation error detected: Value '${text}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200`, 400);
  return seconds;
}

function describeRole(role: Role): Readonly<Record<string, XmlValue>> {
  return {
    Path: role.path, RoleName: role.name, RoleId: role.id, Arn: role.arn, CreateDate: role.created, AssumeRolePolicyDocument: encodeURIComponent(role.trust),
    Description: role.description === '' ? undefined : role.description, MaxSessionDuration: role.maxSessionSeconds,
    PermissionsBoundary: role.boundary ? { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: role.boundary } : undefined,
    Tags: role.tags.size > 0 ? [...role.tags].map(([Key, Value]) => ({ Key, Value })) : undefined,
  };
}

function missing(arn: string): never {
  throw new Error(`${arn} was created just now and is not there`);
}
