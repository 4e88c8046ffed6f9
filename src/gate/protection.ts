/** Whether a GitHub environment holds a job until a person has approved. Pure; the gatekeeper reads what is judged here. */
import { UserError } from '../errors.js';
import type { EnvironmentProtection } from '../gatekeeper.js';
import type { GateInputs } from '../workflow-inputs.js';

export type GateStand = Readonly<{
  /** False only with allow-unprotected-gate. */
  isProtected: boolean;
  /** Who may approve; empty: nobody is asked. */
  reviewers: readonly string[];
  /** What GitHub lets through that a careful team would not. */
  warnings: readonly string[];
  /** Why an approval by this person is none, though GitHub let the job begin; undefined: it is one, as far as can be told. */
  whyNot?: ((login: string) => string | undefined) | undefined;
}>;

/**
 * @param startedBy logins of who started the workflow run
 * @throws UserError for an environment that is missing, lets every job through, or lets administrators through unseen, unless the inputs allow it
 */
export function requireProtected(protection: EnvironmentProtection | undefined, { environment, allowUnprotected }: Pick<GateInputs, 'environment' | 'allowUnprotected'>, defaultBranch: string, startedBy: readonly string[] = []): GateStand {
  if (protection !== undefined && protection.reviewers.length > 0) {
    if (mayPassUnseen(protection) && !allowUnprotected) throw unseen(protection);
    return { isProtected: true, reviewers: protection.reviewers, warnings: warningsOf(protection, defaultBranch), whyNot: (login) => whyNotReviewer(protection, login, startedBy) };
  }
  if (allowUnprotected)
    return { isProtected: false, reviewers: [], warnings: [`Nobody is asked: environment "${environment}" ${protection ? 'has no required reviewers' : 'does not exist'}, and allow-unprotected-gate is true. Journal and summary say "nobody".`] };
  throw protection ? withoutReviewers(environment) : missing(environment);
}

const MAKE = (environment: string): string => `make it under Settings, Environments with the exact name "${environment}" and required reviewers`;
/** Private repositories have required reviewers on GitHub Enterprise only: https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments */
const OTHERWISE = 'Where the repository can have no required reviewers, use gate: dispatch.';

const missing = (environment: string): UserError =>
  new UserError(`There is no GitHub environment "${environment}".`, 'GitHub would make it for the first job that names it, without protection, and the job would run at once.', `${MAKE(environment)}, or correct gate-environment. ${OTHERWISE}`);
const withoutReviewers = (environment: string): UserError =>
  new UserError(`GitHub environment "${environment}" has no required reviewers.`, 'a job that names it runs at once; nobody would be asked.', `add required reviewers to it under Settings, Environments. ${OTHERWISE} Only to go on without any approval: allow-unprotected-gate: true.`);

/**
 * Where only people review, a bypass is found out by its name. Nothing of GitHub's API that a job may ask tells a bypass from an approval, nor
 * who is in a team; the audit log does, which a job cannot read.
 */
const mayPassUnseen = ({ teams = [], adminsMayBypass }: EnvironmentProtection): boolean => teams.length > 0 && adminsMayBypass === true;
const unseen = ({ name, teams = [] }: EnvironmentProtection): UserError =>
  new UserError(
    `An administrator could pass GitHub environment "${name}" without any approval, and nobody would see it.`,
    `its rules may be bypassed, GitHub may show a bypass as an approval, and of ${teams.length === 1 ? `the reviewing team ${teams[0] ?? ''}` : `the reviewing teams ${teams.join(', ')}`} it does not tell the members: whether it was one of them cannot be known.`,
    'clear "Allow administrators to bypass configured protection rules" in the settings of the environment, or name people in the place of teams.',
  );

/** An administrator who bypasses the rules has been seen among the reviews as one who approved. Of a team nobody tells its members. */
function whyNotReviewer({ name, reviewers, teams = [], preventsSelfReview }: EnvironmentProtection, login: string, startedBy: readonly string[]): string | undefined {
  const is = (one: string): boolean => one.toLowerCase() === login.toLowerCase();
  if (teams.length === 0 && !reviewers.some(is)) return `is no required reviewer of environment "${name}"`;
  return preventsSelfReview && startedBy.length > 0 && startedBy.every(is) ? `started this workflow run, and environment "${name}" prevents self-review` : undefined;
}

function warningsOf(protection: EnvironmentProtection, defaultBranch: string): readonly string[] {
  const { name, teams = [], preventsSelfReview, adminsMayBypass, waitMinutes } = protection;
  return [
    preventsSelfReview ? [] : `Whoever starts the run may approve it: environment "${name}" does not prevent self-review.`,
    teams.length > 0 && adminsMayBypass === undefined ? `GitHub does not say whether administrators may bypass the rules of environment "${name}", and of a team not who is in it: see that its settings forbid bypassing.` : [],
    adminsMayBypass === true ? `Administrators may bypass the rules of environment "${name}"; forbid it in its settings.` : [],
    keepsOut(protection, defaultBranch),
    waitMinutes > 0 ? `Environment "${name}" waits ${waitMinutes} minutes besides the approval.` : [],
  ].flat();
}

/** @param harm what comes of runs of other branches, where that is not plain */
export function keepsOut({ name, branches }: EnvironmentProtection, defaultBranch: string, harm?: string): readonly string[] {
  if (branches === 'any') return [`Environment "${name}" lets in runs of every branch${harm === undefined ? '' : ` (${harm})`}; restrict it to "${defaultBranch}".`];
  if (typeof branches === 'string' || branches.some((pattern) => pattern === defaultBranch || /[*?[{]/u.test(pattern))) return [];
  return [`Environment "${name}" lets in no run of "${defaultBranch}", but only of ${branches.join(', ') || 'no branch at all'}: its jobs would fail.`];
}
