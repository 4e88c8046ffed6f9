/** GitHub's OIDC token of this job: who it says we are, which a trust policy compares. */
import * as core from '@actions/core';
import { UserError } from '../../errors.js';

export type ReadIdToken = (audience: string) => Promise<string>;

/** @param env the process's environment; GitHub gives both variables only to jobs that may ask for a token */
export function createIdTokenReader(env: Readonly<Record<string, string | undefined>>): ReadIdToken {
  return async (audience) => {
    if (!env['ACTIONS_ID_TOKEN_REQUEST_URL'] || !env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'])
      throw new UserError(
        'GitHub gives this job no OIDC token.',
        'a role is to be assumed, and the job lacks the permission "id-token: write" (a pull request from a fork never has it).',
        'add "permissions: { id-token: write, contents: read }" to the job, and to the job that calls a reusable workflow.',
      );
    try {
      return await core.getIDToken(audience);
    } catch (error) {
      throw new UserError(
        'GitHub did not answer the request for an OIDC token.',
        `without it no role can be assumed (${error instanceof Error ? error.message.split('\n')[0] : 'no reason given'}).`,
        'run the job again; if it stays so, look at githubstatus.com.',
        { cause: error },
      );
    }
  };
}
