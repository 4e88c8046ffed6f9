import { describe, expect, it } from '@jest/globals';
import type { PolicyDocument, PolicyStatement, Principal } from '../../sandbox/front/contract.js';
import { evaluate, type Question, refusalText } from '../../sandbox/iam/evaluate.js';

const ACCOUNT = '111122223333', OTHER = '444455556666';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/loader`, SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/loader/run-1`;
const OBJECT = 'arn:aws:s3:::data/in/1.csv';

const session: Principal = { kind: 'role-session', account: ACCOUNT, arn: SESSION, roleArn: ROLE, roleName: 'loader', sessionName: 'run-1', sessionPolicies: [], keys: {} };
const user: Principal = { kind: 'user', account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/ann`, name: 'ann' };
const root: Principal = { kind: 'root', account: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root` };

const policy = (...statements: PolicyStatement[]): PolicyDocument => ({ Version: '2012-10-17', Statement: statements });
const allow = (more: PolicyStatement = {}): PolicyDocument => policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...more });
const deny = (more: PolicyStatement = {}): PolicyDocument => policy({ Effect: 'Deny', Action: 's3:GetObject', Resource: '*', ...more });
const to = (principal: unknown, more: PolicyStatement = {}): PolicyDocument => allow({ Principal: principal, ...more });

type Row = Readonly<{ is: string; because: string } & Partial<Question>>;
const base: Question = { caller: session, action: 's3:GetObject', resource: OBJECT, resourceAccount: ACCOUNT, context: {}, identityPolicies: [] };
/** `allowed`, or `explicit`/`implicit` and the policy that says so. */
const outcome = (question: Question): string => {
  const decision = evaluate(question);
  return decision.allowed ? 'allowed' : `${decision.how}: ${decision.by}`;
};
const expectRow = ({ is, because: _because, ...question }: Row): void => expect(outcome({ ...base, ...question })).toBe(is);

describe('one account', () => {
  it.each<Row>([
    { is: 'implicit: identity-based policy', because: 'nothing allows by itself' },
    { is: 'allowed', identityPolicies: [allow()], because: 'an identity policy is enough' },
    { is: 'allowed', identityPolicies: [allow({ Action: 's3:getobject' })], because: 'actions are compared without regard to case' },
    { is: 'allowed', identityPolicies: [allow({ Action: 's3:Get*' })], because: '* in an action' },
    { is: 'allowed', identityPolicies: [allow({ Action: 's3:GetObjec?' })], because: '? is one character' },
    { is: 'implicit: identity-based policy', identityPolicies: [allow({ Action: 's3:GetObject?' })], because: '? is not none' },
    { is: 'implicit: identity-based policy', identityPolicies: [allow({ NotAction: 's3:*', Action: undefined })], because: 'NotAction leaves out what it names' },
    { is: 'allowed', identityPolicies: [allow({ NotAction: ['iam:*', 's3:Put*'], Action: undefined })], because: 'NotAction allows what it does not name' },
    { is: 'implicit: identity-based policy', identityPolicies: [allow({ NotResource: 'arn:aws:s3:::data/in/*', Resource: undefined })], because: 'NotResource leaves out what it names' },
    { is: 'allowed', identityPolicies: [allow({ NotResource: 'arn:aws:s3:::data/out/*', Resource: undefined })], because: 'NotResource allows the rest' },
    { is: 'allowed', identityPolicies: [allow({ Resource: 'arn:aws:s3:::data/*' })], because: '* goes over slashes' },
    { is: 'implicit: identity-based policy', identityPolicies: [allow({ Resource: 'arn:aws:s3:::data' })], because: 'the bucket is not its objects' },
    { is: 'explicit: identity-based policy', identityPolicies: [allow(), deny()], because: 'Deny wins over Allow in another policy' },
    { is: 'explicit: identity-based policy', identityPolicies: [policy({ Effect: 'Deny', NotAction: 'iam:*', Resource: '*' }, { Effect: 'Allow', Action: '*', Resource: '*' })], because: 'Deny with NotAction hits all the rest' },
    { is: 'allowed', identityPolicies: [{ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }], because: 'a single statement needs no list' },
    { is: 'allowed', caller: root, because: 'the root user may do all that is its account’s' },
    { is: 'explicit: resource-based policy', caller: root, resourcePolicy: deny({ Principal: '*' }), because: 'a bucket policy can deny even root' },
  ])('$is: $because', expectRow);
});

describe('boundary and session policy', () => {
  const narrow = allow({ Action: 's3:PutObject' });
  it.each<Row>([
    { is: 'implicit: permissions boundary', identityPolicies: [allow()], boundary: narrow, because: 'a boundary limits the identity policy' },
    { is: 'implicit: identity-based policy', boundary: allow(), because: 'a boundary grants nothing' },
    { is: 'explicit: permissions boundary', identityPolicies: [allow()], boundary: policy({ Effect: 'Allow', Action: '*', Resource: '*' }, { Effect: 'Deny', Action: 's3:*', Resource: '*' }), because: 'Deny in a boundary' },
    { is: 'implicit: session policy', identityPolicies: [allow()], sessionPolicies: [narrow], because: 'a session policy limits the role' },
    { is: 'implicit: identity-based policy', sessionPolicies: [allow()], because: 'a session policy grants nothing' },
    { is: 'allowed', identityPolicies: [allow()], sessionPolicies: [narrow, allow()], because: 'of several session policies one is enough' },
    { is: 'explicit: session policy', identityPolicies: [allow()], sessionPolicies: [allow(), deny()], because: 'Deny in one session policy' },
  ])('$is: $because', expectRow);
});

describe('resource policy in the same account', () => {
  const narrow = allow({ Action: 's3:PutObject' });
  it.each<Row>([
    { is: 'allowed', resourcePolicy: to({ AWS: ROLE }), because: 'naming the role is enough without an identity policy' },
    { is: 'implicit: permissions boundary', resourcePolicy: to({ AWS: ROLE }), boundary: narrow, because: 'what is given to the role ARN is limited by its boundary' },
    { is: 'implicit: session policy', resourcePolicy: to({ AWS: ROLE }), sessionPolicies: [narrow], because: 'and by the session policy' },
    { is: 'allowed', resourcePolicy: to({ AWS: SESSION }), boundary: narrow, sessionPolicies: [narrow], because: 'what is given to the session is not limited by implicit denies' },
    { is: 'explicit: permissions boundary', resourcePolicy: to({ AWS: SESSION }), boundary: deny(), because: 'an explicit deny of the boundary counts for the session too' },
    { is: 'allowed', caller: user, resourcePolicy: to({ AWS: user.arn }), boundary: narrow, because: 'what is given to a user is not limited by its boundary' },
    { is: 'allowed', resourcePolicy: to('*', { Condition: { ArnEquals: { 'aws:PrincipalArn': ROLE } } }), context: { 'aws:principalarn': [ROLE] }, boundary: narrow, because: '"*" with aws:PrincipalArn is not limited by a boundary' },
    { is: 'implicit: identity-based policy', resourcePolicy: to({ AWS: ACCOUNT }), because: 'naming the account only lets its own policies decide' },
    { is: 'allowed', resourcePolicy: to({ AWS: `arn:aws:iam::${ACCOUNT}:root` }), identityPolicies: [allow()], because: 'and with one of these it is allowed' },
    { is: 'implicit: identity-based policy', resourcePolicy: to({ AWS: `arn:aws:iam::${ACCOUNT}:role/other` }), because: 'another role is named' },
    { is: 'explicit: resource-based policy', identityPolicies: [allow()], resourcePolicy: deny({ Principal: { AWS: ROLE } }), because: 'Deny to the role' },
    { is: 'explicit: resource-based policy', identityPolicies: [allow()], resourcePolicy: deny({ Principal: { AWS: ACCOUNT } }), because: 'Deny to the whole account' },
    { is: 'explicit: resource-based policy', identityPolicies: [allow()], resourcePolicy: deny({ NotPrincipal: { AWS: [ROLE, ACCOUNT] } }), because: 'NotPrincipal must list the session too' },
    { is: 'allowed', identityPolicies: [allow()], resourcePolicy: deny({ NotPrincipal: { AWS: [SESSION, ROLE, ACCOUNT] } }), because: 'NotPrincipal lists session, role and account' },
    { is: 'allowed', caller: { kind: 'anonymous' }, resourcePolicy: to({ AWS: '*' }), because: 'everyone is everyone' },
    { is: 'implicit: resource-based policy', caller: { kind: 'anonymous' }, resourcePolicy: to({ AWS: ACCOUNT }), because: 'nobody is in no account' },
    { is: 'allowed', caller: { kind: 'service', account: ACCOUNT, service: 'logs.eu-west-1.amazonaws.com', arn: 'x' }, resourcePolicy: to({ Service: 'logs.amazonaws.com' }), because: 'a service without region names all its regions' },
    { is: 'implicit: resource-based policy', caller: { kind: 'service', account: ACCOUNT, service: 'logs.eu-west-1.amazonaws.com', arn: 'x' }, resourcePolicy: to({ Service: 'logs.us-east-1.amazonaws.com' }), because: 'another region’s service' },
  ])('$is: $because', expectRow);
});

describe('two accounts', () => {
  it.each<Row>([
    { is: 'implicit: resource-based policy', identityPolicies: [allow()], because: 'the other account has not allowed' },
    { is: 'implicit: identity-based policy', resourcePolicy: to({ AWS: ROLE }), because: 'the own account has not allowed' },
    { is: 'implicit: identity-based policy', resourcePolicy: to({ AWS: SESSION }), because: 'naming the session does not replace the own account’s leave' },
    { is: 'allowed', identityPolicies: [allow()], resourcePolicy: to({ AWS: ROLE }), because: 'both sides allow' },
    { is: 'allowed', identityPolicies: [allow()], resourcePolicy: to({ AWS: ACCOUNT }), because: 'the other account may trust the whole account' },
    { is: 'implicit: permissions boundary', identityPolicies: [allow()], boundary: allow({ Action: 's3:PutObject' }), resourcePolicy: to({ AWS: SESSION }), because: 'the boundary counts on the own side' },
    { is: 'implicit: resource-based policy', caller: root, because: 'root of another account is nobody special' },
    { is: 'allowed', caller: root, resourcePolicy: to({ AWS: ACCOUNT }), because: 'root needs no identity policy of its own' },
  ])('$is: $because', (row) => expectRow({ resourceAccount: OTHER, ...row }));
});

describe('a resource policy that must allow (KMS key, role trust)', () => {
  const key = { resourcePolicyIsRequired: true };
  it.each<Row>([
    { is: 'implicit: resource-based policy', identityPolicies: [allow()], resourcePolicy: to({ AWS: `arn:aws:iam::${ACCOUNT}:role/other` }), because: 'the identity policy alone does not open a key' },
    { is: 'allowed', identityPolicies: [allow()], resourcePolicy: to({ AWS: `arn:aws:iam::${ACCOUNT}:root` }), because: 'the key policy hands over to the account' },
    { is: 'implicit: identity-based policy', resourcePolicy: to({ AWS: `arn:aws:iam::${ACCOUNT}:root` }), because: 'handing over is not allowing' },
    { is: 'allowed', resourcePolicy: to({ AWS: ROLE }), because: 'the key policy alone is enough' },
    { is: 'implicit: resource-based policy', caller: root, resourcePolicy: to({ AWS: ROLE }), because: 'root is locked out of a key that does not name it' },
    { is: 'allowed', resourcePolicy: to({ AWS: 'arn:aws:iam::111122223333:role/other' }), allowedByGrant: true, because: 'a grant stands beside the key policy' },
    { is: 'explicit: identity-based policy', identityPolicies: [deny()], allowedByGrant: true, resourcePolicy: to({ AWS: ROLE }), because: 'a grant does not overcome Deny' },
    { is: 'implicit: session policy', sessionPolicies: [allow({ Action: 's3:PutObject' })], allowedByGrant: true, resourcePolicy: to({ AWS: ROLE }), because: 'a grant to the role is limited by the session policy' },
  ])('$is: $because', (row) => expectRow({ ...key, ...row }));
});

describe('the sentence of a refusal', () => {
  it.each([
    { action: 'kms:Decrypt', resource: 'arn:aws:kms:eu-west-1:1:key/k', how: 'implicit', by: 'identity-based policy', text: `User: ${SESSION} is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows the kms:Decrypt action` },
    { action: 's3:GetObject', resource: OBJECT, how: 'explicit', by: 'resource-based policy', text: `User: ${SESSION} is not authorized to perform: s3:GetObject on resource: "${OBJECT}" with an explicit deny in a resource-based policy` },
    { action: 'iam:GetRole', resource: ROLE, how: 'explicit', by: 'identity-based policy', text: `User: ${SESSION} is not authorized to perform: iam:GetRole on resource: ${ROLE} with an explicit deny in an identity-based policy` },
  ] as const)('$action, $how', ({ action, resource, how, by, text }) => expect(refusalText(session, action, resource, { allowed: false, how, by })).toBe(text));
});
