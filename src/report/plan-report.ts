/** Report of phase plan, what a person has to decide first. */
import type { CheckReport } from '../check/check-report.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { ClonedRole } from '../plan/clone-role.js';
import type { Finding, Plan } from '../plan/plan.js';
import type { References } from '../plan/references.js';
import type { EnvironmentDescription } from '../ports.js';
import { checkSections, countOf } from './check-sections.js';
import { roleSections } from './create-report.js';
import { code, counted, table, type Cell, type Report, type Section } from './document.js';
import { isChange, optionSections } from './option-sections.js';
import { seenSections } from './plan-seen.js';
import { codeSections, doneSection, estimateSection, movementSection, roadSection, upgradeSections } from './plan-work.js';
import { referenceSections } from './references-section.js';
import { requirementSections } from './requirements-section.js';

/** `check` undefined: no report of phase check was given. */
export type PlanFacts = Readonly<{ file: MigrationFile; plan: Plan; clone: ClonedRole | undefined; source: EnvironmentDescription; references?: References; check?: CheckReport | undefined; now: string }>;

export function planReport({ file, plan, clone, source, references, check, now }: PlanFacts): Report {
  const { decisions, blockers, warnings } = plan;
  const changed = plan.changes.filter(({ kind }) => kind === 'changed' || kind === 'added' || kind === 'removed');
  const options = plan.options.filter(isChange).length;
  const isStraight = decisions.road.upgrades.length === 0 && decisions.road.bridge === undefined;
  const road = roadSection(plan);
  return {
    verdict: [
      `${counted(blockers.length, 'thing blocks', 'things block')}, ${checked(check)}${counted(changed.length, 'setting')} of the environment and ${counted(options, 'Airflow option')} change, ${counted(warnings.length, 'warning')}: `,
      code(source.Name), ` (Airflow ${source.AirflowVersion}) to `, code(file.target.environment), ` (Airflow ${file.target.airflowVersion})`,
    ],
    isGood: blockers.length === 0,
    needsCare: !isChecked(check) || countOf(check, 'error') > 0,
    sections: [
      ...findingSections('What blocks', blockers),
      ...findingSections('Warnings', warnings),
      ...(check ? checkSections(check) : []),
      ...(isStraight ? [] : [road]),
      { title: `What changes in the environment${decisions.road.upgrades.length > 0 ? `, created on Airflow ${decisions.road.landing}` : ''} (${changed.length})`, importance: 1, blocks: [table(['Field', 'Source', 'Target', ''], rowsOf(changed))] },
      ...requirementSections(plan),
      ...optionSections(plan.options, plan.defaults, file.target.airflowVersion),
      ...upgradeSections(plan),
      estimateSection(plan),
      ...seenSections(plan, now),
      doneSection(plan, file),
      movementSection(plan),
      ...(references ? referenceSections(references) : []),
      ...(isStraight ? [{ ...road, importance: 3 as const, isFolded: true }] : []),
      ...roleSections(clone),
      ...codeSections(plan),
      ...detailSections(plan),
    ],
    next: blockers.length > 0
      ? ['Repair what blocks, then run phase plan again. Nothing was changed.']
      : [['Let a person read this and give plan digest ', code(plan.digest), ' as approved-plan to the phases that follow.'], 'Then run phase resources. Nothing was changed so far.'],
  };
}

/** A repository without DAGs gives a report that has checked nothing. */
const isChecked = (check: CheckReport | undefined): check is CheckReport => check !== undefined && (check.counts.dagFiles > 0 || countOf(check, 'error') > 0);

const checked = (check: CheckReport | undefined): string => {
  const errors = check ? countOf(check, 'error') : 0;
  return !isChecked(check) ? 'DAGs were not checked, ' : errors === 0 ? '' : `${counted(errors, 'thing')} in the DAGs will not work, `;
};

function findingSections(title: string, findings: readonly Finding[]): readonly Section[] {
  if (findings.length === 0) return [];
  return [{ title: `${title} (${findings.length})`, importance: 1, blocks: [table(['What', 'Why it matters', 'What to do'], findings.map(({ what, why, fix }) => [capital(what), why, fix]))] }];
}

/** A name keeps its letters. */
const capital = (text: string): string => /^[^ ]*[._]/u.test(text) ? text : `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

function detailSections({ decisions, changes }: Plan): readonly Section[] {
  const kept = changes.filter(({ kind }) => kind === 'kept'), notSent = changes.filter(({ kind }) => kind === 'not sent');
  return [
    { title: `Grants in the bucket's policy (${decisions.grants.length})`, importance: 3, isFolded: true, blocks: [table(['Sid', 'Statement'], decisions.grants.map((statement) => [code(statement.Sid), code(JSON.stringify(statement))]))] },
    { title: `Returned by MWAA, not sent (${notSent.length})`, importance: 3, isFolded: true, blocks: [table(['Field', 'Source', 'Target', ''], rowsOf(notSent))] },
    { title: `Kept as it is (${kept.length})`, importance: 3, isFolded: true, blocks: [table(['Field', 'Source', 'Target', ''], rowsOf(kept))] },
  ];
}

const rowsOf = (changes: Plan['changes']): readonly (readonly Cell[])[] =>
  changes.map(({ field, source, target, kind }) => [code(field), source === undefined ? undefined : code(source), target === undefined ? undefined : code(target), kind]);
