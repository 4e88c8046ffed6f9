/** What AssumeRole and AssumeRoleWithWebIdentity have in common: the session that is asked for, and the credentials as XML. */
import { AwsError, type PolicyDocument } from '../../front/contract.js';
import { membersOf, required, type XmlValue } from '../../front/query-protocol.js';
import type { Role, SessionCredential } from '../../iam/identities.js';
import { checkPolicy, LIMITS } from '../../iam/validate.js';
import type { SandboxWorld } from '../../iam/world.js';

/** Shortest session (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html). */
const MIN_SECONDS = 900;
/** Longest MaxSessionDuration; also what the parameter's own range ends with. */
const MAX_SECONDS = 43_200;
const DEFAULT_SECONDS = 3600;

export type SessionRequest = Readonly<{
  roleArn: string; sessionName: string; seconds: number; sessionPolicies: readonly PolicyDocument[];
  /** Percent of the space that policies may take; undefined: there are none. How AWS packs them it does not tell: here every character counts. */
  packedPolicySize: number | undefined;
}>;

const invalid = (value: string, member: string, constraint: string): AwsError =>
  new AwsError('ValidationError', `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`, 400);

/** @throws AwsError ValidationError, MalformedPolicyDocument, PackedPolicyTooLarge */
export function readSessionRequest(world: SandboxWorld, form: URLSearchParams): SessionRequest {
  const roleArn = required(form, 'RoleArn');
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/u.test(roleArn)) throw new AwsError('ValidationError', `${roleArn} is invalid`, 400);
  const sessionName = required(form, 'RoleSessionName');
  if (!/^[\w+=,.@-]{2,64}$/u.test(sessionName)) throw invalid(sessionName, 'roleSessionName', 'Member must satisfy regular expression pattern: [\\w+=,.@-]*');
  return { roleArn, sessionName, seconds: secondsOf(form), ...sessionPoliciesOf(world, form) };
}

function secondsOf(form: URLSearchParams): number {
  const text = form.get('DurationSeconds');
  if (text === null) return DEFAULT_SECONDS;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < MIN_SECONDS) throw invalid(text, 'durationSeconds', `Member must have value greater than or equal to ${MIN_SECONDS}`);
  if (seconds > MAX_SECONDS) throw invalid(text, 'durationSeconds', `Member must have value less than or equal to ${MAX_SECONDS}`);
  return seconds;
}

/** Whitespace counts too, unlike in IAM's own policies. Of the two operations only the one with a web identity has the limit in its model (botocore's sts 2011-06-15). */
function sessionPoliciesOf(world: SandboxWorld, form: URLSearchParams): Pick<SessionRequest, 'sessionPolicies' | 'packedPolicySize'> {
  const text = form.get('Policy');
  if (text !== null && !/^[\t\n\r\u0020-\u00FF]+$/u.test(text)) throw invalid(text, 'policy', 'Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+');
  if (text !== null && text.length > LIMITS.session && form.get('Action') === 'AssumeRoleWithWebIdentity') throw invalid(text, 'policy', `Member must have length less than or equal to ${LIMITS.session}`);
  const arns = membersOf(form, 'PolicyArns', 'arn');
  if (arns.length > 10) throw invalid(`${arns.length} policies`, 'policyArns', 'Member must have length less than or equal to 10');
  const plain = (text?.length ?? 0) + arns.reduce((sum, arn) => sum + arn.length, 0), packed = Math.ceil((100 * plain) / LIMITS.session);
  if (packed > 100) throw new AwsError('PackedPolicyTooLarge', `Packed policy consumes ${packed}% of allotted space, please use smaller policy.`, 400);
  return {
    sessionPolicies: [...(text === null ? [] : [checkPolicy(text, 'session')]), ...arns.map((arn) => world.identities.requirePolicy(arn).document)],
    packedPolicySize: plain > 0 ? packed : undefined,
  };
}

/** @throws AwsError ValidationError when the role does not allow sessions of this length */
export function requireDuration(role: Role, seconds: number): void {
  if (seconds > role.maxSessionSeconds)
    throw new AwsError('ValidationError', 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.', 400);
}

export function sessionAnswer({ accessKeyId, secretAccessKey, sessionToken, expiration, principal }: SessionCredential, packedPolicySize: number | undefined): Readonly<Record<string, XmlValue>> {
  if (principal.kind !== 'role-session') throw new Error('session credentials always belong to a role session');
  return {
    Credentials: { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken, Expiration: expiration },
    AssumedRoleUser: { AssumedRoleId: principal.keys['aws:userid']?.[0] ?? '', Arn: principal.arn },
    ...(packedPolicySize !== undefined && { PackedPolicySize: String(packedPolicySize) }),
  };
}
