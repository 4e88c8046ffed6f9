import type { Context, PhaseResult } from '../ports.js';
import { planReport } from '../report/plan-report.js';
import { describeBlockers } from '../plan/blockers.js';
import { clonedRole } from '../plan/build.js';
import { checkFindings } from '../plan/check-findings.js';
import { planDocument } from '../plan/document.js';
import { isChange } from '../report/option-sections.js';
import { takeCheckReport } from './check-input.js';
import { commentOnPullRequest } from './comment.js';
import { resultOf } from './result.js';
import { lookForReferences } from './references.js';
import { survey } from './survey.js';

export type PlanContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'log' | 'plan' | 'source' | 'target' | 'references' | 'repositoryFiles' | 'github'>;

/** Reads both sides and says what will be done. Writes nothing. */
export async function planMigration(context: PlanContext): Promise<PhaseResult> {
  const { file, log } = context;
  const { report: check, isRefused } = await takeCheckReport(context);
  const seen = await survey(context, true);
  const { source, target } = seen;
  const plan = { ...seen.plan, warnings: [...seen.plan.warnings, ...checkFindings(check, file, seen.source.AirflowVersion, isRefused)] };
  const clone = clonedRole({ file, source, targetAccount: seen.targetAccount, sourceRole: seen.sourceRole });
  const changes = plan.changes.filter(({ kind }) => kind !== 'kept' && kind !== 'not sent').length + plan.options.filter(isChange).length;
  log.info(`Plan ${plan.digest.slice(0, 12)}: ${changes} changes, ${plan.warnings.length} ${plan.warnings.length === 1 ? 'warning' : 'warnings'}, ${plan.blockers.length} ${plan.blockers.length === 1 ? 'blocker' : 'blockers'}.`);
  const report = planReport({ file, plan, clone, source, references: await lookForReferences(context, seen), check, now: context.clock.now().toISOString() });
  await commentOnPullRequest(context, report, plan.digest);
  const result = resultOf(`mwaa-migrate: plan of ${file.id}`, report, {
    'migration-id': file.id, 'plan-digest': plan.digest, changes: String(changes), blockers: String(plan.blockers.length), 'target-environment': file.target.environment,
    ...(target?.WebserverUrl ? { 'target-webserver-url': target.WebserverUrl } : {}),
  }, plan.blockers.length === 0 ? undefined : describeBlockers(plan.blockers));
  return { ...result, document: { output: 'plan', text: planDocument({ file, plan, source, check }) } };
}
