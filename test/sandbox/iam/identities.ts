/** Roles, users, policies, OIDC providers and credentials of the sandbox's accounts. In memory: a sandbox lives as long as its process. */
import { randomBytes } from 'node:crypto';
import { AwsError, type Identities, type PolicyDocument, type Principal } from '../front/contract.js';
import type { Context } from './patterns.js';
import { LIMITS, sizeOf } from './validate.js';

export type StoredPolicy = Readonly<{ arn: string; policyId: string; name: string; path: string; account: string; created: Date; description: string; text: string; document: PolicyDocument }>;

/** What IAM keeps of a role or user. Replaced as a whole when it changes, so that what a reader holds stays as it was. */
export type Identity = Readonly<{
  kind: 'role' | 'user';
  arn: string; account: string; name: string; path: string; id: string; created: Date; description: string;
  /** Name → text as it was given; IAM gives back the same text. */
  inline: ReadonlyMap<string, string>;
  attached: readonly string[];
  boundary: string | undefined;
  tags: ReadonlyMap<string, string>;
}>;
export type Role = Identity & Readonly<{ kind: 'role'; trust: string; maxSessionSeconds: number }>;
export type OidcProvider = Readonly<{ arn: string; account: string; url: string; clientIds: readonly string[]; thumbprints: readonly string[]; created: Date }>;

export type Credential = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date; principal: Principal }>;
export type SessionCredential = Credential & Readonly<{ sessionToken: string; expiration: Date }>;

export type SessionOrder = Readonly<{
  role: Role; sessionName: string; seconds: number;
  sessionPolicies?: readonly PolicyDocument[];
  keys?: Context;
}>;

const isRole = (identity: Identity): identity is Role => identity.kind === 'role';
const parsePolicy = (text: string): PolicyDocument => JSON.parse(text) as PolicyDocument;

export type IdentityStore = Identities & ReturnType<typeof createIdentityStore>;

export function createIdentityStore(accounts: readonly string[], clock: Readonly<{ now(): Date }>) {
  const roles = new Map<string, Role>();
  const users = new Map<string, Identity & { kind: 'user' }>();
  const policies = new Map<string, StoredPolicy>();
  const providers = new Map<string, OidcProvider>();
  const credentials = new Map<string, Credential>();

  const byName = <T extends Identity>(from: ReadonlyMap<string, T>, account: string, name: string): T | undefined =>
    [...from.values()].find((one) => one.account === account && one.name === name);

  /** A role made anew under the name of a deleted one is another role: the old one's sessions get nothing from it. */
  const roleOf = ({ roleArn, keys }: Extract<Principal, { kind: 'role-session' }>): Role | undefined => {
    const role = roles.get(roleArn);
    const id = keys['aws:userid']?.[0]?.split(':')[0];
    return id === undefined || id === role?.id ? role : undefined;
  };

  const store = {
    accounts,
    roles, users, policies, providers,
    role: (account: string, name: string): Role | undefined => byName(roles, account, name),
    user: (account: string, name: string) => byName(users, account, name),
    newId,

    addRole(role: Role): void {
      const sameName = [...roles.values()].some(({ account, name }) => account === role.account && name.toLowerCase() === role.name.toLowerCase());
      if (sameName) throw new AwsError('EntityAlreadyExists', `Role with name ${role.name} already exists.`, 409);
      roles.set(role.arn, role);
    },
    addPolicy(policy: StoredPolicy): void {
      if (policies.has(policy.arn)) throw new AwsError('EntityAlreadyExists', `A policy called ${policy.name} already exists. Duplicate names are not allowed.`, 409);
      policies.set(policy.arn, policy);
    },
    addProvider(provider: Omit<OidcProvider, 'arn' | 'created'>): string {
      const arn = `arn:aws:iam::${provider.account}:oidc-provider/${provider.url}`;
      if (providers.has(arn)) throw new AwsError('EntityAlreadyExists', `Provider with url https://${provider.url} already exists.`, 409);
      providers.set(arn, { ...provider, arn, created: clock.now() });
      return arn;
    },
    /** Puts the changed role or user in the place of the old one. */
    replace(identity: Identity): void {
      store.requireInlineSize(identity.inline, identity);
      if (identity.attached.length > LIMITS.attachedPerIdentity)
        throw new AwsError('LimitExceeded', `Cannot exceed quota for Policies${isRole(identity) ? 'PerRole' : 'PerUser'}: ${LIMITS.attachedPerIdentity}`, 409);
      if (isRole(identity)) roles.set(identity.arn, identity);
      else users.set(identity.arn, { ...identity, kind: 'user' });
    },
    removeRole(arn: string): void {
      roles.delete(arn);
    },
    requireIdentity(arn: string): Identity {
      const found = roles.get(arn) ?? users.get(arn);
      if (!found) throw new AwsError('NoSuchEntity', `There is no role or user ${arn}.`, 404);
      return found;
    },
    requirePolicy(arn: string): StoredPolicy {
      const policy = policies.get(arn);
      if (!policy) throw new AwsError('NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`, 404);
      return policy;
    },
    /** All inline policies of one role or user together. */
    requireInlineSize(texts: ReadonlyMap<string, string>, { kind, name }: Pick<Identity, 'kind' | 'name'>): void {
      const limit = kind === 'role' ? LIMITS.inlinePerRole : LIMITS.inlinePerUser;
      const total = [...texts.values()].reduce((sum, text) => sum + sizeOf(text), 0);
      if (total > limit) throw new AwsError('LimitExceeded', `Maximum policy size of ${limit} bytes exceeded for ${kind} ${name}`, 409);
    },

    credential: (accessKeyId: string): Credential | undefined => credentials.get(accessKeyId),

    session({ role, sessionName, seconds, sessionPolicies = [], keys = {} }: SessionOrder): SessionCredential {
      const now = clock.now();
      const principal: Principal = {
        kind: 'role-session', account: role.account, arn: `arn:aws:sts::${role.account}:assumed-role/${role.name}/${sessionName}`,
        roleArn: role.arn, roleName: role.name, sessionName, sessionPolicies,
        keys: { 'aws:userid': [`${role.id}:${sessionName}`], 'aws:tokenissuetime': [now.toISOString()], ...keys },
      };
      const credential = { ...newKey('ASIA'), sessionToken: randomBytes(120).toString('base64'), expiration: new Date(now.getTime() + seconds * 1000), principal };
      credentials.set(credential.accessKeyId, credential);
      return credential;
    },

    /** Ends every session of all roles at once, as if their time had passed; tests of renewal use it. */
    expireSessions(): void {
      for (const [id, credential] of credentials) if (credential.expiration) credentials.set(id, { ...credential, expiration: new Date(0) });
    },

    sessionForService(roleArn: string, service: string, sessionName: string, seconds: number): SessionCredential {
      const role = roles.get(roleArn);
      if (!role) throw new AwsError('AccessDenied', `${service} cannot assume ${roleArn}: there is no such role`, 403);
      return store.session({ role, sessionName, seconds });
    },

    accessKeyFor(arn: string): Credential {
      const [, account = ''] = /^arn:aws:iam::(\d{12}):/u.exec(arn) ?? [];
      const existing = [...credentials.values()].find(({ principal, sessionToken }) => !sessionToken && principal.kind !== 'anonymous' && principal.arn === arn);
      if (existing) return existing;
      const user = users.get(arn);
      const principal: Principal | undefined = user
        ? { kind: 'user', account, arn, name: user.name }
        : accounts.includes(account) && arn.endsWith(':root') ? { kind: 'root', account, arn } : undefined;
      if (!principal) throw new Error(`${arn} is neither a user of this sandbox nor the root of one of its accounts (${accounts.join(', ')}), so it can have no access key`);
      const credential = { ...newKey('AKIA'), principal };
      credentials.set(credential.accessKeyId, credential);
      return credential;
    },

    roleExists: (arn: string): boolean => roles.has(arn),
    trustPolicy(roleArn: string): PolicyDocument | undefined {
      const role = roles.get(roleArn);
      return role && parsePolicy(role.trust);
    },

    /** Whether a policy may name it: accounts, roles and users that exist; sessions of roles that exist. */
    principalExists(value: string): boolean {
      if (value === '*') return true;
      const account = /^(\d{12})$/u.exec(value) ?? /^arn:aws:iam::(\d{12}):root$/u.exec(value);
      // An account outside the sandbox may exist in AWS, so naming it is fine.
      if (account) return true;
      const session = /^arn:aws:sts::(\d{12}):assumed-role\/([^/]+)\/[^/]+$/u.exec(value);
      if (session) return store.role(session[1] ?? '', session[2] ?? '') !== undefined;
      return roles.has(value) || users.has(value);
    },

    /** Identity policies and boundary of the role or user behind a principal; a deleted role has none, so its sessions may nothing. */
    policiesOf(principal: Principal): Readonly<{ identity: readonly PolicyDocument[]; boundary: PolicyDocument | undefined; owner: Identity | undefined }> {
      const owner = principal.kind === 'role-session' ? roleOf(principal) : principal.kind === 'user' ? users.get(principal.arn) : undefined;
      if (!owner) return { identity: [], boundary: undefined, owner };
      const documents = owner.attached.flatMap((arn) => policies.get(arn)?.document ?? []);
      return { identity: [...[...owner.inline.values()].map(parsePolicy), ...documents], boundary: owner.boundary ? policies.get(owner.boundary)?.document : undefined, owner };
    },
  };
  return store;
}

/** AWS's prefixes (AROA role, AIDA user, ANPA policy) before 17 characters of base 32. */
export function newId(prefix: 'AROA' | 'AIDA' | 'ANPA' | 'ASIA' | 'AKIA'): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const length = prefix === 'ASIA' || prefix === 'AKIA' ? 16 : 17;
  return prefix + [...randomBytes(length)].map((byte) => letters[byte % 32]).join('');
}

function newKey(prefix: 'ASIA' | 'AKIA') {
  return { accessKeyId: newId(prefix), secretAccessKey: randomBytes(30).toString('base64') };
}
