/**
 * Refuses policies that IAM refuses. Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html,
 * limits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
import { AwsError, type PolicyDocument } from '../front/contract.js';
import { listOf, parseOperator } from './conditions.js';
import { statementsOf } from './evaluate.js';
import { entries } from './principals.js';

/** `identity`: inline policy of a role or user. `session`: given with AssumeRole. `resource`: bucket and key policies. */
export type PolicyUse = 'identity' | 'managed' | 'session' | 'trust' | 'resource';

/** Characters; whitespace does not count for IAM's own (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). */
export const LIMITS = { managed: 6_144, trust: 2_048, session: 2_048, inlinePerRole: 10_240, inlinePerUser: 2_048, attachedPerIdentity: 10, bucketPolicyBytes: 20_480, keyPolicyBytes: 32_768 } as const;

const ELEMENTS = ['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];
const malformed = (message: string): AwsError => new AwsError('MalformedPolicyDocument', message, 400);

/**
 * @param principalExists whether a role or user named as principal exists; without it existence is not looked at
 * @throws AwsError MalformedPolicyDocument or LimitExceeded; S3 and KMS rename the code to theirs
 */
export function checkPolicy(text: string, use: PolicyUse, principalExists?: (value: string) => boolean): PolicyDocument {
  const policy = parse(text);
  const unknown = Object.keys(policy).filter((key) => !['Version', 'Id', 'Statement'].includes(key));
  if (unknown.length > 0) throw malformed('Syntax errors in policy.');
  if (policy.Version !== undefined && policy.Version !== '2012-10-17' && policy.Version !== '2008-10-17') throw malformed('The policy must contain a valid version string');
  if (policy.Statement === undefined || policy.Statement === null) throw malformed('Syntax errors in policy.');
  const statements = statementsOf(policy);
  if (statements.length === 0) throw malformed('Policy must contain at least one statement.');
  for (const statement of statements) checkStatement(statement, use, principalExists);
  const sids = statements.flatMap(({ Sid }) => (typeof Sid === 'string' && Sid !== '' ? [Sid] : []));
  if (new Set(sids).size < sids.length) throw malformed('Statement IDs (SID) in a single policy must be unique.');
  requireSize(text, use);
  return policy;
}

function parse(text: string): PolicyDocument {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as PolicyDocument;
  } catch {
    // Said below, in IAM's words.
  }
  throw malformed('This policy contains invalid Json');
}

function checkStatement(statement: unknown, use: PolicyUse, principalExists: ((value: string) => boolean) | undefined): void {
  if (typeof statement !== 'object' || statement === null || Array.isArray(statement)) throw malformed('Syntax errors in policy.');
  const element = statement as Readonly<Record<string, unknown>>;
  if (Object.keys(element).some((key) => !ELEMENTS.includes(key))) throw malformed('Syntax errors in policy.');
  if (element.Effect !== 'Allow' && element.Effect !== 'Deny') throw malformed('Syntax errors in policy.');
  if (element.Sid !== undefined && (typeof element.Sid !== 'string' || (use !== 'resource' && !/^[A-Za-z0-9]*$/u.test(element.Sid))))
    throw malformed('Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*');
  requireOneOf(element, 'Action', 'NotAction', 'Policy statement must contain actions.');
  checkActions(listOf(element.Action ?? element.NotAction), use);
  const named = element.Principal !== undefined || element.NotPrincipal !== undefined;
  if (use === 'trust' || use === 'resource') {
    if (!named) throw malformed(use === 'trust' ? 'AssumeRolepolicy must contain a principal' : 'Missing required field Principal');
    checkPrincipals(element.Principal ?? element.NotPrincipal, principalExists);
  } else if (named) throw malformed('Policy document should not specify a principal.');
  if (use === 'trust') {
    if (element.Resource !== undefined || element.NotResource !== undefined) throw malformed('Has prohibited field Resource');
  } else {
    requireOneOf(element, 'Resource', 'NotResource', 'Policy statement must contain resources.');
    for (const resource of listOf(element.Resource ?? element.NotResource)) checkResource(resource);
  }
  checkCondition(element.Condition);
}

function requireOneOf(element: Readonly<Record<string, unknown>>, one: string, other: string, message: string): void {
  const value = element[one] ?? element[other];
  if (value === undefined || (Array.isArray(value) && value.length === 0)) throw malformed(message);
  if (element[one] !== undefined && element[other] !== undefined) throw malformed('Syntax errors in policy.');
  if (!(Array.isArray(value) ? value : [value]).every((item) => typeof item === 'string')) throw malformed('Syntax errors in policy.');
}

function checkActions(actions: readonly string[], use: PolicyUse): void {
  for (const action of actions) {
    if (action === '*') continue;
    const [vendor = '', name] = action.split(':');
    if (name === undefined) throw malformed('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
    if (!/^[a-zA-Z0-9-]+$/u.test(vendor)) throw malformed(`Vendor ${vendor} is not valid`);
    if (use === 'trust' && vendor !== 'sts') throw malformed('AssumeRole policy may only specify STS AssumeRole actions.');
  }
}

function checkPrincipals(element: unknown, principalExists: ((value: string) => boolean) | undefined): void {
  if (typeof element === 'string' && element !== '*') throw malformed('Invalid principal in policy');
  for (const [kind, value] of entries(element)) {
    const invalid = malformed(`Invalid principal in policy: "${kind}":"${value}"`);
    if (!['*', 'AWS', 'Service', 'Federated'].includes(kind)) throw invalid;
    // Wildcards are allowed as the whole value only.
    if (value !== '*' && /[*?]/u.test(value)) throw invalid;
    if (kind === 'AWS' && value !== '*' && !/^\d{12}$|^arn:aws[\w-]*:(?:iam|sts)::\d{12}:|^A(?:ROA|IDA)/u.test(value)) throw invalid;
    if (kind === 'AWS' && principalExists && !principalExists(value)) throw invalid;
  }
}

function checkResource(resource: string): void {
  if (resource === '*') return;
  // A variable may hold colons: ${aws:username}.
  const [arn, partition, service] = resource.replace(/\$\{[^}]*\}/gu, 'x').split(':');
  if (arn !== 'arn' || partition === undefined) throw malformed(`Resource ${resource} must be in ARN format or "*".`);
  if (service === undefined || !/^[a-zA-Z0-9-]+\*?$|^\*$/u.test(service)) throw malformed(`Resource ${resource} must be in ARN format or "*".`);
}

function checkCondition(condition: unknown): void {
  if (condition === undefined) return;
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) throw malformed('Syntax errors in policy.');
  for (const [operator, keys] of Object.entries(condition)) {
    if (parseOperator(operator) === undefined) throw malformed(`Invalid Condition type : ${operator}.`);
    if (typeof keys !== 'object' || keys === null || Array.isArray(keys)) throw malformed('Syntax errors in policy.');
    for (const key of Object.keys(keys)) if (!key.includes(':')) throw malformed('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  }
}

function requireSize(text: string, use: PolicyUse): void {
  const length = sizeOf(text);
  if (use === 'managed' && length > LIMITS.managed) throw new AwsError('LimitExceeded', `Cannot exceed quota for PolicySize: ${LIMITS.managed}`, 409);
  if (use === 'trust' && length > LIMITS.trust) throw new AwsError('LimitExceeded', `Cannot exceed quota for ACLSizePerRole: ${LIMITS.trust}`, 409);
}

/** What IAM counts: all characters but whitespace. */
export const sizeOf = (text: string): number => text.replace(/\s/gu, '').length;
