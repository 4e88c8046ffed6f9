/** The gate for repositories whose environments can have no reviewers: a person who starts the workflow again. Pure. */
import { UserError } from '../errors.js';
import type { WorkflowRun } from '../ports.js';
import { requireDefaultBranch } from './place.js';

const FIX = 'let another person of the list "approvers" in the migration file start the workflow by hand on the default branch, with the values that job ask shows.';

/** @throws UserError where the list is empty */
export function requireApprovers(approvers: readonly string[]): void {
  if (approvers.length > 0) return;
  throw new UserError('gate: dispatch needs "approvers" in the migration file.', 'without the list anybody who may start a workflow could approve.', 'add the GitHub logins of the people who may approve, on the default branch: approvers: [mona, hubot]. Nobody approves an export that they started, so name at least two.');
}

/** Apps have such logins, and nobody else can: brackets are not allowed in the name of a person. */
const isMachine = (login: string): boolean => /\[bot\]$/iu.test(login);

/**
 * Who starts an export cannot approve it. Behind an app's token stands a person whom nobody sees, who could then approve the own export.
 * @param attempt undefined: it is about to be exported
 * @throws UserError
 */
export function requirePeople(starters: readonly string[], attempt: number | undefined): void {
  const machines = starters.filter(isMachine);
  if (machines.length === 0) return;
  throw new UserError(
    `${machines.join(' and ')} ${attempt === undefined ? 'starts this export' : `started the export of attempt ${attempt}`}, so nobody could approve it.`,
    'with gate: dispatch nobody approves an export that they started, and who stands behind an app cannot be told.',
    attempt === undefined ? 'let a person start the workflow by hand.' : 'let a person start the workflow from job rehearse, then approve that attempt.',
  );
}

/**
 * Everything that the run itself shows: it was started by hand, on the default branch, by people of the list. Who re-runs it takes part in that.
 * @throws UserError
 */
export function approversMayStart(run: WorkflowRun, approvers: readonly string[], defaultBranch: string): void {
  requireApprovers(approvers);
  if (run.event !== 'workflow_dispatch') throw new UserError(`This run was not started by hand: its event is ${run.event ?? 'unknown'}.`, 'with gate: dispatch the approval is that a person starts the workflow.', FIX);
  requireDefaultBranch(run, defaultBranch);
  const machines = run.startedBy.filter(isMachine);
  if (machines.length > 0) throw new UserError(`${machines.join(' and ')} may not approve: it is an app, and no person.`, 'an approval is by a person, and who stands behind an app cannot be told.', FIX);
  const strangers = run.startedBy.filter((login) => !has(approvers, login));
  if (run.startedBy.length > 0 && strangers.length === 0) return;
  throw new UserError(`${strangers.join(' and ') || 'Nobody'} may not approve: not in the list "approvers" of the migration file.`, `the list on the default branch names ${approvers.join(', ')}.`, FIX);
}

/**
 * Who approves by having started this run.
 * @param exported number of the attempt that is approved, and who started or resumed it
 * @throws UserError also for whoever started the export
 */
export function approversOf(run: WorkflowRun, approvers: readonly string[], { attempt, starters }: Readonly<{ attempt: number; starters: readonly string[] }>, defaultBranch: string): readonly string[] {
  approversMayStart(run, approvers, defaultBranch);
  if (starters.length === 0) throw new UserError(`Nobody knows who started the export of attempt ${attempt}.`, 'nobody may approve an export that they started, and this attempt does not say who did (a release before this one made it, or it was made by hand).', 'run the workflow from job rehearse again, then approve that attempt.');
  requirePeople(starters, attempt);
  // GitHub runs the commit of the first attempt again, with the list of approvers as it was then.
  if ((run.attempt ?? 1) > 1) throw new UserError(`Attempt ${attempt} cannot be approved by running a workflow run again.`, 'a re-run has the migration file of its first start, which may name people who may not approve any more.', 'start the workflow anew on the default branch, with the same values: from: gate, attempt, approved-plan and approved-manifest.');
  const same = run.startedBy.filter((login) => has(starters, login));
  if (same.length > 0) throw new UserError(`${same.join(' and ')} started the export of attempt ${attempt} and cannot approve it.`, 'an approval is by a second person.', FIX);
  return run.startedBy;
}

/** Logins are not case sensitive. */
const has = (logins: readonly string[], login: string): boolean => logins.some((one) => one.toLowerCase() === login.toLowerCase());
