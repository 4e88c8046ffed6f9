/** Proves DAGs, plugins and requirements of the repository on the target's real Airflow. Calls no AWS, and refuses to run where it could. */
import { annotate } from '../check/annotations.js';
import type { Context, PhaseResult } from '../ports.js';
import { checkReport } from '../report/check-report.js';
import { countOf } from '../report/check-sections.js';
import { counted } from '../report/document.js';
import { resultOf } from './result.js';

export async function checkWorkflow({ file, runCheck, log }: Pick<Context, 'file' | 'runCheck' | 'log'>): Promise<PhaseResult> {
  const { report, path } = await runCheck();
  annotate(report.findings);
  const errors = countOf(report, 'error');
  log.info(`${counted(report.counts.dags, 'DAG')} of ${counted(report.counts.dagFiles, 'file')} loaded on Airflow ${report.versions.target}: ${counted(errors, 'error')}, ${counted(countOf(report, 'warning'), 'warning')}, ${counted(countOf(report, 'notice'), 'notice')}.`);
  return resultOf(`Check ${file.id}`, checkReport(report), { 'migration-id': file.id, 'check-report': path, blockers: String(errors) },
    errors === 0 ? undefined : { what: `${counted(errors, 'thing')} will not work on Airflow ${report.versions.target}.`, why: 'DAGs that do not load there would stand still after the migration.', fix: 'repair what is listed, and run the phase again.' });
}
