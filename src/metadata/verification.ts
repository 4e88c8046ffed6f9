/** Judges what `verify` found on the target against what the manifest says was exported. */
import type { Difference, ImportData, VerifiedTable, VerifyData } from '../airflow/protocol.js';
import type { Manifest } from './manifest.js';

export type Judgement = Readonly<{
  tables: readonly (Omit<VerifiedTable, 'rows'> & Readonly<{ name: string; exported: number; isGood: boolean }>)[];
  /** Sentences; empty when both sides agree. */
  problems: readonly string[];
}>;

/**
 * @param activeDags DAGs that may be unpaused on the target: those that cutover has activated; empty before
 * @param imported what import reported; rows it rejected are accounted for, not missing
 */
export function judge(manifest: Manifest, verified: VerifyData, imported: ImportData | undefined, activeDags: readonly string[]): Judgement {
  const problems: string[] = [];
  const tables = manifest.tables.map(({ name, rows: exported }) => {
    const found = verified.tables[name];
    if (!found) {
      // Values of a rehearsal are not written, and a table that the target does not have cannot be compared: both must be said.
      problems.push(`${name}: not compared`);
      return { name, exported, equal: 0, missing: exported, different: 0, rejected: 0, resumed: 0, doubled: 0, proved: 0, differences: [], differentDags: 0, isGood: false };
    }
    const { equal, missing, different, rejected, resumed, doubled } = found;
    const accounted = equal + missing + different + rejected + resumed;
    const announced = imported?.tables[name]?.rejected;
    const wrong = [
      missing > 0 ? `${missing} missing` : [],
      different > 0 ? `${different} different` : [],
      doubled > 0 ? `${doubled} doubled` : [],
      accounted !== exported ? `${accounted} accounted for, ${exported} exported` : [],
      // A row that dangles is lost to nobody. A refused run means history that is not there.
      name === 'dag_run' && rejected > 0 ? `${rejected} refused, so their history is not on the target (the summary of import says why)` : [],
      announced !== undefined && announced !== rejected ? `${rejected} rejected, import reported ${announced}` : [],
    ].flat();
    if (wrong.length > 0) problems.push(`${name}: ${wrong.join(', ')}`);
    const { proved, differences, differentDags } = found;
    return { name, exported, equal, missing, different, rejected, resumed, doubled, proved, differences, differentDags, isGood: wrong.length === 0 };
  });
  if (verified.importErrors.length > 0) problems.push(`${verified.importErrors.length} DAG files do not load on the target`);
  const allowed = new Set(activeDags);
  const awake = verified.unpausedDags.filter((dagId) => !allowed.has(dagId));
  if (awake.length > 0) problems.push(`${awake.length} DAGs are unpaused on the target that should be paused`);
  return { tables, problems };
}

/** The differences of all tables, the largest first. */
export const worstOf = (tables: Judgement['tables']): readonly (Difference & Readonly<{ table: string }>)[] =>
  tables.flatMap(({ name, differences }) => differences.map((one) => ({ ...one, table: name }))).sort((one, other) => sizeOf(other) - sizeOf(one));

const sizeOf = ({ missing, different, doubled }: Difference): number => missing + different + doubled;
