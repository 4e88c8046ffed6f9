import type { ClonedRole } from '../plan/clone-role.js';
import type { Difference } from '../plan/difference.js';
import { code, counted, list, table, text, type Report, type Section } from './document.js';
import { onward } from './onward.js';

export type CreateFacts = Readonly<{
  name: string;
  version: string;
  status: string;
  meaning: string;
  executionRole: string;
  isExternal: boolean;
  /** unknown: it was there when this phase looked first, so a killed run of this action may have asked for it, or anybody else. */
  createdBy: 'this-run' | 'earlier-run' | 'unknown' | 'nobody-yet';
  role: Readonly<{ arn: string; outcome: 'given' | 'created' | 'completed' | 'there'; clone: ClonedRole | undefined }> | undefined;
  differences: readonly Difference[];
  /** Names of Airflow options whose values stand in no plan. */
  hiddenOptions?: readonly string[];
  isDry?: boolean;
  /** Dry run: what would be sent, without hidden values. */
  fields?: Readonly<Record<string, unknown>> | undefined;
}>;

const CREATED_BY: Readonly<Record<CreateFacts['createdBy'], string>> = {
  'this-run': 'mwaa-migrate, in this run', 'earlier-run': 'mwaa-migrate, in an earlier run', unknown: 'not this run: it was there already', 'nobody-yet': 'nobody yet: mwaa-migrate would create it',
};

export function createReport(facts: CreateFacts): Report {
  const { name, version, status, isDry } = facts;
  const verdict = isDry
    ? [status === 'absent' ? (facts.isExternal ? 'Dry run: would wait for ' : 'Dry run: would create ') : 'Dry run: would wait for and compare ', code(name), ' (', code(status), ')']
    : [facts.createdBy === 'this-run' ? 'Created ' : 'Found ', code(name), ` on Airflow ${version}, ready; ${counted(facts.differences.length, 'difference')} from the plan`];
  return {
    verdict, isGood: true,
    sections: [
      {
        title: 'Environment', importance: 1, blocks: [table(['What', 'Value'], [
          ['Name', code(name)], ['Airflow', code(version)], ['State', [code(status), `: ${facts.meaning}`]],
          ['Execution role', code(facts.executionRole)], ['Created by', facts.isExternal ? 'your infrastructure code' : CREATED_BY[facts.createdBy]],
        ])],
      },
      ...(facts.differences.length > 0
        ? [{
            title: `Differences from the plan (${facts.differences.length})`, importance: 1 as const,
            blocks: [text('Nothing was changed about them. Decide whether each is meant.'), table(['Field', 'Planned', 'Is'], facts.differences.map(({ path, before, after }) => [code(path), code(before), code(after)]))],
          }]
        : []),
      ...hiddenSection(facts),
      ...roleSections(facts.role?.clone),
      ...(facts.fields ? [{ title: 'Fields that would be sent', importance: 2 as const, isFolded: true, blocks: [table(['Field', 'Value'], Object.entries(facts.fields).sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, value]) => [code(field), code(typeof value === 'string' ? value : JSON.stringify(value))]))] }] : []),
    ],
    next: isDry ? ['Run phase create without dry-run.'] : [onward(['rehearse'], 'export with mode rehearsal'), 'It pauses nothing and shows what would be moved.'],
  };
}

/** The approval is for the names: the values are nowhere, so they cannot be compared with what was approved. */
function hiddenSection({ hiddenOptions = [], isDry }: CreateFacts): readonly Section[] {
  if (hiddenOptions.length === 0) return [];
  return [{
    title: `Hidden values (${hiddenOptions.length})`, importance: 2,
    blocks: [text(`Each of these options ${isDry ? 'would be' : 'was'} sent as the source has it now, or as the migration file says. A value that changed since the approval is not told by the plan's digest.`), list(hiddenOptions.map((option) => code(option)))],
  }];
}

export function roleSections(clone: ClonedRole | undefined): readonly Section[] {
  if (!clone) return [];
  return [
    ...(clone.warnings.length > 0 ? [{ title: `Execution role: to be checked by you (${clone.warnings.length})`, importance: 1 as const, blocks: [list(clone.warnings.map((warning) => [code(warning)]))] }] : []),
    {
      title: `Execution role: cloned as ${clone.name}`, importance: 2, isFolded: true, blocks: [
        text(`${counted(Object.keys(clone.inlinePolicies).length, 'inline policy', 'inline policies')}, ${counted(clone.attached.length, 'attached policy', 'attached policies')}.`),
        table(['Policy', 'On the source', 'On the target'], clone.rewritten.map(({ policy, before, after }) => [code(policy), code(before), code(after)])),
      ],
    },
  ];
}
