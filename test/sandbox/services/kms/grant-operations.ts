/** Grants: create, list, retire, revoke. Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html */
import { randomBytes } from 'node:crypto';
import { AwsError } from '../../front/contract.js';
import { type Grant, type GrantConstraints, isPrincipal } from './grants.js';
import type { Key } from './keys.js';
import { authorizedKey, type KmsCall, type KmsOperation, optionalText, page, text, textMap } from './request.js';

/** What a grant on a symmetric key may allow. */
const GRANTABLE = ['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo', 'CreateGrant', 'RetireGrant', 'DescribeKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'];
const SERVICE = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com$/u;

export const GRANT_OPERATIONS: Readonly<Record<string, KmsOperation>> = {
  CreateGrant(call) {
    const operations = Array.isArray(call.input.Operations) ? call.input.Operations.map(String) : [];
    const unknown = operations.filter((operation) => !GRANTABLE.includes(operation));
    if (operations.length === 0 || unknown.length > 0)
      throw new AwsError('ValidationException', `1 validation error detected: Value '[${operations.join(', ')}]' at 'operations' failed to satisfy constraint: Member must satisfy enum value set: [${GRANTABLE.join(', ')}]`, 400);
    const granteePrincipal = text(call, 'GranteePrincipal');
    const retiringPrincipal = optionalText(call, 'RetiringPrincipal');
    const constraints = constraintsOf(call.input.Constraints);
    const key = authorizedKey(call, 'CreateGrant', {
      context: {
        'kms:grantisforawsresource': ['false'], 'kms:grantoperations': operations, 'kms:granteeprincipal': [granteePrincipal],
        ...(retiringPrincipal && { 'kms:retiringprincipal': [retiringPrincipal] }),
        ...(constraints && { 'kms:grantconstrainttype': Object.keys(constraints) }),
      },
    });
    call.store.requireUsable(key);
    for (const principal of [granteePrincipal, retiringPrincipal]) requirePrincipal(call, principal);
    const name = optionalText(call, 'Name');
    const wanted = { name, granteePrincipal, retiringPrincipal, operations, constraints };
    // A name makes the call repeatable: the same request gives back the same grant.
    const existing = name === undefined ? undefined : [...key.grants.values()].find((grant) => sameGrant(grant, wanted));
    const grant: Grant = existing ?? {
      ...wanted, id: randomBytes(32).toString('hex'), token: randomBytes(90).toString('base64'), created: call.world.clock.now(), issuingAccount: `arn:aws:iam::${call.account}:root`,
    };
    key.grants.set(grant.id, grant);
    return { GrantId: grant.id, GrantToken: grant.token };
  },

  ListGrants(call) {
    const key = authorizedKey(call, 'ListGrants');
    const grantee = optionalText(call, 'GranteePrincipal'), id = optionalText(call, 'GrantId');
    const all = [...key.grants.values()].filter((grant) => (grantee ?? grant.granteePrincipal) === grant.granteePrincipal && (id ?? grant.id) === grant.id);
    const { items, more } = page(call, all, 50);
    return { Grants: items.map((grant) => describe(grant, key)), ...more };
  },

  RetireGrant(call) {
    const token = optionalText(call, 'GrantToken');
    const found = [...call.store.keys.values()].flatMap((key) => [...key.grants.values()].map((grant) => ({ key, grant })))
      .find(({ key, grant }) => (token === undefined ? grant.id === text(call, 'GrantId') && key.arn === call.store.find(text(call, 'KeyId'), call.account, call.region).arn : grant.token === token));
    if (!found) throw new AwsError(token === undefined ? 'InvalidGrantIdException' : 'InvalidGrantTokenException', 'No such grant', 400);
    const { key, grant } = found;
    const mayRetire = (grant.retiringPrincipal !== undefined && isPrincipal(grant.retiringPrincipal, call.principal))
      || (grant.operations.includes('RetireGrant') && isPrincipal(grant.granteePrincipal, call.principal));
    if (!mayRetire) call.store.authorize(call.principal, 'kms:RetireGrant', key, {});
    key.grants.delete(grant.id);
    return {};
  },

  RevokeGrant(call) {
    const key = authorizedKey(call, 'RevokeGrant', { context: { 'kms:grantisforawsresource': ['false'] } });
    if (!key.grants.delete(text(call, 'GrantId'))) throw new AwsError('NotFoundException', `Grant ID ${text(call, 'GrantId')} not found`, 400);
    return {};
  },
};

function requirePrincipal({ world }: KmsCall, principal: string | undefined): void {
  if (principal === undefined || SERVICE.test(principal)) return;
  if (!principal.startsWith('arn:') || !world.identities.principalExists(principal)) throw new AwsError('InvalidArnException', `ARN does not refer to a valid principal: ${principal}`, 400);
}

function constraintsOf(value: unknown): GrantConstraints | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { EncryptionContextSubset: subset, EncryptionContextEquals: equals } = value as Readonly<Record<string, unknown>>;
  return { ...(subset !== undefined && { EncryptionContextSubset: textMap(subset) }), ...(equals !== undefined && { EncryptionContextEquals: textMap(equals) }) };
}

const sameGrant = (grant: Grant, { name, granteePrincipal, retiringPrincipal, operations, constraints }: Pick<Grant, 'name' | 'granteePrincipal' | 'retiringPrincipal' | 'operations' | 'constraints'>): boolean =>
  JSON.stringify([grant.name, grant.granteePrincipal, grant.retiringPrincipal, grant.operations, grant.constraints]) === JSON.stringify([name, granteePrincipal, retiringPrincipal, operations, constraints]);

function describe(grant: Grant, key: Key): Readonly<Record<string, unknown>> {
  return {
    KeyId: key.arn, GrantId: grant.id, Name: grant.name ?? '', CreationDate: grant.created.getTime() / 1000, GranteePrincipal: grant.granteePrincipal,
    ...(grant.retiringPrincipal && { RetiringPrincipal: grant.retiringPrincipal }), IssuingAccount: grant.issuingAccount, Operations: grant.operations,
    ...(grant.constraints && { Constraints: grant.constraints }),
  };
}
