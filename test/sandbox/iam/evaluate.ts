/**
 * AWS's policy evaluation, pure: what was asked and the policies that apply go in, the decision and its reason come out.
 * Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html,
 * …/reference_policies_evaluation-logic-cross-account.html, https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html.
 * Not simulated: organisations (SCP, RCP), VPC endpoint policies.
 */
import type { PolicyDocument, PolicyStatement } from '../front/contract.js';
import { conditionsHold, listOf } from './conditions.js';
import { type Context, matchesAction, matchesResource } from './patterns.js';
import { type Caller, isSparedBy, type Naming, namingOf } from './principals.js';

export type Question = Readonly<{
  caller: Caller;
  action: string;
  resource: string;
  resourceAccount: string;
  context: Context;
  identityPolicies: readonly PolicyDocument[];
  /** undefined: the role or user has no boundary. */
  boundary?: PolicyDocument | undefined;
  /** Empty: the session was not narrowed. */
  sessionPolicies?: readonly PolicyDocument[] | undefined;
  resourcePolicy?: PolicyDocument | undefined;
  /** KMS keys and role trust: the resource policy must allow, or hand the decision to the account by naming its root. */
  resourcePolicyIsRequired?: boolean | undefined;
  /** A KMS grant allowed; it stands beside the key policy. */
  allowedByGrant?: boolean | undefined;
}>;

export type PolicyKind = 'identity-based policy' | 'resource-based policy' | 'permissions boundary' | 'session policy';
export type Decision = Readonly<{ allowed: true }> | Readonly<{ allowed: false; how: 'explicit' | 'implicit'; by: PolicyKind }>;

const ALLOWED: Decision = { allowed: true };
const missing = (by: PolicyKind): Decision => ({ allowed: false, how: 'implicit', by });

export function evaluate(question: Question): Decision {
  const { caller, resourcePolicy, boundary, identityPolicies, sessionPolicies = [] } = question;
  const resourceSide = resourcePolicy ? read(resourcePolicy, question, true) : NOTHING;
  const identitySide = merge(identityPolicies.map((policy) => read(policy, question, false)));
  const boundarySide = boundary && read(boundary, question, false);
  const sessionSide = sessionPolicies.length > 0 ? merge(sessionPolicies.map((policy) => read(policy, question, false))) : undefined;

  const denying: readonly (readonly [PolicyKind, Reading | undefined])[] = [
    ['identity-based policy', identitySide], ['resource-based policy', resourceSide], ['permissions boundary', boundarySide], ['session policy', sessionSide],
  ];
  for (const [by, reading] of denying) if (reading?.denied) return { allowed: false, how: 'explicit', by };

  const namings = question.allowedByGrant ? [...resourceSide.allowedAs, 'role' as const] : resourceSide.allowedAs;
  if (caller.kind === 'anonymous' || caller.kind === 'service' || caller.kind === 'federated')
    return namings.length > 0 ? ALLOWED : missing('resource-based policy');

  const limits = boundarySide && !boundarySide.allowed ? missing('permissions boundary') : sessionSide && !sessionSide.allowed ? missing('session policy') : ALLOWED;
  // The root user needs no identity policy: it may do everything that belongs to its account.
  const ownSide = caller.kind === 'root' || identitySide.allowed ? limits : missing('identity-based policy');

  if (caller.account !== question.resourceAccount) {
    if (!ownSide.allowed) return ownSide;
    return namings.length > 0 ? ALLOWED : missing('resource-based policy');
  }
  // Within the account a resource policy that names the session, the user, or everyone decides alone. One that names the role only replaces the identity
  // policy: boundary and session policy still limit it.
  if (namings.some((naming) => DECIDES_ALONE.includes(naming))) return ALLOWED;
  if (namings.includes('role')) return limits;
  if (question.resourcePolicyIsRequired && namings.length === 0) return missing('resource-based policy');
  return ownSide;
}

const DECIDES_ALONE: readonly Naming[] = ['session', 'user', 'everyone', 'root'];

/** What one policy, or several of a kind, say about the question. `allowedAs`: how Allow statements of a resource policy name the caller. */
type Reading = Readonly<{ denied: boolean; allowed: boolean; allowedAs: readonly Naming[] }>;
const NOTHING: Reading = { denied: false, allowed: false, allowedAs: [] };

function merge(readings: readonly Reading[]): Reading {
  return { denied: readings.some(({ denied }) => denied), allowed: readings.some(({ allowed }) => allowed), allowedAs: readings.flatMap(({ allowedAs }) => allowedAs) };
}

function read(policy: PolicyDocument, question: Question, namesPrincipals: boolean): Reading {
  // Policies without Version are of 2008-10-17, where `${…}` is plain text.
  const variables = policy.Version === '2012-10-17' ? question.context : undefined;
  return merge(statementsOf(policy).map((statement) => {
    const naming = namesPrincipals ? namingIn(statement, question.caller) : 'everyone';
    if (!naming || !covers(statement, question, variables)) return NOTHING;
    if (statement.Effect === 'Deny') return { denied: true, allowed: false, allowedAs: [] };
    return { denied: false, allowed: true, allowedAs: [naming] };
  }));
}

export function statementsOf(policy: PolicyDocument): readonly PolicyStatement[] {
  return Array.isArray(policy.Statement) ? (policy.Statement as readonly PolicyStatement[]) : [policy.Statement as PolicyStatement];
}

function namingIn(statement: PolicyStatement, caller: Caller): Naming | undefined {
  if (statement.NotPrincipal !== undefined) return isSparedBy(statement.NotPrincipal, caller) ? undefined : 'everyone';
  return namingOf(statement.Principal, caller);
}

function covers(statement: PolicyStatement, { action, resource, context }: Question, variables: Context | undefined): boolean {
  const actionFits = statement.NotAction === undefined
    ? listOf(statement.Action).some((pattern) => matchesAction(pattern, action))
    : !listOf(statement.NotAction).some((pattern) => matchesAction(pattern, action));
  if (!actionFits) return false;
  const resourceFits = statement.NotResource !== undefined
    ? !listOf(statement.NotResource).some((pattern) => matchesResource(pattern, resource, variables))
    // Trust policies have no Resource: they stand on the one that is asked for.
    : statement.Resource === undefined || listOf(statement.Resource).some((pattern) => matchesResource(pattern, resource, variables));
  return resourceFits && conditionsHold(statement.Condition, context, variables);
}

/** AWS's sentence for a refusal, e.g. `User: arn:… is not authorized to perform: kms:Decrypt on resource: arn:… because no identity-based policy allows the kms:Decrypt action`. */
export function refusalText(caller: Caller, action: string, resource: string, decision: Decision): string {
  // S3, alone, puts the resource between quotation marks.
  const named = action.startsWith('s3:') ? `"${resource}"` : resource;
  const start = `User: ${nameOf(caller)} is not authorized to perform: ${action} on resource: ${named}`;
  if (decision.allowed) return start;
  const article = decision.by === 'identity-based policy' ? 'an' : 'a';
  return decision.how === 'explicit' ? `${start} with an explicit deny in ${article} ${decision.by}` : `${start} because no ${decision.by} allows the ${action} action`;
}

function nameOf(caller: Caller): string {
  if (caller.kind === 'anonymous') return 'anonymous';
  return caller.kind === 'federated' ? caller.provider : caller.arn;
}
