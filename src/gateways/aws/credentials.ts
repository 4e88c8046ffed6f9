/** Credentials of one role: bought with GitHub's OIDC token, renewed for as long as a phase lasts (design §7). */
import { AssumeRoleWithWebIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { UserError } from '../../errors.js';
import type { Clock } from '../../ports.js';
import { isRepeatable, withRetry } from '../../retry.js';

export type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken: string; expiration: Date }>;
export type CredentialProvider = () => Promise<Credentials>;

export const AUDIENCE = 'sts.amazonaws.com';
/** The SDK asks again 5 minutes before expiry (EXPIRATION_MS of @smithy/core); ours renews earlier, so that it never hands out what the SDK refuses. */
const RENEW_BEFORE_MS = 6 * 60_000;

export type RoleOrder = Readonly<{
  /** The input that names it, for messages. */
  input: string;
  roleArn: string;
  /** Shown in CloudTrail; 2 to 64 of [\w+=,.@-]. */
  sessionName: string;
}>;
export type Identification = Readonly<{ readIdToken: (audience: string) => Promise<string>; describeClaims: (token: string) => string; mask: (secret: string) => void }>;

/** One provider per role, shared by all clients of that role: one token and one session at a time. */
export function assumeByOidc(order: RoleOrder, sts: Pick<STSClient, 'send'>, github: Identification, clock: Clock): CredentialProvider {
  let current: Promise<Credentials> | undefined;
  const renew = async (): Promise<Credentials> => {
    const credentials = await withRetry(() => assume(order, sts, github), clock, { isRepeatable: (error) => isRepeatable(error instanceof UserError ? error.cause : error) });
    github.mask(credentials.secretAccessKey);
    github.mask(credentials.sessionToken);
    return credentials;
  };
  const isFresh = (credentials: Credentials): boolean => credentials.expiration.getTime() - clock.now().getTime() > RENEW_BEFORE_MS;
  return async () => {
    const held = current;
    // A failed renewal is not kept: the next call asks again.
    const usable = held && (await held.then(isFresh, () => false));
    if (!usable && current === held) current = renew();
    return current as Promise<Credentials>;
  };
}

async function assume({ input, roleArn, sessionName }: RoleOrder, sts: Pick<STSClient, 'send'>, github: Identification): Promise<Credentials> {
  // A new token each time: GitHub's live about 5 minutes.
  const token = await github.readIdToken(AUDIENCE);
  const answer = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: roleArn, RoleSessionName: sessionName, WebIdentityToken: token })).catch((error: unknown) => {
    throw explain(error, input, roleArn, github.describeClaims(token));
  });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration)
    throw new UserError(`STS gave no complete credentials for ${roleArn}.`, 'its answer lacks the key, the token or the time at which they end.', 'run the phase again; if an own endpoint is configured, check what answers there.');
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiration: Expiration };
}

function explain(error: unknown, input: string, roleArn: string, claims: string): unknown {
  if (!(error instanceof Error)) return error;
  const options = { cause: error };
  const what = `The role of input ${input} cannot be assumed: ${roleArn}.`;
  const said = `STS answered ${error.name}: ${error.message}`;
  switch (error.name) {
    case 'AccessDenied':
    case 'AccessDeniedException':
      return new UserError(what, `its trust policy does not accept this job, or there is no such role. GitHub's token says ${claims}. ${said}`,
        'compare "sub" and "aud" in the role\'s trust policy with these values, letter by letter (a job with "environment:" says so in "sub" instead of its branch; repositories made since July 2026 carry ids, "repo:owner@1/name@2:…"), allow sts:AssumeRoleWithWebIdentity, and check account and name in the ARN.', options);
    case 'InvalidIdentityToken':
    case 'InvalidIdentityTokenException':
      return new UserError(what, `the account does not accept tokens of this issuer or audience. GitHub's token says ${claims}. ${said}`,
        `create the identity provider for the issuer with audience "${AUDIENCE}" in the role's account; docs/iam/roles.yaml does it with CreateOidcProvider=yes.`, options);
    case 'ExpiredTokenException':
    case 'ExpiredToken':
      return new UserError(what, `GitHub's token had expired when it arrived (${said}).`, 'run the job again; on an own runner, set its clock (NTP).', options);
    case 'ValidationError':
    case 'ValidationException':
    case 'MalformedPolicyDocument':
      return new UserError(what, said, `correct input ${input}: arn:aws:iam::<account>:role/<name>.`, options);
    case 'RegionDisabledException':
      return new UserError(what, said, 'enable STS for this region in the account settings of IAM.', options);
    default:
      return isRepeatable(error)
        ? new UserError(`AWS could not be reached to assume the role of input ${input}: ${roleArn}.`, `STS gave no answer within half a minute (last: ${error.message}).`, 'look at the network of the runner (DNS, firewall, proxy) and the AWS Health Dashboard, then run the phase again: it goes on where it stopped.', options)
        : error;
  }
}
