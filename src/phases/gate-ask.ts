import { UserError } from '../errors.js';
import { requireApprovers, requirePeople } from '../gate/dispatch.js';
import { requireDefaultBranch } from '../gate/place.js';
import { requireProtected, type GateStand } from '../gate/protection.js';
import { inFlightNow } from '../gate/shown.js';
import type { Journal } from '../journal/journal.js';
import { TABLES } from '../metadata/catalogue.js';
import { leftOutOf } from '../metadata/left-out.js';
import type { Manifest } from '../metadata/manifest.js';
import { scopeDigest, scopeOf } from '../metadata/scope.js';
import { describeBlockers } from '../plan/blockers.js';
import { describeDifferences, differences } from '../plan/difference.js';
import { estimate } from '../plan/estimates.js';
import type { Bucket, Context, PhaseResult } from '../ports.js';
import { askReport } from '../report/gate-ask.js';
import { approvalOf } from './approval.js';
import { pausedAttempts, startedBy, type FinishedExport } from './attempts.js';
import { attemptToApprove, requireShown } from './gate-attempt.js';
import { requireGatekeeper } from './gate-keeper.js';
import { readManifest } from './read-manifest.js';
import { resultOf } from './result.js';
import { readPlans } from './stored-plan.js';
import { eyesOf, survey, type Survey } from './survey.js';

export type AskContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'journal' | 'github'>;

/**
 * Shows everything that a person needs to decide, and refuses a gate that would ask nobody. Reads only, by the plan role. Red where what is
 * shown could not be done: nobody should approve what the next job refuses.
 */
export async function askForApproval(context: AskContext): Promise<PhaseResult> {
  const { inputs, file, clock, github } = context;
  const gate = await lookAtGate(context);
  const seen = await survey(context);
  const bucket = eyesOf(context).source.openBucket(seen.bucketName, seen.sourceAccount);
  const journal = await readJournal(context, seen, bucket);
  const attempt = attemptToApprove(journal, inputs.attempt);
  if (inputs.workflow.gate.by === 'dispatch') requirePeople(startedBy(attempt), attempt.number);
  requireShown(journal, attempt, { planDigest: inputs.approvedPlan, scope: inputs.approvedManifest });
  await requireSamePlan(journal, seen, bucket, attempt.number);
  const manifest = await readManifest(bucket, attempt.manifest);
  requireSameScope(manifest, attempt);
  const { blockers } = seen.plan;
  const rows = manifest.tables.reduce((sum, one) => sum + one.rows, 0);
  const report = askReport({
    file, attempt, manifest, gate, blockers, warnings: seen.plan.warnings, changes: seen.plan.changes, options: seen.plan.options,
    planDigest: seen.plan.digest, hasTarget: seen.target !== undefined, approved: approvalOf(attempt)?.data, pausedBy: pausedAttempts(journal, attempt.number)[0]?.number, starters: startedBy(attempt),
    active: await activeDagIds(context, seen, bucket), inFlight: inFlightNow(manifest),
    // The rows are counted by now: both ends of the range are the same.
    estimates: estimate({ dagRuns: rows, taskInstances: 0 }, { metadata: { ...file.metadata, historyDays: 'all' }, drain: file.drain }, { upgrades: seen.plan.decisions.road.upgrades.map(({ version }) => version) }),
    gateInputs: inputs.workflow.gate, run: await github.run(), now: clock.now().toISOString(),
  });
  return resultOf(`mwaa-migrate: approval of ${file.id}`, report, {
    'migration-id': file.id, attempt: String(attempt.number), 'plan-digest': seen.plan.digest, 'manifest-digest': attempt.manifest.scope, 'target-environment': file.target.environment,
    blockers: String(blockers.length),
    tables: JSON.stringify(Object.fromEntries(manifest.tables.map((one) => [one.name, { rows: one.rows, leftOut: leftOutOf(one).users }]))),
  }, blockers.length === 0 ? undefined : describeBlockers(blockers));
}

async function lookAtGate({ inputs, file, github }: AskContext): Promise<GateStand> {
  const { gate } = inputs.workflow;
  const gatekeeper = requireGatekeeper(github);
  const defaultBranch = await gatekeeper.defaultBranch();
  requireDefaultBranch(await github.run(), defaultBranch);
  if (gate.by === 'environment') return requireProtected(await gatekeeper.protection(gate.environment), gate, defaultBranch);
  requireApprovers(file.approvers);
  return { isProtected: true, reviewers: file.approvers, warnings: [] };
}

async function readJournal({ file, journal }: AskContext, { prefix, bucketName }: Survey, bucket: Bucket): Promise<Journal> {
  const store = journal(bucket, prefix);
  const found = await store.peek();
  if (found) return found;
  throw new UserError(`Migration "${file.id}" has not begun: there is no journal below s3://${bucketName}/${prefix}`, 'the gate shows what an export found, and there is none.', 'run phases resources, create and export first, with the same migration file.');
}

/** The approval is for the plan that the migration acts on; a later one would be refused only after the source was paused. */
async function requireSamePlan(journal: Journal, { plan, prefix }: Survey, bucket: Bucket, attempt: number): Promise<void> {
  if (journal.planDigest === plan.digest) return;
  const acted = (await readPlans(bucket, prefix)).find(({ digest }) => digest === journal.planDigest);
  const found = acted ? describeDifferences(differences({ decisions: acted.decisions, basis: acted.basis }, { decisions: plan.decisions, basis: plan.basis })) : undefined;
  throw new UserError(
    `The plan has changed since attempt ${attempt} was exported: its digest is ${plan.digest}, that of the export ${journal.planDigest ?? 'unknown'}.${found ? `\n    ${found}` : ''}`,
    `what would be approved is not what was rehearsed${found ? ' (then → now)' : ''}.`,
    'start the workflow from the beginning, so that plan and rehearsal fit together.',
  );
}

function requireSameScope(manifest: Manifest, { number, manifest: { scope } }: FinishedExport): void {
  const now = scopeDigest(scopeOf(manifest, TABLES));
  if (now === scope) return;
  throw new UserError(`Attempt ${number} was exported by other rules than this release has: its manifest digest is ${scope}, this release makes ${now} of it.`, 'what would be approved is not what the next phases do.', 'use one release of the action for the whole workflow, and start it from the beginning.');
}

/** Names are a help; the plan role need not be allowed to ask Airflow. */
async function activeDagIds(context: AskContext, seen: Survey, bucket: Bucket): Promise<readonly string[] | undefined> {
  try {
    return await eyesOf(context).source.airflow(seen.source, bucket, seen.prefix).listActiveDagIds();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.log.warn(`Which DAGs are active now could not be read: ${error.what}`);
    return undefined;
  }
}
