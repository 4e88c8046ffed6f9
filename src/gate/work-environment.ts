/** The GitHub environment of the jobs that change things: the roles trust its jobs, so it keeps other branches out, and it lets ours in at once. Pure. */
import { UserError } from '../errors.js';
import type { EnvironmentProtection } from '../gatekeeper.js';
import type { GateInputs } from '../workflow-inputs.js';
import { keepsOut } from './protection.js';

export type WorkStand = Readonly<{ environment: string; /** What GitHub lets through that a careful team would not. */ warnings: readonly string[] }>;

type Names = Pick<GateInputs, 'by' | 'environment' | 'cutoverEnvironment'>;

const WAYS_BACK = 'the jobs that make the source active again, when a gate is not answered or a job fails, are of it too: they would wait for a person while production stands still.';

/** @throws UserError where the jobs that change things share an environment with a gate */
export function requireOwnEnvironment(environment: string, { by, environment: gate, cutoverEnvironment }: Names): void {
  const is = (other: string | undefined): boolean => other?.toLowerCase() === environment.toLowerCase();
  const shared = [...(by === 'environment' && is(gate) ? ['gate-environment'] : []), ...(is(cutoverEnvironment) ? ['cutover-environment'] : [])];
  if (shared.length === 0) return;
  throw new UserError(
    `The jobs that change things and ${shared.length === 1 ? 'a gate' : 'both gates'} have one GitHub environment: environment and ${shared.join(' and ')} are "${environment}".`,
    `each of those jobs would wait for a review of its own, and ${WAYS_BACK}`,
    'give input environment one without reviewers, restricted to the default branch; its default is migration-prepare.',
  );
}

/**
 * @param protection undefined: there is none of that name
 * @throws UserError for an environment that is missing, or whose jobs wait
 */
export function requireUnattended(protection: EnvironmentProtection | undefined, environment: string, defaultBranch: string): WorkStand {
  if (!protection)
    throw new UserError(
      `There is no GitHub environment "${environment}" for the jobs that change things.`,
      'GitHub would make it for the first job that names it, without any rule; the roles trust the jobs of it, so whoever may push a branch would get them.',
      `make it under Settings, Environments with the exact name "${environment}", without reviewers and with a rule that lets in "${defaultBranch}" alone, or correct input environment.`,
    );
  const { name, reviewers, waitMinutes } = protection;
  const waits = [...(reviewers.length > 0 ? [`has required reviewers (${reviewers.join(', ')})`] : []), ...(waitMinutes > 0 ? [`waits ${waitMinutes} minutes`] : [])];
  if (waits.length > 0)
    throw new UserError(
      `The jobs that change things would wait: GitHub environment "${name}" ${waits.join(' and ')}.`,
      WAYS_BACK,
      `take that out of its rules under Settings, Environments, or give input environment another one; reviewers belong to gate-environment and cutover-environment.`,
    );
  return { environment: name, warnings: keepsOut(protection, defaultBranch, 'the roles trust its jobs, so whoever may push a branch gets them') };
}
