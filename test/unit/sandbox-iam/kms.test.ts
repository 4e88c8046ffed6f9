import { beforeEach, describe, expect, it } from '@jest/globals';
import type { FrontRequest, PolicyDocument, Principal } from '../../sandbox/front/contract.js';
import { createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { createKmsService } from '../../sandbox/services/kms/service.js';

const ACCOUNT = '111122223333', REGION = 'eu-west-1';
const TRUST: PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'airflow-env.amazonaws.com' }, Action: 'sts:AssumeRole' }] };
const USE_KEYS: PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*' }] };
const CONTEXT = { 'aws:s3:arn': 'arn:aws:s3:::data', part: '1' };

let world: SandboxWorld;
let root: Principal;
beforeEach(() => {
  world = createIdentityWorld({ accounts: [ACCOUNT, '444455556666'] });
  root = { kind: 'root', account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root` };
});

/** The answer, or the error's code. */
async function call(principal: Principal, action: string, input: object, region = REGION): Promise<Record<string, never> | string> {
  const request = { headers: { 'x-amz-target': `TrentService.${action}` }, body: Buffer.from(JSON.stringify(input)), principal, region } as unknown as FrontRequest;
  try {
    return JSON.parse(String((await createKmsService(world).handle(request)).body)) as Record<string, never>;
  } catch (error) {
    return (error as { code: string }).code;
  }
}
const sessionOf = (name: string, policies: Readonly<Record<string, PolicyDocument>> = {}, account = ACCOUNT): Principal => {
  const arn = world.createRole({ account, name, trust: TRUST, policies });
  return (world.identities.sessionForService(arn, 'airflow.amazonaws.com', 'test', 900) as unknown as { principal: Principal }).principal;
};
const keyPolicy = (...statements: object[]): PolicyDocument => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'kms:*', Resource: '*' }, ...statements] as never });

describe('encryption context', () => {
  it.each([
    { context: { part: '1', 'aws:s3:arn': 'arn:aws:s3:::data' }, answer: 'c2VjcmV0', because: 'the order of pairs does not count' },
    { context: { ...CONTEXT, part: '2' }, answer: 'InvalidCiphertextException', because: 'another value' },
    { context: { part: '1' }, answer: 'InvalidCiphertextException', because: 'a pair is missing' },
    { context: undefined, answer: 'InvalidCiphertextException', because: 'none at all' },
  ])('$because: $answer', async ({ context, answer }) => {
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const sealed = await call(root, 'Encrypt', { KeyId: key, Plaintext: 'c2VjcmV0', EncryptionContext: CONTEXT });
    const opened = await call(root, 'Decrypt', { CiphertextBlob: (sealed as unknown as { CiphertextBlob: string }).CiphertextBlob, EncryptionContext: context });
    expect(typeof opened === 'string' ? opened : opened.Plaintext).toBe(answer);
  });

  it('can be asked for by a policy', async () => {
    const condition = { StringEquals: { 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::data' } };
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const session = sessionOf('r', { p: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:GenerateDataKey', Resource: key, Condition: condition } } });
    const answer = await call(session, 'GenerateDataKey', { KeyId: key, KeySpec: 'AES_256', EncryptionContext: CONTEXT });
    expect(Buffer.from(String((answer as { Plaintext?: string }).Plaintext), 'base64')).toHaveLength(32);
    expect(await call(session, 'GenerateDataKey', { KeyId: key, KeySpec: 'AES_256', EncryptionContext: { part: '1' } })).toBe('AccessDenied');
  });

  it('is not in the ciphertext, nor the plaintext', async () => {
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const sealed = (await call(root, 'Encrypt', { KeyId: key, Plaintext: 'c2VjcmV0', EncryptionContext: CONTEXT })) as unknown as { CiphertextBlob: string };
    const bytes = Buffer.from(sealed.CiphertextBlob, 'base64');
    expect([bytes.includes('secret'), bytes.includes('arn:aws:s3:::data')]).toEqual([false, false]);
  });
});

describe('who may use a key', () => {
  it('is decided by the key policy first: kms:* in the role helps only where the key hands over to the account', async () => {
    const own = world.createKey({ account: ACCOUNT, region: REGION });
    const reader = sessionOf('reader', { all: USE_KEYS });
    const closed = world.createKey({ account: ACCOUNT, region: REGION, policy: { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/reader` }, Action: 'kms:DescribeKey', Resource: '*' } } });
    expect(await call(reader, 'GenerateDataKey', { KeyId: own, KeySpec: 'AES_256' })).toMatchObject({ KeyId: own });
    expect(await call(reader, 'GenerateDataKey', { KeyId: closed, KeySpec: 'AES_256' })).toBe('AccessDenied');
    expect(await call(reader, 'DescribeKey', { KeyId: closed })).toMatchObject({ KeyMetadata: { Arn: closed } });
  });

  it('may depend on the service it goes through', () => {
    const via = { StringEquals: { 'kms:ViaService': `s3.${REGION}.amazonaws.com` } };
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const session = sessionOf('r', { p: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*', Condition: via } } });
    expect(world.kms.use(session, 'kms:Decrypt', key, { region: REGION, via: `s3.${REGION}.amazonaws.com` })).toEqual({ keyArn: key });
    expect(() => world.kms.use(session, 'kms:Decrypt', key, { region: REGION, via: `logs.${REGION}.amazonaws.com` })).toThrow(/not authorized to perform: kms:Decrypt/u);
  });

  it('of another account needs leave on both sides, and gets no hint whose key it is', async () => {
    const stranger = sessionOf('stranger', { all: USE_KEYS }, '444455556666');
    const powerless = sessionOf('powerless', {}, '444455556666');
    const shared = world.createKey({ account: ACCOUNT, region: REGION, policy: keyPolicy({ Effect: 'Allow', Principal: { AWS: '444455556666' }, Action: 'kms:Decrypt', Resource: '*' }) });
    const sealed = (await call(root, 'Encrypt', { KeyId: shared, Plaintext: 'c2VjcmV0' })) as unknown as { CiphertextBlob: string };
    expect(await call(stranger, 'Decrypt', sealed)).toMatchObject({ Plaintext: 'c2VjcmV0' });
    expect(await call(powerless, 'Decrypt', sealed)).toBe('AccessDenied');
    expect(await call(stranger, 'Decrypt', sealed, 'us-east-1')).toBe('AccessDeniedException');
  });

  it('can be granted, within the constraint, until revoked', async () => {
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const worker = sessionOf('worker');
    const grant = (await call(root, 'CreateGrant', {
      KeyId: key, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/worker`, Operations: ['Decrypt'], Constraints: { EncryptionContextSubset: { part: '1' } },
    })) as unknown as { GrantId: string };
    const sealed = async (context: object) => (await call(root, 'Encrypt', { KeyId: key, Plaintext: 'c2VjcmV0', EncryptionContext: context })) as unknown as { CiphertextBlob: string };
    expect(await call(worker, 'Decrypt', { ...(await sealed(CONTEXT)), EncryptionContext: CONTEXT })).toMatchObject({ Plaintext: 'c2VjcmV0' });
    expect(await call(worker, 'Decrypt', { ...(await sealed({ part: '2' })), EncryptionContext: { part: '2' } })).toBe('AccessDenied');
    expect(await call(worker, 'Encrypt', { KeyId: key, Plaintext: 'c2VjcmV0', EncryptionContext: CONTEXT })).toBe('AccessDenied');
    await call(root, 'RevokeGrant', { KeyId: key, GrantId: grant.GrantId });
    expect(await call(worker, 'Decrypt', { ...(await sealed(CONTEXT)), EncryptionContext: CONTEXT })).toBe('AccessDenied');
  });

  it('tells a service’s grant from one that somebody makes by hand', async () => {
    const condition = { Bool: { 'kms:GrantIsForAWSResource': 'true' } };
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const session = sessionOf('r', { p: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'kms:CreateGrant', Resource: '*', Condition: condition } } });
    expect(world.kms.use(session, 'kms:CreateGrant', key, { region: REGION, via: `airflow.${REGION}.amazonaws.com` })).toEqual({ keyArn: key });
    expect(await call(session, 'CreateGrant', { KeyId: key, GranteePrincipal: `arn:aws:iam::${ACCOUNT}:role/r`, Operations: ['Decrypt'] })).toBe('AccessDenied');
  });
});

describe('keys', () => {
  it.each([
    { change: 'DisableKey', error: 'DisabledException' },
    { change: 'ScheduleKeyDeletion', error: 'KMSInvalidStateException' },
  ])('after $change encrypt nothing: $error', async ({ change, error }) => {
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    await call(root, change, { KeyId: key });
    expect(await call(root, 'Encrypt', { KeyId: key, Plaintext: 'c2VjcmV0' })).toBe(error);
    expect(await call(root, 'DescribeKey', { KeyId: key })).toMatchObject({ KeyMetadata: { Enabled: false } });
  });

  it('refuse a policy that would lock everybody out', async () => {
    const key = world.createKey({ account: ACCOUNT, region: REGION });
    const locked = { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { Service: 'logs.amazonaws.com' }, Action: 'kms:*', Resource: '*' } };
    expect(await call(root, 'PutKeyPolicy', { KeyId: key, Policy: JSON.stringify(locked) })).toBe('MalformedPolicyDocumentException');
    expect(await call(root, 'GetKeyPolicy', { KeyId: key })).not.toMatchObject({ Policy: JSON.stringify(locked) });
  });

  it('are found by id, ARN and alias', async () => {
    const key = world.createKey({ account: ACCOUNT, region: REGION, alias: 'alias/mwaa' });
    for (const KeyId of [key, key.split('/')[1], 'alias/mwaa', `arn:aws:kms:${REGION}:${ACCOUNT}:alias/mwaa`])
      expect(await call(root, 'DescribeKey', { KeyId })).toMatchObject({ KeyMetadata: { Arn: key } });
    expect(await call(root, 'DescribeKey', { KeyId: 'alias/other' })).toBe('NotFoundException');
  });
});
