/** AssumeRole. Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
import { AwsError, type Principal } from '../../front/contract.js';
import { membersOf, type XmlValue } from '../../front/query-protocol.js';
import type { Context } from '../../iam/patterns.js';
import type { SandboxWorld } from '../../iam/world.js';
import { readSessionRequest, requireDuration, sessionAnswer } from './session-request.js';

/** A session that was itself made by a role: "role chaining limits your session to a maximum of one hour". */
const CHAINED_MAX_SECONDS = 3600;

export function assumeRole(world: SandboxWorld, principal: Principal, form: URLSearchParams): XmlValue {
  const { roleArn, sessionName, seconds, sessionPolicies, packedPolicySize } = readSessionRequest(world, form);
  const role = world.identities.roles.get(roleArn);
  const account = roleArn.split(':')[4] ?? '';
  if (principal.kind === 'root') throw new AwsError('AccessDenied', 'Roles may not be assumed by root accounts.', 403);
  const tags = new Map(membersOf(form, 'Tags', 'Key').map((key, index) => [key, membersOf(form, 'Tags', 'Value')[index] ?? ''] as const));
  const context: Context = {
    'sts:rolesessionname': [sessionName],
    ...(form.get('ExternalId') !== null && { 'sts:externalid': [form.get('ExternalId') ?? ''] }),
    ...(tags.size > 0 && { 'aws:tagkeys': [...tags.keys()] }),
    ...Object.fromEntries([...tags].map(([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, [value]])),
  };
  const question = { principal, resource: roleArn, resourceAccount: account, resourcePolicy: role && world.identities.trustPolicy(roleArn), resourcePolicyIsRequired: true, context };
  // A role that does not exist is refused like one that may not be assumed, so that its existence stays unknown.
  const actions = tags.size > 0 ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'];
  for (const action of actions) {
    if (!role || !world.authorizer.allows({ ...question, action }))
      throw new AwsError('AccessDenied', `User: ${principal.kind === 'anonymous' ? 'anonymous' : principal.arn} is not authorized to perform: ${action} on resource: ${roleArn}`, 403);
  }
  if (!role) throw new Error('refused above');
  if (principal.kind === 'role-session' && seconds > CHAINED_MAX_SECONDS)
    throw new AwsError('ValidationError', 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.', 400);
  requireDuration(role, seconds);
  const keys = Object.fromEntries([...tags].map(([key, value]) => [`aws:principaltag/${key.toLowerCase()}`, [value]]));
  return sessionAnswer(world.identities.session({ role, sessionName, seconds, sessionPolicies, keys: { 'aws:multifactorauthpresent': ['false'], ...keys } }), packedPolicySize);
}
