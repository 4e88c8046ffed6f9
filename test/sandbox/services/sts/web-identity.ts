/** AssumeRoleWithWebIdentity. Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
import { AwsError } from '../../front/contract.js';
import { required, type XmlValue } from '../../front/query-protocol.js';
import { evaluate } from '../../iam/evaluate.js';
import type { OidcProvider } from '../../iam/identities.js';
import type { Context } from '../../iam/patterns.js';
import type { SandboxWorld } from '../../iam/world.js';
import { type Claims, readToken, verifySignature } from './id-token.js';
import { readSessionRequest, requireDuration, sessionAnswer } from './session-request.js';

const denied = (): AwsError => new AwsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity', 403);

/**
 * GitHub's claims that STS offers as condition keys `token.actions.githubusercontent.com:<claim>` besides aud and sub, since January 2026; all others are
 * not there for a policy, whatever the token says. They count in the trust policy only: the session does not carry them.
 * Source: https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/, table in https://cageyv.dev/posts/aws-sts-oidc-claim-validation
 */
const GITHUB_CLAIMS = ['actor', 'actor_id', 'enterprise_id', 'environment', 'job_workflow_ref', 'ref', 'repository', 'repository_id', 'workflow'];
const GITHUB = 'token.actions.githubusercontent.com';

export async function assumeRoleWithWebIdentity(world: SandboxWorld, form: URLSearchParams): Promise<XmlValue> {
  const { roleArn, sessionName, seconds, sessionPolicies, packedPolicySize } = readSessionRequest(world, form);
  // Nothing is asked of the authorizer, so the call log hears of the role here.
  const call = world.authorizer.currentCall();
  if (call) call.resource = roleArn;
  const token = readToken(required(form, 'WebIdentityToken'));
  const account = roleArn.split(':')[4] ?? '';
  const issuer = token.claims.iss.replace(/^https:\/\//u, '');
  const provider = world.identities.providers.get(`arn:aws:iam::${account}:oidc-provider/${issuer}`);
  if (!provider) throw new AwsError('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${token.claims.iss}`, 400);
  await verifySignature(token, world.oidcIssuers.get(token.claims.iss));
  checkTimes(token.claims, world.clock.now());
  const audience = token.claims.aud.find((one) => provider.clientIds.includes(one));
  if (audience === undefined) throw new AwsError('InvalidIdentityToken', 'Incorrect token audience', 400);

  const role = world.identities.roles.get(roleArn);
  if (!role) throw denied();
  const keys = sessionKeys(provider, token.claims, audience);
  const decision = evaluate({
    caller: { kind: 'federated', account, provider: provider.arn }, action: 'sts:AssumeRoleWithWebIdentity', resource: roleArn, resourceAccount: account,
    context: { ...keys, ...claimKeys(provider, token.claims), 'sts:rolesessionname': [sessionName], 'aws:currenttime': [world.clock.now().toISOString()] },
    identityPolicies: [], resourcePolicy: world.identities.trustPolicy(roleArn), resourcePolicyIsRequired: true,
  });
  if (!decision.allowed) throw denied();
  requireDuration(role, seconds);
  const session = world.identities.session({ role, sessionName, seconds, sessionPolicies, keys });
  return { ...sessionAnswer(session, packedPolicySize), SubjectFromWebIdentityToken: token.claims.sub, Provider: provider.arn, Audience: audience };
}

function checkTimes({ exp, nbf, iat }: Claims, now: Date): void {
  const seconds = now.getTime() / 1000;
  if (exp <= seconds) throw new AwsError('ExpiredTokenException', `Token expired: current date/time ${Math.floor(seconds)} must be before the expiration date/time ${exp}`, 400);
  // Five minutes of grace for clocks that differ.
  if ((nbf ?? iat ?? 0) > seconds + 300) throw new AwsError('InvalidIdentityToken', 'The ID token is not yet valid', 400);
}

function sessionKeys({ arn, url }: OidcProvider, claims: Claims, audience: string): Context {
  return { 'aws:federatedprovider': [arn], [`${url}:sub`]: [claims.sub], [`${url}:aud`]: [audience] };
}

function claimKeys({ url }: OidcProvider, { all }: Claims): Context {
  if (url !== GITHUB) return {};
  return Object.fromEntries(GITHUB_CLAIMS.flatMap((name) => (all[name] === undefined ? [] : [[`${url}:${name}`, [String(all[name])]] as const])));
}
