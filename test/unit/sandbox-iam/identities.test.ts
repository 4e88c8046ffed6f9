import { beforeEach, describe, expect, it } from '@jest/globals';
import type { PolicyDocument, Principal } from '../../sandbox/front/contract.js';
import { createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';

const ACCOUNT = '111122223333';
const TRUST: PolicyDocument = { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { Service: 'airflow-env.amazonaws.com' }, Action: 'sts:AssumeRole' } };
const ALL: PolicyDocument = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };

let world: SandboxWorld;
beforeEach(() => { world = createIdentityWorld({ accounts: [ACCOUNT, '444455556666'] }); });

const sessionOf = (role: string): Principal => {
  const { accessKeyId } = world.identities.sessionForService(role, 'airflow.amazonaws.com', 's', 900);
  return world.identities.credential(accessKeyId)?.principal ?? { kind: 'anonymous' };
};
const may = (principal: Principal, action: string, resourceAccount = ACCOUNT): boolean => world.authorizer.allows({ principal, action, resource: '*', resourceAccount });

describe('a session', () => {
  it('follows what becomes of its role', () => {
    const role = world.createRole({ account: ACCOUNT, name: 'r', trust: TRUST });
    const session = sessionOf(role);
    expect(may(session, 's3:GetObject')).toBe(false);
    world.putPolicy(role, 'all', ALL);
    expect(may(session, 's3:GetObject')).toBe(true);
    world.identities.removeRole(role);
    expect(may(session, 's3:GetObject')).toBe(false);
  });

  it('gets nothing from a new role of the same name', () => {
    const role = world.createRole({ account: ACCOUNT, name: 'r', trust: TRUST, policies: { all: ALL } });
    const session = sessionOf(role);
    world.identities.removeRole(role);
    world.createRole({ account: ACCOUNT, name: 'r', trust: TRUST, policies: { all: ALL } });
    expect([may(session, 's3:GetObject'), may(sessionOf(role), 's3:GetObject')]).toEqual([false, true]);
  });
});

describe('a refusal', () => {
  it.each([
    { owner: ACCOUNT, message: /^User: .* is not authorized to perform: s3:GetObject on resource: "\*" because no identity-based policy allows the s3:GetObject action$/u },
    { owner: '444455556666', message: /^Access Denied$/u },
  ])('of S3 gives its reason within the account only: $owner', ({ owner, message }) => {
    const principal = sessionOf(world.createRole({ account: ACCOUNT, name: 'r', trust: TRUST }));
    expect(() => world.authorizer.require({ principal, action: 's3:GetObject', resource: '*', resourceAccount: owner })).toThrow(message);
  });
});

describe('setting up', () => {
  it.each([
    { because: 'a name is taken, whatever its case', work: () => world.createRole({ account: ACCOUNT, name: 'TAKEN', trust: TRUST }), code: 'EntityAlreadyExists' },
    { because: 'a boundary does not exist', work: () => world.createRole({ account: ACCOUNT, name: 'r', trust: TRUST, permissionsBoundary: `arn:aws:iam::${ACCOUNT}:policy/none` }), code: 'NoSuchEntity' },
    { because: 'a principal does not exist', work: () => world.createRole({ account: ACCOUNT, name: 'r', trust: { ...TRUST, Statement: { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/none` }, Action: 'sts:AssumeRole' } } }), code: 'MalformedPolicyDocument' },
    { because: 'an eleventh policy is attached', work: () => {
      for (let index = 0; index <= 10; index += 1) world.attachPolicy(`arn:aws:iam::${ACCOUNT}:role/taken`, world.createManagedPolicy({ account: ACCOUNT, name: `p${index}`, document: ALL }));
    }, code: 'LimitExceeded' },
  ])('is refused when $because', ({ work, code }) => {
    world.createRole({ account: ACCOUNT, name: 'taken', trust: TRUST });
    expect(work).toThrow(expect.objectContaining({ code }));
  });

  it('names an account that is not there', () => expect(() => world.createRole({ account: '999999999999', name: 'r', trust: TRUST })).toThrow(/account 999999999999 is not part of this sandbox/u));
});
