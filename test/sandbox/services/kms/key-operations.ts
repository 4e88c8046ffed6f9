/** Keys and aliases: create, describe, policy, state. */
import { AwsError, type PolicyDocument } from '../../front/contract.js';
import type { Key } from './keys.js';
import { authorizedKey, type KmsCall, type KmsOperation, optionalText, page, text } from './request.js';

const DAY_MS = 24 * 3_600_000;

export const KEY_OPERATIONS: Readonly<Record<string, KmsOperation>> = {
  CreateKey(call) {
    call.world.authorizer.require({ principal: call.principal, action: 'kms:CreateKey', resource: '*', resourceAccount: call.account });
    const policyText = optionalText(call, 'Policy');
    if (policyText !== undefined) requireNoLockout(call, policyText);
    const arn = call.store.create({ account: call.account, region: call.region, policyText, description: optionalText(call, 'Description') });
    return { KeyMetadata: metadata(call.store.find(arn, call.account, call.region)) };
  },

  DescribeKey: (call) => ({ KeyMetadata: metadata(authorizedKey(call, 'DescribeKey')) }),

  GetKeyPolicy: (call) => ({ Policy: authorizedKey(call, 'GetKeyPolicy').policyText, PolicyName: 'default' }),

  ListKeyPolicies(call) {
    authorizedKey(call, 'ListKeyPolicies');
    return { PolicyNames: ['default'], Truncated: false };
  },

  PutKeyPolicy(call) {
    const key = authorizedKey(call, 'PutKeyPolicy');
    const policy = text(call, 'Policy');
    call.store.checkKeyPolicy(policy);
    requireNoLockout(call, policy, key);
    key.policyText = policy;
    return {};
  },

  EnableKey: (call) => setState(call, 'EnableKey', 'Enabled'),
  DisableKey: (call) => setState(call, 'DisableKey', 'Disabled'),

  ScheduleKeyDeletion(call) {
    const key = authorizedKey(call, 'ScheduleKeyDeletion');
    const days = typeof call.input.PendingWindowInDays === 'number' ? call.input.PendingWindowInDays : 30;
    if (days < 7 || days > 30) throw new AwsError('ValidationException', 'PendingWindowInDays must be between 7 and 30 (inclusive).', 400);
    if (key.state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`, 400);
    key.state = 'PendingDeletion';
    key.deletion = new Date(call.world.clock.now().getTime() + days * DAY_MS);
    return { KeyId: key.arn, DeletionDate: key.deletion.getTime() / 1000, KeyState: key.state, PendingWindowInDays: days };
  },

  CancelKeyDeletion(call) {
    const key = authorizedKey(call, 'CancelKeyDeletion');
    if (key.state !== 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${key.arn} is not pending deletion.`, 400);
    key.state = 'Disabled';
    key.deletion = undefined;
    return { KeyId: key.arn };
  },

  CreateAlias(call) {
    const alias = text(call, 'AliasName');
    if (!/^alias\/[a-zA-Z0-9/_-]+$/u.test(alias)) throw new AwsError('InvalidAliasNameException', `Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`, 400);
    if (alias.startsWith('alias/aws/')) throw new AwsError('NotAuthorizedException', 'Aliases that begin with alias/aws/ are reserved.', 400);
    const key = call.store.find(text(call, 'TargetKeyId'), call.account, call.region);
    // On both: on the alias by identity policy, on the key by key policy.
    call.world.authorizer.require({ principal: call.principal, action: 'kms:CreateAlias', resource: `arn:aws:kms:${call.region}:${call.account}:${alias}`, resourceAccount: call.account });
    call.store.authorize(call.principal, 'kms:CreateAlias', key, {});
    call.store.addAlias(alias, key.arn);
    return {};
  },

  ListAliases(call) {
    call.world.authorizer.require({ principal: call.principal, action: 'kms:ListAliases', resource: '*', resourceAccount: call.account });
    const wanted = optionalText(call, 'KeyId');
    const keyArn = wanted === undefined ? undefined : call.store.find(wanted, call.account, call.region).arn;
    const all = [...call.store.aliases].filter(([arn, target]) => arn.startsWith(`arn:aws:kms:${call.region}:${call.account}:`) && (keyArn === undefined || target === keyArn));
    const { items, more } = page(call, all, 50);
    return { Aliases: items.map(([arn, target]) => ({ AliasArn: arn, AliasName: arn.split(':').slice(5).join(':'), TargetKeyId: target.split('/')[1] })), ...more };
  },
};

function setState(call: KmsCall, action: string, state: 'Enabled' | 'Disabled'): Readonly<Record<string, unknown>> {
  const key = authorizedKey(call, action);
  if (key.state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`, 400);
  key.state = state;
  return {};
}

/** "The key policy must allow the caller to make a subsequent PutKeyPolicy request", or the key could never be managed again. */
function requireNoLockout(call: KmsCall, policyText: string, key?: Key): void {
  if (call.input.BypassPolicyLockoutSafetyCheck === true) return;
  call.store.checkKeyPolicy(policyText);
  const allowed = call.world.authorizer.allows({
    principal: call.principal, action: 'kms:PutKeyPolicy', resource: key?.arn ?? `arn:aws:kms:${call.region}:${call.account}:key/new`, resourceAccount: key?.account ?? call.account,
    resourcePolicy: JSON.parse(policyText) as PolicyDocument, resourcePolicyIsRequired: true,
  });
  if (!allowed) throw new AwsError('MalformedPolicyDocumentException', 'The new key policy will not allow you to update the key policy in the future.', 400);
}

function metadata(key: Key): Readonly<Record<string, unknown>> {
  return {
    AWSAccountId: key.account, KeyId: key.id, Arn: key.arn, CreationDate: key.created.getTime() / 1000, Enabled: key.state === 'Enabled', Description: key.description,
    KeyUsage: 'ENCRYPT_DECRYPT', KeyState: key.state, Origin: 'AWS_KMS', KeyManager: 'CUSTOMER', CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT', KeySpec: 'SYMMETRIC_DEFAULT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'], MultiRegion: false, ...(key.deletion && { DeletionDate: key.deletion.getTime() / 1000 }),
  };
}
