/** What every IAM operation receives, and what several of them need: the caller's rights, names, pages. */
import { AwsError, type Principal } from '../../front/contract.js';
import { required, type XmlValue } from '../../front/query-protocol.js';
import type { Role } from '../../iam/identities.js';
import type { Context } from '../../iam/patterns.js';
import type { SandboxWorld } from '../../iam/world.js';

export type IamCall = Readonly<{ world: SandboxWorld; principal: Principal; account: string; action: string; form: URLSearchParams }>;
export type IamOperation = (call: IamCall) => XmlValue;

/** @throws AwsError AccessDenied */
export function authorize({ world, principal, account, action }: IamCall, resource: string, context: Context = {}, name = action): void {
  world.authorizer.require({ principal, action: `iam:${name}`, resource, resourceAccount: account, context });
}

/**
 * The role that `RoleName` names, after the caller was found to be allowed the action on it.
 * The check comes first: who may not look does not learn whether the role exists.
 */
export function authorizedRole(call: IamCall, context: Context = {}): Role {
  const name = required(call.form, 'RoleName');
  const role = call.world.identities.role(call.account, name);
  authorize(call, role?.arn ?? `arn:aws:iam::${call.account}:role/${name}`, {
    ...(role?.boundary && { 'iam:permissionsboundary': [role.boundary] }),
    ...tagKeys('aws:resourcetag/', role?.tags), ...tagKeys('iam:resourcetag/', role?.tags), ...context,
  });
  if (!role) throw noSuchEntity(`The role with name ${name} cannot be found.`);
  return role;
}

export function tagKeys(prefix: string, tags: ReadonlyMap<string, string> = new Map()): Context {
  return Object.fromEntries([...tags].map(([key, value]) => [`${prefix}${key.toLowerCase()}`, [value]]));
}

export const noSuchEntity = (message: string): AwsError => new AwsError('NoSuchEntity', message, 404);

/** `[\w+=,.@-]+`, 1 to `max` characters: names of roles (64), policies (128). @throws AwsError ValidationError */
export function nameOf(form: URLSearchParams, parameter: string, max: number): string {
  const value = required(form, parameter);
  const member = parameter.charAt(0).toLowerCase() + parameter.slice(1);
  const refuse = (constraint: string): AwsError => new AwsError('ValidationError', `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`, 400);
  if (value.length > max) throw refuse(`Member must have length less than or equal to ${max}`);
  if (!/^[\w+=,.@-]+$/u.test(value)) throw refuse('The specified value is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-');
  return value;
}

/** One page of a list by IAM's `Marker` and `MaxItems` (default 100), where the marker is the place to go on from. */
export function page<T>(form: URLSearchParams, all: readonly T[]): Readonly<{ items: readonly T[]; more: Readonly<Record<string, XmlValue>> }> {
  const size = Number(form.get('MaxItems') ?? '100');
  if (!Number.isInteger(size) || size < 1 || size > 1000) throw new AwsError('ValidationError', `1 validation error detected: Value '${form.get('MaxItems')}' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000`, 400);
  const marker = form.get('Marker');
  const start = marker === null ? 0 : Number(Buffer.from(marker, 'base64').toString());
  if (!Number.isInteger(start)) throw new AwsError('ValidationError', 'Invalid Marker.', 400);
  const truncated = start + size < all.length;
  return { items: all.slice(start, start + size), more: { IsTruncated: truncated, Marker: truncated ? Buffer.from(String(start + size)).toString('base64') : undefined } };
}
