/** Input allowed-account-ids: a role, or the job's own credentials, of any other account must not be used. */
import { UserError } from '../errors.js';

/** @param allowed numbers of 12 digits; empty: any. @throws UserError before a call that matters is made */
export function requireAllowedAccount({ account, arn, actor, isAssumed }: Readonly<{ account: string; arn: string; /** Input that names the role. */ actor: string; isAssumed: boolean }>, allowed: readonly string[]): void {
  if (allowed.length === 0 || allowed.includes(account)) return;
  throw new UserError(
    `The credentials of ${isAssumed ? actor : `the job (input ${actor} is empty)`} are those of account ${account}: ${arn}.`,
    `input allowed-account-ids lets the action work only in ${allowed.join(', ')}; nothing was called there but sts:GetCallerIdentity.`,
    isAssumed ? `correct input ${actor}, or add ${account} to allowed-account-ids.` : `set ${actor} to a role of an allowed account, configure other credentials for the job, or add ${account} to allowed-account-ids.`,
  );
}
