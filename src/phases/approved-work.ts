/** What a person approved, held against what is there now: with `require-approval` nothing is paused, imported or cut over before this. Reads only. */
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf } from '../journal/transitions.js';
import { TABLES } from '../metadata/catalogue.js';
import { MANIFEST_FORMAT, type Manifest } from '../metadata/manifest.js';
import { requireApproved, scopeDigest, scopeOf, type Scope } from '../metadata/scope.js';
import { jobFor } from '../plan/job.js';
import type { Bucket, Context } from '../ports.js';
import { approvedForExport, exportedByApproval, requireApproval, type Approval } from './approval.js';
import { exportAttempt } from './attempts.js';
import { requireApprovedPlan } from './migration.js';
import { readManifest } from './read-manifest.js';
import type { Survey } from './survey.js';

type ApprovalContext = Pick<Context, 'inputs' | 'file' | 'clock'> & Partial<Pick<Context, 'readPlanFile'>>;

/** `scope`: as the rehearsal had it; undefined where this release moves by other rules than the one that made it. */
export type ApprovedExport = Readonly<{ approval: Approval; scope: Scope | undefined }>;

/**
 * Before a final export touches the source: an approval that still holds, for this plan, and for what the export would hold as far as that can be known.
 * @returns undefined without require-approval, and for a rehearsal
 * @throws {UserError} that names what is another one than was approved
 */
export async function requireApprovedExport(context: ApprovalContext, seen: Survey, bucket: Bucket, journal: Journal): Promise<ApprovedExport | undefined> {
  const { inputs, file, clock } = context;
  if (!inputs.workflow.requireApproval || inputs.mode !== 'final') return undefined;
  const done = exportedByApproval(journal);
  const next = done ? undefined : exportAttempt(journal, 'final', undefined, clock.now());
  const approval = done ? requireApproval(journal, done, 'export') : approvedForExport(journal, next?.isResumed ? next.attempt : undefined);
  await requireApprovedPlan(context, seen, bucket, approval.data.planDigest);
  const rehearsal = await approvedManifest(bucket, journal, approval);
  const then = scopeOf(rehearsal, TABLES);
  if (scopeDigest(then) !== approval.data.scope) throw otherRules(approval);
  const { metadata } = jobFor({ file, side: 'source', attempt: approval.attempt, mode: 'final', sourceVersion: seen.source.AirflowVersion, envelope: null });
  // Tables and columns are seen only by the export itself, which compares again.
  requireScope(scopeOf({ ...rehearsal, format: MANIFEST_FORMAT, source: { ...rehearsal.source, airflowVersion: seen.source.AirflowVersion }, targetVersion: file.target.airflowVersion, filters: metadata }, TABLES), { approval, scope: then }, 'nothing was paused.');
  return { approval, scope: then };
}

/**
 * Before a final export is imported or cut over.
 * @throws {UserError} unless this very export was approved, or made from the rehearsal that was, for this plan and with the same scope
 */
export async function requireApprovedFinal(context: ApprovalContext, seen: Survey, bucket: Bucket, journal: Journal, attempt: Attempt, manifest: Manifest): Promise<void> {
  const { inputs } = context;
  if (!inputs.workflow.requireApproval) return;
  const approval = requireApproval(journal, attempt, inputs.phase);
  await requireApprovedPlan(context, seen, bucket, approval.data.planDigest);
  const then = scopeOf(await approvedManifest(bucket, journal, approval), TABLES);
  requireScope(scopeOf(manifest, TABLES), { approval, scope: scopeDigest(then) === approval.data.scope ? then : undefined }, `nothing of it was ${inputs.phase === 'cutover' ? 'activated' : 'imported'}.`);
}

/** @throws {UserError} that names each filter, table, column and rule that is another one than in the rehearsal that was approved */
export function requireScope(scope: Scope, { approval, scope: then }: ApprovedExport, consequence: string): void {
  try {
    requireApproved(scope, approval.data.scope, then);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `${error.what}\n    Approved was attempt ${approval.attempt}, at ${approval.at}.`,
      `${then ? 'the final export may differ from what was approved by rows only (approved → now)' : 'this release moves rows by other rules than the one whose rehearsal was approved'}; ${consequence}`,
      'take the change back (in the migration file, in the source, or in the release of this action), or run the workflow again from its export, so that a person approves what it would move now. If the source is paused, phase rollback goes back.',
      { cause: error },
    );
  }
}

async function approvedManifest(bucket: Bucket, journal: Journal, approval: Approval): Promise<Manifest> {
  const ref = attemptOf(journal, approval.attempt)?.manifest;
  if (ref) return await readManifest(bucket, ref);
  throw new UserError(`Attempt ${approval.attempt} was approved, but the journal has no manifest of it.`, 'what was approved cannot be compared with what is there now.', 'restore the newest whole version of journal.json in the S3 console, or run the workflow again from its export.');
}

const otherRules = ({ attempt, at }: Approval): UserError =>
  new UserError(
    `Attempt ${attempt}, approved at ${at}, was exported by other rules than those of this release.`,
    'another release of mwaa-migrate made it, so the final export would not hold what was approved; nothing was paused.',
    'use the release that made the rehearsal, or run the workflow again from its export with this one.',
  );
