/** What every KMS operation receives, and how it reads its members. */
import { AwsError, type Principal } from '../../front/contract.js';
import type { Context } from '../../iam/patterns.js';
import type { SandboxWorld } from '../../iam/world.js';
import type { Key, KeyStore } from './keys.js';

export type KmsCall = Readonly<{
  store: KeyStore; world: SandboxWorld; principal: Principal;
  /** The caller's; key ids and aliases without an ARN are looked up there. */
  account: string;
  region: string;
  input: Readonly<Record<string, unknown>>;
}>;
export type KmsOperation = (call: KmsCall) => Readonly<Record<string, unknown>>;

export function text({ input }: Pick<KmsCall, 'input'>, name: string): string {
  const value = optionalText({ input }, name);
  if (value !== undefined) return value;
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  throw new AwsError('ValidationException', `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`, 400);
}

export function optionalText({ input }: Pick<KmsCall, 'input'>, name: string): string | undefined {
  const value = input[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A map of texts, empty when it is not there. */
export function textMap(value: unknown): Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, String(one)])) : {};
}

/** The key that `KeyId` names, after the caller was found to be allowed `action` on it. */
export function authorizedKey(call: KmsCall, action: string, options: Readonly<{ encryptionContext?: Readonly<Record<string, string>>; context?: Context }> = {}): Key {
  const reference = text(call, 'KeyId');
  const key = call.store.find(reference, call.account, call.region);
  const alias = reference.replace(/^arn:[^/]*:alias\//u, 'alias/');
  const byAlias = alias.startsWith('alias/') ? { 'kms:requestalias': [alias] } : {};
  call.store.authorize(call.principal, `kms:${action}`, key, { ...options, context: { ...byAlias, ...options.context } });
  return key;
}

/** One page of a list: `Limit` and `Marker` of KMS, where the marker is the place to go on from. */
export function page<T>({ input }: Pick<KmsCall, 'input'>, all: readonly T[], defaultLimit: number): Readonly<{ items: readonly T[]; more: Readonly<Record<string, unknown>> }> {
  const limit = typeof input.Limit === 'number' ? input.Limit : defaultLimit;
  const start = input.Marker === undefined ? 0 : Number(input.Marker);
  if (!Number.isInteger(start)) throw new AwsError('InvalidMarkerException', 'Could not deserialize marker', 400);
  const truncated = start + limit < all.length;
  return { items: all.slice(start, start + limit), more: { Truncated: truncated, ...(truncated && { NextMarker: String(start + limit) }) } };
}
