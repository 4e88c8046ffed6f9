/** Which export the gate is about, and whether it is still what was shown. Pure. */
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, newestAttempt, refuseCleaned, stepOf } from '../journal/transitions.js';
import { approvalOf } from './approval.js';
import { isSwitched, refuseRollingBack, STEP, type ApprovedData, type FinishedExport } from './attempts.js';

const AGAIN = 'start the workflow from job rehearse (with pause: before-gate from job pause-first), and approve what that shows.';

/**
 * The newest export, whichever mode it has.
 * @param wanted input `attempt`
 * @throws UserError for an export that is not the newest, has not finished, or is over
 */
export function attemptToApprove(journal: Journal, wanted: number | undefined): FinishedExport {
  refuseCleaned(journal);
  refuseRollingBack(journal);
  const newest = newestAttempt(journal);
  if (!newest) throw new UserError(`Migration "${journal.migrationId}" has no export.`, 'the gate is about what an export found.', AGAIN);
  if (wanted !== undefined && wanted !== newest.number)
    throw new UserError(
      attemptOf(journal, wanted) ? `Attempt ${wanted} is not the newest export: attempt ${newest.number}, a ${newest.mode}, came after it.` : `There is no attempt ${wanted} in migration "${journal.migrationId}".`,
      'an approval is for one export and the final export made from it; what came after was not shown to whoever approves.', AGAIN,
    );
  const over = whyOver(newest);
  if (over) throw new UserError(`Attempt ${newest.number} cannot be approved: ${over}.`, 'an approval lets an export be used, and this one cannot be.', AGAIN);
  return newest as FinishedExport;
}

function whyOver(attempt: Attempt): string | undefined {
  const has = (name: string): boolean => stepOf(attempt, name) !== undefined;
  if (has(STEP.expired)) return 'its approval took too long (gate-timeout-minutes), and the source is active again or will be';
  if (has(STEP.restored)) return 'it was given up, and the source is active again';
  if (has(STEP.voided)) return 'what it exported cannot be used';
  if (!attempt.manifest || !has(STEP.exported)) return 'its export has not finished';
  return has(STEP.activated) ? 'it was cut over already' : undefined;
}

/** What job ask showed, as its outputs or a person hand it on. */
export type Shown = Readonly<{ planDigest: string | undefined; scope: string | undefined }>;

/** @throws UserError that names both values where the journal holds something else than was shown */
export function requireShown(journal: Journal, attempt: FinishedExport, { planDigest, scope }: Shown): void {
  if (planDigest !== undefined && planDigest !== journal.planDigest)
    throw new UserError(`The plan is not the one that was shown for approval: the migration acts on ${journal.planDigest ?? 'none'}, shown was ${planDigest}.`, 'the source environment, the migration file or the release of this action changed in between.', AGAIN);
  if (scope !== undefined && scope !== attempt.manifest.scope)
    throw new UserError(`The export is not the one that was shown for approval: attempt ${attempt.number} has manifest digest ${attempt.manifest.scope}, shown was ${scope}.`, 'it moves other tables, columns or rows by other rules.', AGAIN);
}

/** Of a final export that is on the target: a second approval, for the cutover alone. The first one stands beside it. */
export const CUTOVER_APPROVED = 'cutover-approved';
/** Of an attempt: somebody approved, and it was refused all the same. */
export const APPROVAL_REFUSED = 'approval-refused';
/** Which approval is asked for: what is imported already waits for the second gate. */
export const approvalStep = (attempt: Attempt): string => (stepOf(attempt, STEP.imported) ? CUTOVER_APPROVED : STEP.approved);

/**
 * Before cutover, where there is a second gate: by the journal, so that a run that begins with cutover passes no gate unseen, and one that goes on needs no new one.
 * @param environment input `cutover-environment`; undefined: there is no second gate
 * @throws UserError for an attempt that nobody has approved in this environment
 */
export function requireCutoverApproved(attempt: Attempt, environment: string | undefined): void {
  // A switch that has begun must not stop half-way.
  if (environment === undefined || isSwitched(attempt)) return;
  const found = stepOf(attempt, CUTOVER_APPROVED) && approvedOf(attempt);
  if (found && isOf(found, environment)) return;
  throw new UserError(
    `The cutover of attempt ${attempt.number} was not approved in environment "${environment}"${found ? `, only in ${found.environment === undefined ? 'another way' : `"${found.environment}"`}` : ''}.`,
    'input cutover-environment asks for a second approval before the target takes over, and the journal holds none.',
    'start the workflow with from: verify, so that job cutover-gate asks for it (with attempt, approved-plan and approved-manifest as its job ask showed them), or without cutover-environment if nobody has to approve a second time.',
  );
}

/** Whether an approval was given in this GitHub environment; their names are compared whatever their case. */
export const isOf = ({ environment }: ApprovedData, wanted: string): boolean => environment?.toLowerCase() === wanted.toLowerCase();

/** The approval that an attempt already has, at the gate that it stands before. */
export function approvedOf(attempt: Attempt): ApprovedData | undefined {
  const step = approvalStep(attempt), found = stepOf(attempt, step);
  return step === STEP.approved ? approvalOf(attempt)?.data : found && approvalOf({ ...attempt, steps: [{ ...found, name: STEP.approved }] })?.data;
}
