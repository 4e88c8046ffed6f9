/** What an export left out of a table, told apart: rows of our own DAGs are nobody's loss. */
import type { ManifestTable } from './manifest.js';

/** The reason that the DAG gives for rows that no migration has to move; the others belong to the user. */
const OWN_ROWS = 'row of mwaa-migrate itself';

/** @returns rows left out: of the user, for whatever reason, and of our own DAGs */
export function leftOutOf({ leftOut }: Pick<ManifestTable, 'leftOut'>): Readonly<{ users: number; ours: number }> {
  const all = Object.values(leftOut).reduce((sum, count) => sum + count, 0);
  const ours = leftOut[OWN_ROWS] ?? 0;
  return { users: all - ours, ours };
}
