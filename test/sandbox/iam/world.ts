/** The accounts of a sandbox: who exists in them, what they may do, their keys, clock and faults; with the functions that set them up. */
import type { PolicyDocument, World } from '../front/contract.js';
import { createFaults, type InjectedFaults } from '../front/faults.js';
import { createKeyStore, type KeyStore } from '../services/kms/keys.js';
import { createAuthorizer, type SandboxAuthorizer } from './authorizer.js';
import { createIdentityStore, type Identity, type IdentityStore, newId, type Role, type StoredPolicy } from './identities.js';
import { checkPolicy } from './validate.js';

/** A policy as a text (given back byte for byte) or as data. */
export type PolicySource = PolicyDocument | string;

export type NewRole = Readonly<{
  account: string; name: string; trust: PolicySource;
  /** Inline policies by name. */
  policies?: Readonly<Record<string, PolicySource>>;
  managedPolicyArns?: readonly string[];
  permissionsBoundary?: string;
  /** Default `/`. */
  path?: string;
  description?: string; maxSessionSeconds?: number; tags?: Readonly<Record<string, string>>;
}>;

export type SandboxWorld = World & Readonly<{
  authorizer: SandboxAuthorizer;
  identities: IdentityStore;
  kms: KeyStore;
  faults: InjectedFaults;
  clock: SettableClock;
  /** OIDC issuer (https://…) → address of the loopback server that stands for it. */
  oidcIssuers: Map<string, string>;
  /** @returns its ARN. @throws AwsError MalformedPolicyDocument, LimitExceeded, EntityAlreadyExists, NoSuchEntity: what IAM refuses is refused here */
  createRole(role: NewRole): string;
  createUser(user: Readonly<{ account: string; name: string; policies?: Readonly<Record<string, PolicySource>>; managedPolicyArns?: readonly string[]; permissionsBoundary?: string; tags?: Readonly<Record<string, string>> }>): string;
  createManagedPolicy(policy: Readonly<{ account: string; name: string; document: PolicySource; path?: string; description?: string }>): string;
  /** Adds or replaces an inline policy of a role or user. */
  putPolicy(arn: string, name: string, document: PolicySource): void;
  attachPolicy(arn: string, policyArn: string): void;
  /** @param url issuer with or without https:// */
  createOidcProvider(provider: Readonly<{ account: string; url: string; clientIds: readonly string[]; thumbprints?: readonly string[] }>): string;
  /** Without a policy the key has KMS's default: the account's root, so IAM policies decide. @returns its ARN */
  createKey(key: Readonly<{ account: string; region: string; policy?: PolicySource; alias?: string; description?: string }>): string;
}>;

export type SettableClock = Readonly<{
  now(): Date;
  /** Moves the sandbox's time; 0 is the machine's own. */
  shift(seconds: number): void;
}>;

/**
 * @param accounts 12-digit ids
 * @param clock default: the machine's time
 * @param oidcIssuers issuer as it stands in tokens → loopback address where STS fetches `/.well-known/openid-configuration`
 */
export function createIdentityWorld({ accounts, clock = createClock(), oidcIssuers = {} }: Readonly<{
  accounts: readonly string[]; clock?: SettableClock; oidcIssuers?: Readonly<Record<string, string>>;
}>): SandboxWorld {
  const identities = createIdentityStore(accounts, clock);
  const authorizer = createAuthorizer(identities, clock);
  const kms = createKeyStore({ identities, authorizer, clock });

  const inline = (policies: Readonly<Record<string, PolicySource>> = {}, owner: Pick<Identity, 'kind' | 'name'>): ReadonlyMap<string, string> => {
    const texts = new Map(Object.entries(policies).map(([name, policy]) => [name, textOf(policy)]));
    for (const text of texts.values()) checkPolicy(text, 'identity');
    identities.requireInlineSize(texts, owner);
    return texts;
  };
  const newIdentity = (kind: 'role' | 'user', account: string, name: string, path: string, more: Readonly<{ policies?: Readonly<Record<string, PolicySource>> | undefined; managedPolicyArns?: readonly string[] | undefined; permissionsBoundary?: string | undefined; tags?: Readonly<Record<string, string>> | undefined; description?: string | undefined }>): Identity => {
    requireAccount(account, accounts);
    for (const arn of [...(more.managedPolicyArns ?? []), ...(more.permissionsBoundary ? [more.permissionsBoundary] : [])]) identities.requirePolicy(arn);
    return {
      kind, account, name, path, arn: `arn:aws:iam::${account}:${kind}${path}${name}`, id: newId(kind === 'role' ? 'AROA' : 'AIDA'), created: clock.now(),
      description: more.description ?? '', inline: inline(more.policies, { kind, name }), attached: more.managedPolicyArns ?? [], boundary: more.permissionsBoundary,
      tags: new Map(Object.entries(more.tags ?? {})),
    };
  };

  return {
    accounts, clock, identities, authorizer, kms, faults: createFaults(), oidcIssuers: new Map(Object.entries(oidcIssuers)),
    createRole({ account, name, trust, path = '/', maxSessionSeconds = 3600, ...more }) {
      const text = textOf(trust);
      checkPolicy(text, 'trust', identities.principalExists);
      const role: Role = { ...newIdentity('role', account, name, path, more), kind: 'role', trust: text, maxSessionSeconds };
      identities.addRole(role);
      return role.arn;
    },
    createUser({ account, name, ...more }) {
      const user = { ...newIdentity('user', account, name, '/', more), kind: 'user' as const };
      identities.users.set(user.arn, user);
      return user.arn;
    },
    createManagedPolicy({ account, name, document, path = '/', description = '' }) {
      // AWS's own policies, arn:aws:iam::aws:policy/…, belong to "account" aws.
      if (account !== 'aws') requireAccount(account, accounts);
      const text = textOf(document);
      const policy: StoredPolicy = {
        arn: `arn:aws:iam::${account}:policy${path}${name}`, policyId: newId('ANPA'), name, path, account, created: clock.now(), description, text,
        document: checkPolicy(text, 'managed'),
      };
      identities.addPolicy(policy);
      return policy.arn;
    },
    putPolicy(arn, name, document) {
      const owner = identities.requireIdentity(arn);
      checkPolicy(textOf(document), 'identity');
      identities.replace({ ...owner, inline: new Map([...owner.inline, [name, textOf(document)]]) });
    },
    attachPolicy(arn, policyArn) {
      const owner = identities.requireIdentity(arn);
      identities.requirePolicy(policyArn);
      identities.replace({ ...owner, attached: [...new Set([...owner.attached, policyArn])] });
    },
    createOidcProvider({ account, url, clientIds, thumbprints = [] }) {
      requireAccount(account, accounts);
      return identities.addProvider({ account, url: url.replace(/^https:\/\//u, ''), clientIds, thumbprints });
    },
    createKey({ account, region, policy, alias, description }) {
      requireAccount(account, accounts);
      const arn = kms.create({ account, region, policyText: policy && textOf(policy), description });
      if (alias) kms.addAlias(alias, arn);
      return arn;
    },
  };
}

const textOf = (policy: PolicySource): string => (typeof policy === 'string' ? policy : JSON.stringify(policy));

function requireAccount(account: string, accounts: readonly string[]): void {
  if (!accounts.includes(account)) throw new Error(`account ${account} is not part of this sandbox (${accounts.join(', ')}): name it in createIdentityWorld({ accounts })`);
}

export function createClock(): SettableClock {
  let offset = 0;
  return { now: () => new Date(Date.now() + offset), shift: (seconds) => { offset = seconds * 1000; } };
}
