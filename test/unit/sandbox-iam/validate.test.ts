import { describe, expect, it } from '@jest/globals';
import { checkPolicy, type PolicyUse, sizeOf } from '../../sandbox/iam/validate.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';

const good = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
const trust = { Effect: 'Allow', Principal: { Service: 'airflow-env.amazonaws.com' }, Action: 'sts:AssumeRole' };
const text = (statement: object, more: object = { Version: '2012-10-17' }): string => JSON.stringify({ ...more, Statement: [statement] });
const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('what IAM refuses as malformed', () => {
  it.each<Readonly<{ policy: string; use?: PolicyUse; because: string }>>([
    { policy: '{', because: 'no JSON' },
    { policy: text(good, { Version: '2012-10-18' }), because: 'unknown version' },
    { policy: text(good, { Version: '2012-10-17', Statements: [] }), because: 'unknown element of the policy' },
    { policy: '{"Version":"2012-10-17","Statement":[]}', because: 'no statement' },
    { policy: text({ ...good, Resources: '*' }), because: 'unknown element of a statement' },
    { policy: text({ ...good, Effect: 'allow' }), because: 'Effect has a case' },
    { policy: text({ Effect: 'Allow', Action: 's3:GetObject' }), because: 'no resource' },
    { policy: text({ Effect: 'Allow', Resource: '*' }), because: 'no action' },
    { policy: text({ ...good, NotAction: 's3:*' }), because: 'Action and NotAction' },
    { policy: text({ ...good, Action: 'GetObject' }), because: 'an action without its service' },
    { policy: text({ ...good, Resource: 'data/*' }), because: 'a resource that is no ARN' },
    { policy: text({ ...good, Principal: '*' }), because: 'an identity policy names nobody' },
    { policy: text({ ...good, Condition: { StringMatches: { 'aws:x': 'y' } } }), because: 'unknown operator' },
    { policy: text({ ...good, Condition: { StringEquals: { x: 'y' } } }), because: 'a key without its service' },
    { policy: text({ ...good, Sid: 'no spaces' }), because: 'a Sid is alphanumeric' },
    { policy: text(good), use: 'resource', because: 'a resource policy names somebody' },
    { policy: text({ ...good, Principal: { CanonicalUser: 'abc' } }), use: 'resource', because: 'canonical users are not supported' },
    { policy: text({ ...good, Principal: { AWS: 'arn:aws:iam::111122223333:role/*' } }), use: 'resource', because: 'no wildcard inside a principal' },
    { policy: text({ ...trust, Resource: '*' }), use: 'trust', because: 'a trust policy has no Resource' },
    { policy: text({ ...trust, Action: 's3:GetObject' }), use: 'trust', because: 'and speaks of sts only' },
    { policy: text({ ...trust, Principal: { AWS: 'arn:aws:iam::111122223333:role/gone' } }), use: 'trust', because: 'the principal does not exist' },
  ])('$because', ({ policy, use = 'identity' }) => expect(codeOf(() => checkPolicy(policy, use, () => false))).toBe('MalformedPolicyDocument'));

  it('takes what is right', () => {
    expect(codeOf(() => checkPolicy(text(good), 'identity'))).toBe('accepted');
    expect(codeOf(() => checkPolicy(text(trust), 'trust'))).toBe('accepted');
    expect(codeOf(() => checkPolicy(text({ ...good, Sid: 'with spaces', Principal: '*' }), 'resource'))).toBe('accepted');
  });
});

describe('sizes', () => {
  /** A policy of exactly this many characters, whitespace not counted. */
  const policyOf = (size: number, statement: object = good): string => {
    const empty = text({ ...statement, Sid: '' });
    return `  ${text({ ...statement, Sid: 'x'.repeat(size - sizeOf(empty)) })}\n`;
  };
  it.each([
    { use: 'managed', limit: 6144, statement: good },
    { use: 'trust', limit: 2048, statement: trust },
  ] as const)('$use: $limit characters without whitespace, not one more', ({ use, limit, statement }) => {
    expect(codeOf(() => checkPolicy(policyOf(limit, statement), use))).toBe('accepted');
    expect(codeOf(() => checkPolicy(policyOf(limit + 1, statement), use))).toBe('LimitExceeded');
  });

  it('counts the inline policies of a role together, 10,240 at most', () => {
    const world = createIdentityWorld({ accounts: ['111122223333'] });
    const role = world.createRole({ account: '111122223333', name: 'r', trust: text(trust), policies: { one: policyOf(5240) } });
    world.putPolicy(role, 'two', policyOf(4800));
    expect(codeOf(() => world.putPolicy(role, 'three', policyOf(201)))).toBe('LimitExceeded');
    // Replacing one frees its room.
    world.putPolicy(role, 'two', policyOf(4799));
    expect(codeOf(() => world.putPolicy(role, 'three', policyOf(201)))).toBe('accepted');
  });
});
