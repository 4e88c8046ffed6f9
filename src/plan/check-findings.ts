/** What a report of phase check says about the plan beside it. Its texts are a stranger's: none of them goes into a finding. */
import type { CheckReport } from '../check/check-report.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import { finding, type Finding } from './finding.js';

/**
 * @param check undefined: no report was given, or it was refused
 * @param source version that the source runs
 * @param isRefused the log says why
 */
export function checkFindings(check: CheckReport | undefined, file: MigrationFile, source: string, isRefused = false): readonly Finding[] {
  if (isRefused) return [finding('check-refused', 'What phase check found is unknown: its report is missing, or not in the documented form', 'phase check did not come to its end, or a DAG put something else in the place of the report', 'look at the job that ran phase check, and at the changes of the DAGs')];
  if (check === undefined) return [finding('dags-not-checked', 'The DAGs were not checked', 'what of them does not load on the target shows only after cutover', 'run phase check in another job, and give its file in the input check-report')];
  const errors = check.findings.filter(({ level }) => level === 'error').length;
  return [
    ...(check.counts.dagFiles > 0 || errors > 0 ? [] : [finding('dags-not-checked', 'The DAGs were not checked: phase check found none in the repository', 'what of them does not load on the target shows only after cutover', 'run phase check in the repository that holds them, and name their folder in resources.dags')]),
    ...(check.migrationId === file.id ? [] : [finding('check-of-another', 'The report of phase check belongs to another migration', 'it looked at other files, or for another version', 'give both jobs the same migration file')]),
    ...(check.versions.target === file.target.airflowVersion ? [] : [finding('check-of-another-version', `Phase check did not look at Airflow ${file.target.airflowVersion}`, 'what it found holds for another version', 'give both jobs the same migration file')]),
    // Where the file names the version, a warning about that key says it.
    ...(check.versions.source === undefined || check.versions.source === source || file.source.airflowVersion !== undefined ? [] : [finding('check-from-another-version', `Phase check compared with another Airflow than the source's ${source}`, 'it took the version from the constraint line of requirements.txt', `write source.airflow-version: ${source} into the migration file`)]),
    ...(errors === 0 ? [] : [finding('check-errors', `${errors} ${errors === 1 ? 'thing' : 'things'} in the DAGs will not work on ${check.versions.target === file.target.airflowVersion ? `Airflow ${file.target.airflowVersion}` : 'the version that was checked'}`, 'these DAGs would be missing or fail after cutover', 'repair them in the repository, best so that they load on the source too, and deploy them before phase resources')]),
  ];
}
