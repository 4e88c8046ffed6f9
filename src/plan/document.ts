/** plan.json: the plan for machines, in the form of docs/reference/plan.schema.json. */
import type { CheckReport } from '../check/check-report.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { canonicalJson } from './canonical.js';
import { accountOf } from './naming.js';
import type { Plan } from './plan.js';

/** Raised when a reader of the old shape would misread the new one; not for one more member. */
export const PLAN_DOCUMENT_SCHEMA = 1;

/** `check` undefined: no report of phase check was given, so nobody has looked at the DAGs. */
export type DocumentFacts = Readonly<{ file: MigrationFile; plan: Plan; source: EnvironmentDescription; check: CheckReport | undefined }>;

/**
 * The same plan gives the same bytes: members sorted, no time, nothing of the runner. What is undefined is absent; no hidden value is in it,
 * because none is in the plan.
 * @returns UTF-8 text with a line end
 */
export function planDocument({ file, plan, source, check }: DocumentFacts): string {
  const { sourceStatus, targetStatus, ...observations } = plan.observations;
  const document = {
    schema: PLAN_DOCUMENT_SCHEMA,
    migrationId: file.id,
    digest: plan.digest,
    source: { environment: source.Name, region: file.source.region, account: accountOf(source.Arn), airflowVersion: source.AirflowVersion, status: sourceStatus },
    target: { environment: file.target.environment, region: file.target.region, account: plan.decisions.environment.account, airflowVersion: file.target.airflowVersion, status: targetStatus },
    blockers: plan.blockers, warnings: plan.warnings,
    check: check && countsOf(check),
    decisions: plan.decisions, basis: plan.basis, observations,
    road: plan.legs, movement: plan.movement, estimates: plan.estimates,
    changes: plan.changes, existing: plan.existing, secretsBackend: plan.secretsBackend, options: plan.options, defaults: plan.defaults, requirements: plan.requirements, versions: plan.versions,
  };
  return `${JSON.stringify(JSON.parse(canonicalJson(document)), undefined, 2)}\n`;
}

const countsOf = ({ findings, versions, counts, notChecked }: CheckReport) => {
  const count = (level: (typeof findings)[number]['level']) => findings.filter((one) => one.level === level).length;
  return { airflowVersion: versions.target, errors: count('error'), warnings: count('warning'), notices: count('notice'), dagFiles: counts.dagFiles, dags: counts.dags, notChecked: notChecked.length };
};
