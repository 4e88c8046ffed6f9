/** The scope of an export: what is moved and by which rules, without the rows. It is what the gate approves (output manifest-digest). */
import { UserError } from '../errors.js';
import { digestOf } from '../plan/canonical.js';
import { describeDifferences, differences } from '../plan/difference.js';
import type { Table } from './catalogue.js';
import type { Manifest } from './manifest.js';

export type Scope = Readonly<{
  format: number;
  sourceVersion: string;
  targetVersion: string;
  filters: Manifest['filters'];
  tables: readonly Readonly<{ name: string; columns: readonly string[]; key: readonly string[]; rules: Readonly<Record<string, string>> }>[];
}>;

/**
 * Two exports of one source that differ by rows only have the same scope, a rehearsal and its final export among them.
 * @param catalogue the tables as the job named them; a table of the manifest that is not there counts without rules
 */
export function scopeOf(manifest: Manifest, catalogue: readonly Table[]): Scope {
  return {
    format: manifest.format,
    sourceVersion: manifest.source.airflowVersion,
    targetVersion: manifest.targetVersion,
    filters: manifest.filters,
    // By name: in which order tables and columns were written is no part of what was approved.
    tables: [...manifest.tables].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, columns, types, secret }) => {
      const table = catalogue.find((known) => known.name === name);
      return {
        name,
        // A rehearsal writes no secret and lists the table's own columns; the final export's are fixed by the format.
        columns: secret ? [] : columns.map((column, at) => `${column} ${types[at] ?? ''}`).sort(),
        key: table?.key ?? [], rules: table?.rules ?? {},
      };
    }),
  };
}

export const scopeDigest = (scope: Scope): string => digestOf(scope);

/**
 * @param approved the digest that a person approved; undefined: nothing to compare
 * @param approvedScope the scope behind it, when an earlier export of this migration has it
 * @throws {UserError} that names every difference
 */
export function requireApproved(scope: Scope, approved: string | undefined, approvedScope: Scope | undefined): void {
  const digest = scopeDigest(scope);
  if (approved === undefined || approved === digest) return;
  const found = approvedScope ? describeDifferences(differences(approvedScope, scope)) : undefined;
  throw new UserError(
    `The export is not what was approved: its manifest digest is ${digest}, approved is ${approved}.${found ? `\n    ${found}` : ''}`,
    found ? 'columns, filters or rules changed after the approval (approved → now).' : 'no export of this migration has the approved digest, so what differs cannot be shown.',
    'let a person read the summary of phase export and approve its manifest-digest, then run import with that value in approved-manifest.',
  );
}
