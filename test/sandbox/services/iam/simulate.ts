/** SimulatePrincipalPolicy: what the policies of a role or user would say. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html */
import type { PolicyDocument } from '../../front/contract.js';
import { membersOf, required, type XmlValue } from '../../front/query-protocol.js';
import { evaluate, statementsOf } from '../../iam/evaluate.js';
import type { Context } from '../../iam/patterns.js';
import { checkPolicy } from '../../iam/validate.js';
import { authorize, type IamCall } from './request.js';

export function simulatePrincipalPolicy(call: IamCall): XmlValue {
  const { world, form, account } = call;
  const source = required(form, 'PolicySourceArn');
  authorize(call, source);
  const identity = world.identities.requireIdentity(source);
  // Evaluated as its session would be: the role behind a session is what owns policies and boundary.
  const principal = identity.kind === 'user'
    ? { kind: 'user' as const, account, arn: source, name: identity.name }
    : { kind: 'role-session' as const, account, arn: source, roleArn: source, roleName: identity.name, sessionName: 'simulated', sessionPolicies: [], keys: {} };
  const { identity: owned, boundary } = world.identities.policiesOf(principal);
  const added = membersOf(form, 'PolicyInputList').map((text) => checkPolicy(text, 'identity'));
  const boundaryInput = membersOf(form, 'PermissionsBoundaryPolicyInputList').map((text) => checkPolicy(text, 'managed'))[0];
  const resourcePolicy = form.get('ResourcePolicy');
  const context = contextOf(form);
  const policies = [...owned, ...added];
  const effectiveBoundary = boundaryInput ?? boundary;
  const resources = membersOf(form, 'ResourceArns');
  const absent = [...new Set([...policies, ...(effectiveBoundary ? [effectiveBoundary] : [])].flatMap(conditionKeys))].filter((key) => context[key.toLowerCase()] === undefined);

  const results = membersOf(form, 'ActionNames').flatMap((action) => (resources.length > 0 ? resources : ['*']).map((resource) => {
    const question = { caller: principal, action, resource, resourceAccount: account, context };
    const decision = evaluate({
      ...question, identityPolicies: policies, boundary: effectiveBoundary, resourcePolicy: resourcePolicy === null ? undefined : checkPolicy(resourcePolicy, 'resource'),
    });
    const word = decision.allowed ? 'allowed' : decision.how === 'explicit' ? 'explicitDeny' : 'implicitDeny';
    return {
      EvalActionName: action, EvalResourceName: resource, EvalDecision: word, MatchedStatements: [], MissingContextValues: absent,
      PermissionsBoundaryDecisionDetail: effectiveBoundary ? { AllowedByPermissionsBoundary: evaluate({ ...question, identityPolicies: [effectiveBoundary] }).allowed } : undefined,
    };
  }));
  return { EvaluationResults: results, IsTruncated: false };
}

/** Only what the request names: the simulator adds no global key of its own. */
function contextOf(form: URLSearchParams): Context {
  return Object.fromEntries(membersOf(form, 'ContextEntries', 'ContextKeyName').map((name, index) =>
    [name.toLowerCase(), membersOf(form, `ContextEntries.member.${index + 1}.ContextKeyValues`)] as const));
}

function conditionKeys(policy: PolicyDocument): readonly string[] {
  return statementsOf(policy).flatMap(({ Condition }) => (typeof Condition === 'object' && Condition !== null ? Object.values(Condition).flatMap((keys) => Object.keys(keys as object)) : []));
}
