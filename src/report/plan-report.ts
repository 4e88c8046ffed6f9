import type { MigrationFile } from '../migration-file/migration-file.js';
import type { ClonedRole } from '../plan/clone-role.js';
import { cloudFormation, terraform } from '../plan/infrastructure.js';
import type { Finding, Plan } from '../plan/plan.js';
import type { EnvironmentDescription } from '../ports.js';
import { roleSections } from './create-report.js';
import { dagSection } from './dag-outlook.js';
import { code, counted, listing, table, text, type Report, type Section } from './document.js';
import type { References } from '../plan/references.js';
import { isChange, optionSections } from './option-sections.js';
import { referenceSections } from './references-section.js';
import { requirementSections } from './requirements-section.js';

export type PlanFacts = Readonly<{ file: MigrationFile; plan: Plan; clone: ClonedRole | undefined; source: EnvironmentDescription; references?: References; now: string }>;

export function planReport({ file, plan, clone, source, references, now }: PlanFacts): Report {
  const { decisions, observations, blockers, warnings } = plan;
  const changed = plan.changes.filter(({ kind }) => kind === 'changed' || kind === 'added' || kind === 'removed');
  const kept = plan.changes.filter(({ kind }) => kind === 'kept');
  const notSent = plan.changes.filter(({ kind }) => kind === 'not sent');
  const options = plan.options.filter(isChange).length;
  const rows = (changes: Plan['changes']) => changes.map(({ field, source: before, target: after, kind }) => [code(field), before === undefined ? undefined : code(before), after === undefined ? undefined : code(after), kind]);
  return {
    verdict: [`${counted(blockers.length, 'thing blocks', 'things block')}, ${counted(changed.length, 'setting')} of the environment and ${counted(options, 'Airflow option')} change, ${counted(warnings.length, 'warning')}: `, code(source.Name), ` (Airflow ${source.AirflowVersion}) to `, code(file.target.environment), ` (Airflow ${file.target.airflowVersion})`],
    isGood: blockers.length === 0,
    sections: [
      ...findingSections('What blocks', blockers),
      ...findingSections('Warnings', warnings),
      {
        title: 'What is there now', importance: 1, blocks: [
          table(['What', 'Value'], [
            ['Source', code(observations.sourceStatus)], ['Target', observations.targetStatus ? code(observations.targetStatus) : 'does not exist yet'],
            ['DAGs', observations.counts.dags], ['Active DAGs', observations.activeDags], ['DAG files and modules', observations.dagFiles], ['DAG files that do not load', observations.counts.importErrors],
            ['DAG runs', observations.counts.dagRuns], ['Task instances', observations.counts.taskInstances], ['Pools', observations.counts.pools],
          ]),
          text('These numbers change by themselves and are no part of the digest.'),
        ],
      },
      ...dagSections(observations, now),
      { title: `What changes in the environment (${changed.length})`, importance: 1, blocks: [table(['Field', 'Source', 'Target', ''], rows(changed))] },
      ...requirementSections(plan),
      ...optionSections(plan.options, plan.defaults, file.target.airflowVersion),
      {
        title: 'What will be done', importance: 1, blocks: [table(['What', 'How'], [
          ['DAGs, plugins, requirements', ['from ', code(`s3://${decisions.resources.source.bucket}/${decisions.resources.source.dags}`), ' to ', code(`s3://${decisions.resources.target.bucket}/${decisions.resources.target.dags}`)]],
          ['Constraint line', decisions.resources.constraint ? code(decisions.resources.constraint) : 'the source has no requirements.txt'],
          ['Execution role', decisions.executionRole.kind === 'clone' ? ['cloned as ', code(decisions.executionRole.name)] : code(decisions.executionRole.arn)],
          ['Environment', decisions.environment.create === 'external' ? 'created by your infrastructure code; this action waits and compares' : ['created in ', code(decisions.environment.region), ', account ', code(decisions.environment.account)]],
          ['Migration bucket', code(`s3://${decisions.migration.bucket}/${decisions.migration.prefix}`)],
          ['History', `${days(file.metadata.historyDays)}; audit log ${days(file.metadata.auditLogDays)}`],
          ['XComs, variables', `${yes(file.metadata.xcom)}, ${yes(file.metadata.variables)}`],
          ['Connections', file.metadata.connections ? 'no: not part of this release; create them in the target before cutover' : 'no'],
          ['Drain', `up to ${file.drain.timeoutMinutes} minutes for runs, ${file.drain.taskMinutes} more for tasks, then ${file.drain.leftover}`],
          ['Tables', decisions.metadata.tables.flatMap(({ name }, at) => [at > 0 ? ', ' : '', code(name)])],
        ])],
      },
      ...(references ? referenceSections(references) : []),
      ...roleSections(clone),
      ...codeSections(decisions.environment),
      { title: `Grants in the bucket's policy (${decisions.grants.length})`, importance: 3, isFolded: true, blocks: [table(['Sid', 'Statement'], decisions.grants.map((statement) => [code(statement.Sid), code(JSON.stringify(statement))]))] },
      { title: `Returned by MWAA, not sent (${notSent.length})`, importance: 3, isFolded: true, blocks: [table(['Field', 'Source', 'Target', ''], rows(notSent))] },
      { title: `Kept as it is (${kept.length})`, importance: 3, isFolded: true, blocks: [table(['Field', 'Source', 'Target', ''], rows(kept))] },
    ],
    next: blockers.length > 0
      ? ['Repair what blocks, then run phase plan again. Nothing was changed.']
      : [['Let a person read this and give plan digest ', code(plan.digest), ' as approved-plan to the phases that follow.'], 'Then run phase resources. Nothing was changed so far.'],
  };
}

/** For whoever keeps environments as code; with target.create: external, phase create waits for that one and compares. */
const codeSections = ({ create, fields }: Plan['decisions']['environment']): readonly Section[] => [
  { title: `The target as CloudFormation${create === 'external' ? ', to be deployed by you' : ''}`, importance: 3, isFolded: true, blocks: [listing('yaml', cloudFormation(fields))] },
  { title: `The target as Terraform${create === 'external' ? ', to be applied by you' : ''}`, importance: 3, isFolded: true, blocks: [listing('hcl', terraform(fields))] },
];

/** Active ones first: they are what cutover is about. */
function dagSections({ dags }: Plan['observations'], now: string): readonly Section[] {
  if (!dags || dags.length === 0) return [];
  const ordered = [...dags.filter(({ isPaused }) => !isPaused), ...dags.filter(({ isPaused }) => isPaused)];
  return [dagSection(
    'DAGs of the source', ordered.map((dag) => ({ dagId: dag.dagId, isActive: !dag.isPaused, inFlight: dag.runsInFlight, next: dag })), 'Now', now,
    'As they are now; no part of the digest. The drain waits for runs in flight before it pauses their DAG. Whether a DAG without catchup would miss intervals is known to the rehearsal, not to this list.',
  )];
}

function findingSections(title: string, findings: readonly Finding[]): readonly Section[] {
  if (findings.length === 0) return [];
  return [{ title: `${title} (${findings.length})`, importance: 1, blocks: [table(['What', 'Why it matters', 'What to do'], findings.map(({ what, why, fix }) => [code(what), code(why), code(fix)]))] }];
}

const days = (value: number | 'all') => (value === 'all' ? 'all of it' : `the last ${value} days`);
const yes = (value: boolean) => (value ? 'yes' : 'no');
