/** Options with which the target's Airflow will run, as far as they are known without AWS. Pure. */
import type { MigrationFile } from '../migration-file/migration-file.js';
import { planTargetOptions, sentOptions } from '../plan/target-options.js';

/**
 * What the plan would set: on the way to Airflow 3 also what keeps dates and catching up as they were. The options of the source's own
 * environment, which the plan carries over, are not known here.
 * @param source release of the source; undefined: not known, and nothing is added
 */
export function effectiveOptions(source: string | undefined, file: Pick<MigrationFile, 'target'>): Readonly<Record<string, string | null>> {
  return source === undefined ? file.target.configuration : sentOptions(planTargetOptions({ AirflowVersion: source }, file));
}
