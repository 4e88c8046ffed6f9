/** Answers "may this principal do that?" from the world's identities, and adds the global condition keys that AWS itself adds. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type AuthorizationRequest, type Authorizer, AwsError, type Principal } from '../front/contract.js';
import { type Decision, evaluate, refusalText } from './evaluate.js';
import type { IdentityStore } from './identities.js';
import type { Context } from './patterns.js';

/** What the front knows of the call that is being handled; the authorizer reads it, so that no service has to hand it on. */
export type CallInProgress = {
  readonly sourceIp: string; readonly secureTransport: boolean; readonly region: string; readonly userAgent: string;
  /** Filled with the first resource that was asked about, for the call log. */
  resource?: string | undefined;
};

export type SandboxAuthorizer = Authorizer & Readonly<{
  decide(request: AuthorizationRequest): Decision;
  /** Handles one call of the front; everything that `work` asks is answered with this call's global keys. */
  during<T>(call: CallInProgress, work: () => Promise<T>): Promise<T>;
  /** Region, source address and the rest of the call that is being handled; undefined outside of one. */
  currentCall(): CallInProgress | undefined;
}>;

export function createAuthorizer(identities: IdentityStore, clock: Readonly<{ now(): Date }>): SandboxAuthorizer {
  const calls = new AsyncLocalStorage<CallInProgress>();
  const decide = (request: AuthorizationRequest): Decision => {
    const call = calls.getStore();
    if (call && call.resource === undefined) call.resource = request.resource;
    const { identity, boundary, owner } = identities.policiesOf(request.principal);
    return evaluate({
      caller: request.principal,
      action: request.action, resource: request.resource, resourceAccount: request.resourceAccount,
      context: {
        ...globalKeys(request.principal, clock.now(), call),
        ...(request.principal.kind === 'user' && owner ? { 'aws:userid': [owner.id] } : {}),
        ...Object.fromEntries([...(owner?.tags ?? [])].map(([key, value]) => [`aws:principaltag/${key.toLowerCase()}`, [value]])),
        ...(request.principal.kind === 'role-session' ? request.principal.keys : {}),
        'aws:resourceaccount': [request.resourceAccount],
        ...request.context,
      },
      identityPolicies: identity, boundary,
      sessionPolicies: request.principal.kind === 'role-session' ? request.principal.sessionPolicies : [],
      resourcePolicy: request.resourcePolicy, resourcePolicyIsRequired: request.resourcePolicyIsRequired, allowedByGrant: request.allowedByGrant,
    });
  };
  return {
    decide,
    during: (call, work) => calls.run(call, work),
    currentCall: () => calls.getStore(),
    allows: (request) => decide(request).allowed,
    require(request) {
      const decision = decide(request);
      if (decision.allowed) return;
      // S3 says why to callers of the bucket's own account only: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
      const isStranger = request.action.startsWith('s3:') && (request.principal.kind === 'anonymous' || request.principal.account !== request.resourceAccount);
      throw new AwsError('AccessDenied', isStranger ? 'Access Denied' : refusalText(request.principal, request.action, request.resource, decision), 403);
    },
  };
}

/** Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function globalKeys(principal: Principal, now: Date, call: CallInProgress | undefined): Context {
  const always = {
    'aws:currenttime': [now.toISOString()],
    'aws:epochtime': [String(Math.floor(now.getTime() / 1000))],
    'aws:viaawsservice': ['false'],
    'aws:principalisawsservice': [String(principal.kind === 'service')],
    ...(call && {
      'aws:sourceip': [call.sourceIp], 'aws:securetransport': [String(call.secureTransport)],
      'aws:requestedregion': [call.region], 'aws:useragent': [call.userAgent],
    }),
  };
  switch (principal.kind) {
    case 'anonymous':
      return { ...always, 'aws:principaltype': ['Anonymous'] };
    case 'service':
      return { ...always, 'aws:principalservicename': [principal.service], 'aws:principalaccount': [principal.account] };
    case 'root':
      return { ...always, 'aws:principalarn': [principal.arn], 'aws:principalaccount': [principal.account], 'aws:principaltype': ['Account'], 'aws:userid': [principal.account] };
    case 'user':
      return { ...always, 'aws:principalarn': [principal.arn], 'aws:principalaccount': [principal.account], 'aws:principaltype': ['User'], 'aws:username': [principal.name] };
    case 'role-session':
      // The role's own ARN, not the session's: a policy that compares aws:PrincipalArn with an assumed-role ARN matches nothing.
      return { ...always, 'aws:principalarn': [principal.roleArn], 'aws:principalaccount': [principal.account], 'aws:principaltype': ['AssumedRole'] };
  }
}
