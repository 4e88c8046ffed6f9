/** The Principal and NotPrincipal elements. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
import type { Principal } from '../front/contract.js';
import { listOf } from './conditions.js';

/** Who presents a token of an OIDC provider: the caller of AssumeRoleWithWebIdentity, known to trust policies only. */
export type Caller = Principal | Readonly<{ kind: 'federated'; account: string; provider: string }>;

/**
 * How a resource policy names the caller; it decides what else must allow.
 * `account`: only delegates to the account's own policies. `role`: still limited by boundary and session policy. The others: by itself enough within the account.
 */
export type Naming = 'session' | 'role' | 'user' | 'account' | 'everyone' | 'service' | 'federated' | 'root';

/** undefined: the statement is about somebody else. Of several entries the most direct counts. */
export function namingOf(element: unknown, caller: Caller): Naming | undefined {
  const namings = entries(element).flatMap(([kind, value]) => naming(kind, value, caller) ?? []);
  const order: readonly Naming[] = ['session', 'user', 'root', 'service', 'federated', 'everyone', 'role', 'account'];
  return order.find((one) => namings.includes(one));
}

function naming(kind: string, value: string, caller: Caller): Naming | undefined {
  if (kind === '*' || (kind === 'AWS' && value === '*')) return caller.kind === 'service' && kind === 'AWS' ? undefined : 'everyone';
  if (kind === 'Service') return caller.kind === 'service' && sameService(value, caller.service) ? 'service' : undefined;
  if (kind === 'Federated') return caller.kind === 'federated' && value === caller.provider ? 'federated' : undefined;
  if (kind !== 'AWS') return undefined;
  switch (caller.kind) {
    case 'role-session':
      if (value === caller.arn) return 'session';
      if (value === caller.roleArn) return 'role';
      return isAccount(value, caller.account) ? 'account' : undefined;
    case 'user':
      if (value === caller.arn) return 'user';
      return isAccount(value, caller.account) ? 'account' : undefined;
    case 'root':
      return isAccount(value, caller.account) ? 'root' : undefined;
    default:
      return undefined;
  }
}

/**
 * NotPrincipal spares the caller only when every identity that stands behind the request is listed: account, then user, or role and session.
 * AWS: "you must also specify the account ARN of the not-denied principal".
 */
export function isSparedBy(element: unknown, caller: Caller): boolean {
  const listed = entries(element);
  const has = (...arns: string[]): boolean => arns.every((arn) => listed.some(([kind, value]) => kind === 'AWS' && value === arn));
  const account = listed.some(([kind, value]) => kind === 'AWS' && isAccount(value, caller.kind === 'anonymous' ? '' : caller.account));
  switch (caller.kind) {
    case 'role-session': return account && has(caller.roleArn, caller.arn);
    case 'user': return account && has(caller.arn);
    case 'root': return account;
    case 'service': return listed.some(([kind, value]) => kind === 'Service' && sameService(value, caller.service));
    case 'federated': return listed.some(([kind, value]) => kind === 'Federated' && value === caller.provider);
    case 'anonymous': return false;
  }
}

/** "*" becomes one entry of kind "*". */
export function entries(element: unknown): readonly (readonly [kind: string, value: string])[] {
  if (typeof element === 'string') return [[element, element]];
  if (typeof element !== 'object' || element === null) return [];
  return Object.entries(element).flatMap(([kind, values]) => listOf(values).map((value) => [kind, value] as const));
}

const isAccount = (value: string, account: string): boolean => value === account || value === `arn:aws:iam::${account}:root`;

/** `logs.eu-west-1.amazonaws.com` is what the region's own service calls itself; `logs.amazonaws.com` names all regions. */
function sameService(listed: string, acting: string): boolean {
  return listed === acting || listed === acting.replace(/^([a-z0-9-]+)\.[a-z]{2}(?:-[a-z]+)+-\d\./u, '$1.');
}
