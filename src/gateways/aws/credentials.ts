/** Credentials of one role: bought with GitHub's OIDC token, renewed for as long as a phase lasts (design §7). */
import { AssumeRoleWithWebIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { AUDIENCE, readClaims, showClaims, type Claims } from '../../credentials/claims.js';
import { explainTrust } from '../../credentials/trust-refusal.js';
import { UserError } from '../../errors.js';
import type { Clock, Log } from '../../ports.js';
import { isRepeatable, withRetry } from '../../retry.js';

export type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: Date }>;
export type CredentialProvider = () => Promise<Credentials>;

/** The SDK asks again 5 minutes before expiry (EXPIRATION_MS of @smithy/core) and at each call from then on. */
const RENEW_BEFORE_MS = 10 * 60_000;
/** A renewal that fails does no harm while the session lasts, but a call that begins must also arrive. */
const LAST_USE_MS = 60_000;
/** Between renewals that fail: each takes half a minute, which no call should wait for again and again. */
const TRY_AGAIN_MS = 60_000;

export type RoleOrder = Readonly<{
  /** The input that names it, for messages. */
  input: string;
  roleArn: string;
  /** Shown in CloudTrail; 2 to 64 of [\w+=,.@-]. */
  sessionName: string;
  /** What the sessions may do at most, as JSON; undefined: what the role may. */
  sessionPolicy?: string | undefined;
}>;
export type Identification = Readonly<{ readIdToken: (audience: string) => Promise<string>; mask: (secret: string) => void }>;

/**
 * One provider per role, shared by all clients of that role: one token and one session at a time. Each lasts STS's default of an hour: what a role allows
 * at most is not known, and asking for more than that is refused.
 */
export function assumeByOidc(order: RoleOrder, sts: Pick<STSClient, 'send'>, github: Identification, clock: Clock, log: Pick<Log, 'warn'>): CredentialProvider {
  let current: Promise<Credentials> | undefined, patientUntil = 0;
  const msLeft = (credentials: Credentials): number => credentials.expiration.getTime() - clock.now().getTime();
  const buy = async (): Promise<Credentials> => {
    const credentials = await withRetry(() => assume(order, sts, github), clock, { isRepeatable: (error) => isRepeatable(error instanceof UserError ? error.cause : error) });
    github.mask(credentials.secretAccessKey);
    github.mask(credentials.sessionToken);
    return credentials;
  };
  const renew = async (before: Credentials | undefined): Promise<Credentials> => {
    try {
      return await buy();
    } catch (error) {
      if (!before || msLeft(before) < LAST_USE_MS) throw error;
      patientUntil = clock.now().getTime() + TRY_AGAIN_MS;
      log.warn(`The session of ${order.input} could not be renewed yet; it lasts until ${before.expiration.toISOString()} (${error instanceof UserError ? error.what : 'no answer'})`);
      return before;
    }
  };
  return async () => {
    const held = current;
    // A failed purchase is not kept: the next call asks again.
    const before = held && (await held.catch(() => undefined));
    const isFresh = before !== undefined && msLeft(before) > (clock.now().getTime() < patientUntil ? LAST_USE_MS : RENEW_BEFORE_MS);
    if (!isFresh && current === held) current = renew(before);
    return current as Promise<Credentials>;
  };
}

async function assume({ input, roleArn, sessionName, sessionPolicy }: RoleOrder, sts: Pick<STSClient, 'send'>, github: Identification): Promise<Credentials> {
  // A new token each time: GitHub's live about 5 minutes.
  const token = await github.readIdToken(AUDIENCE);
  const answer = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken: token, ...(sessionPolicy ? { Policy: sessionPolicy } : {}) })).catch((error: unknown) => {
    throw explain(error, input, roleArn, readClaims(token));
  });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
    throw new UserError(`STS gave no complete credentials for ${roleArn}.`, 'its answer lacks the key, the token or the time at which they end.', 'run the phase again; if an own endpoint is configured, check what answers there.');
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiration: Expiration };
}

function explain(error: unknown, input: string, roleArn: string, claims: Claims | undefined): unknown {
  if (!(error instanceof Error)) return error;
  const options = { cause: error };
  const what = `The role of input ${input} cannot be assumed: ${roleArn}.`;
  const said = `STS answered ${error.name}: ${error.message}`;
  switch (error.name) {
    case 'AccessDenied':
    case 'AccessDeniedException': {
      const { why, fix } = explainTrust({ input, roleArn, said, claims });
      return new UserError(what, why, fix, options);
    }
    case 'InvalidIdentityToken':
    case 'InvalidIdentityTokenException':
      return new UserError(what, `the account does not accept tokens of this issuer or audience. GitHub's token says ${claims ? showClaims(claims) : 'nothing that can be read'}. ${said}`,
        `create the identity provider for the issuer with audience "${AUDIENCE}" in the role's account; docs/iam/roles.yaml does it with CreateOidcProvider=yes.`, options);
    case 'ExpiredTokenException':
    case 'ExpiredToken':
      return new UserError(what, `GitHub's token had expired when it arrived (${said}).`, 'run the job again; on an own runner, set its clock (NTP).', options);
    case 'ValidationError':
    case 'ValidationException':
      return new UserError(what, said, `correct input ${input}: arn:aws:iam::<account>:role/<name>.`, options);
    case 'PackedPolicyTooLarge':
    case 'PackedPolicyTooLargeException':
    case 'MalformedPolicyDocument':
    case 'MalformedPolicyDocumentException':
      return new UserError(what, `AWS does not take the session policy that narrows the session to what this phase does. ${said}`,
        'set input session-policy to "none", which gives the session all that the role may do, and report this: the policies are made to fit.', options);
    case 'RegionDisabledException':
      return new UserError(what, said, 'enable STS for this region in the account settings of IAM.', options);
    default:
      return isRepeatable(error)
        ? new UserError(`AWS could not be reached to assume the role of input ${input}: ${roleArn}.`, `STS gave no answer within half a minute (last: ${error.message}).`, 'look at the network of the runner (DNS, firewall, proxy) and the AWS Health Dashboard, then run the phase again: it goes on where it stopped.', options)
        : error;
  }
}
