import { UserError } from '../errors.js';
import type { Gatekeeper } from '../gatekeeper.js';
import type { Context } from '../ports.js';

/** @throws UserError where GitHub cannot be asked */
export function requireGatekeeper({ gatekeeper }: Pick<Context['github'], 'gatekeeper'>): Gatekeeper {
  if (gatekeeper) return gatekeeper;
  throw new UserError(
    'GitHub cannot be asked: there is no github-token, or this is no job of a workflow.',
    'whether a person has to approve, and who did, is known to GitHub alone; guessing would be no gate.',
    'leave the input github-token as it is and give the job "permissions: { actions: read }".',
  );
}
