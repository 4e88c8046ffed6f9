/** KMS's keys: material, policy, state, aliases and grants; and the decision who may use one. */
import { randomBytes, randomUUID } from 'node:crypto';
import { AwsError, type Kms, type PolicyDocument, type Principal } from '../../front/contract.js';
import type { SandboxAuthorizer } from '../../iam/authorizer.js';
import { refusalText } from '../../iam/evaluate.js';
import type { IdentityStore } from '../../iam/identities.js';
import type { Context } from '../../iam/patterns.js';
import { checkPolicy, LIMITS } from '../../iam/validate.js';
import { type Grant, grantAllows } from './grants.js';

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion';
export type Key = {
  readonly arn: string; readonly id: string; readonly account: string; readonly region: string; readonly created: Date; readonly description: string;
  /** AES-256. */
  readonly material: Buffer;
  policyText: string;
  state: KeyState;
  deletion: Date | undefined;
  readonly grants: Map<string, Grant>;
};

export type EncryptionContext = Readonly<Record<string, string>>;
export type KeyUse = Readonly<{ region: string; via?: string | undefined; encryptionContext?: EncryptionContext | undefined; context?: Context | undefined }>;

export type KeyStore = Kms & ReturnType<typeof createKeyStore>;

type World = Readonly<{ identities: IdentityStore; authorizer: SandboxAuthorizer; clock: Readonly<{ now(): Date }> }>;

export function createKeyStore({ identities, authorizer, clock }: World) {
  const keys = new Map<string, Key>();
  /** Alias ARN → key ARN. */
  const aliases = new Map<string, string>();

  const store = {
    keys, aliases,

    create({ account, region, policyText, description = '' }: Readonly<{ account: string; region: string; policyText?: string | undefined; description?: string | undefined }>): string {
      if (policyText !== undefined) store.checkKeyPolicy(policyText);
      const id = randomUUID();
      const arn = `arn:aws:kms:${region}:${account}:key/${id}`;
      keys.set(arn, {
        arn, id, account, region, created: clock.now(), description, material: randomBytes(32), policyText: policyText ?? defaultPolicy(account),
        state: 'Enabled', deletion: undefined, grants: new Map(),
      });
      return arn;
    },

    addAlias(alias: string, keyArn: string): void {
      const key = keys.get(keyArn);
      if (!key) throw new AwsError('NotFoundException', `Key '${keyArn}' does not exist`, 400);
      const arn = `arn:aws:kms:${key.region}:${key.account}:${alias}`;
      if (aliases.has(arn)) throw new AwsError('AlreadyExistsException', `An alias with the name ${arn} already exists`, 400);
      aliases.set(arn, keyArn);
    },

    /** @param reference key id, key ARN, `alias/…` or alias ARN; ids and bare aliases are looked up in `account` @throws AwsError NotFoundException */
    find(reference: string, account: string, region: string): Key {
      const arn = arnOf(reference, account, region);
      const key = keys.get(aliases.get(arn) ?? arn);
      if (key && key.region === region) return key;
      if (arn.includes(':alias/')) throw new AwsError('NotFoundException', `Alias ${arn} is not found.`, 400);
      throw new AwsError('NotFoundException', key ? `Invalid arn ${key.region}` : `Key '${arn}' does not exist`, 400);
    },

    /** @throws AwsError AccessDenied in KMS's words */
    authorize(principal: Principal, action: string, key: Key, { via, encryptionContext = {}, context = {} }: Omit<KeyUse, 'region'>): void {
      const request = {
        principal, action, resource: key.arn, resourceAccount: key.account, resourcePolicy: JSON.parse(key.policyText) as PolicyDocument, resourcePolicyIsRequired: true,
        allowedByGrant: [...key.grants.values()].some((grant) => grantAllows(grant, principal, action, encryptionContext)),
        context: {
          'kms:calleraccount': principal.kind === 'anonymous' ? [] : [principal.account],
          ...(via && { 'kms:viaservice': [via], 'aws:viaawsservice': ['true'], 'aws:calledvia': [via], 'aws:calledviafirst': [via], 'aws:calledvialast': [via] }),
          ...(Object.keys(encryptionContext).length > 0 && { 'kms:encryptioncontextkeys': Object.keys(encryptionContext) }),
          ...Object.fromEntries(Object.entries(encryptionContext).map(([name, value]) => [`kms:encryptioncontext:${name.toLowerCase()}`, [value]])),
          ...context,
        },
      };
      const decision = authorizer.decide(request);
      if (!decision.allowed) throw new AwsError('AccessDenied', refusalText(principal, action, key.arn, decision), 403);
    },

    requireUsable(key: Key): void {
      if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`, 400);
      if (key.state === 'PendingDeletion') throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`, 400);
    },

    use(principal: Principal, action: Parameters<Kms['use']>[1], keyIdOrArn: string, options: KeyUse): Readonly<{ keyArn: string }> {
      const key = store.find(keyIdOrArn, principal.kind === 'anonymous' ? '' : principal.account, options.region);
      // A grant that a service asks for on the caller's behalf is one for an AWS resource; the usual key policies ask for just that.
      const context = action === 'kms:CreateGrant' ? { 'kms:grantisforawsresource': [String(options.via !== undefined)] } : {};
      store.authorize(principal, action, key, { ...options, context: { ...context, ...options.context } });
      if (action !== 'kms:DescribeKey') store.requireUsable(key);
      return { keyArn: key.arn };
    },

    /** @throws AwsError MalformedPolicyDocumentException, LimitExceededException */
    checkKeyPolicy(text: string): void {
      if (Buffer.byteLength(text) > LIMITS.keyPolicyBytes) throw new AwsError('LimitExceededException', `The policy is longer than ${LIMITS.keyPolicyBytes} bytes`, 400);
      try {
        checkPolicy(text, 'resource', identities.principalExists);
      } catch (error) {
        if (!(error instanceof AwsError) || error.code !== 'MalformedPolicyDocument') throw error;
        const message = error.message.startsWith('Invalid principal') ? 'Policy contains a statement with one or more invalid principals.' : error.message;
        throw new AwsError('MalformedPolicyDocumentException', message, 400);
      }
    },
  };
  return store;
}

function arnOf(reference: string, account: string, region: string): string {
  if (reference.startsWith('arn:')) return reference;
  return `arn:aws:kms:${region}:${account}:${reference.startsWith('alias/') ? reference : `key/${reference}`}`;
}

/** What a key made by API gets: the account decides by IAM policies. */
function defaultPolicy(account: string): string {
  const statement = { Sid: 'Enable IAM User Permissions', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' };
  return JSON.stringify({ Version: '2012-10-17', Id: 'key-default-1', Statement: [statement] });
}
