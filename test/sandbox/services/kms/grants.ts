/** KMS grants. Source: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html */
import type { Principal } from '../../front/contract.js';

export type GrantConstraints = Readonly<{ EncryptionContextSubset?: Readonly<Record<string, string>>; EncryptionContextEquals?: Readonly<Record<string, string>> }>;
export type Grant = Readonly<{
  id: string; token: string; name: string | undefined; granteePrincipal: string; retiringPrincipal: string | undefined;
  operations: readonly string[]; constraints: GrantConstraints | undefined; created: Date; issuingAccount: string;
}>;

/** @param action `kms:Decrypt` */
export function grantAllows(grant: Grant, principal: Principal, action: string, encryptionContext: Readonly<Record<string, string>>): boolean {
  return isPrincipal(grant.granteePrincipal, principal) && grant.operations.includes(action.replace(/^kms:/u, '')) && constraintsHold(grant.constraints, action, encryptionContext);
}

/** A role's grant serves all its sessions. */
export function isPrincipal(named: string, principal: Principal): boolean {
  switch (principal.kind) {
    case 'anonymous': return false;
    case 'role-session': return named === principal.roleArn || named === principal.arn;
    case 'root': return named === principal.arn || named === principal.account;
    case 'user': return named === principal.arn;
    case 'service': return named === principal.service;
  }
}

/** Constraints concern the operations that take an encryption context; DescribeKey and RetireGrant are not limited by them. */
function constraintsHold(constraints: GrantConstraints | undefined, action: string, context: Readonly<Record<string, string>>): boolean {
  if (!constraints || action === 'kms:DescribeKey' || action === 'kms:RetireGrant') return true;
  const contains = (wanted: Readonly<Record<string, string>>): boolean => Object.entries(wanted).every(([name, value]) => context[name] === value);
  if (constraints.EncryptionContextSubset && !contains(constraints.EncryptionContextSubset)) return false;
  const equals = constraints.EncryptionContextEquals;
  return !equals || (contains(equals) && Object.keys(context).length === Object.keys(equals).length);
}
