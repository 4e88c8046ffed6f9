/** Report of phase check. */
import type { CheckReport } from '../check/check-report.js';
import { checkSections, countOf } from './check-sections.js';
import { code, counted, type Report } from './document.js';

export function checkReport(report: CheckReport): Report {
  const errors = countOf(report, 'error'), warnings = countOf(report, 'warning');
  if (report.counts.dagFiles === 0 && errors === 0 && warnings === 0 && report.notChecked.length > 0) return nothingReport(report);
  const loaded = `${counted(report.counts.dags, 'DAG')} of ${counted(report.counts.dagFiles, 'file')}`;
  return {
    verdict: errors === 0
      ? [`${loaded} loaded on Airflow `, code(report.versions.target), `, ${counted(warnings, 'warning')}`]
      : [`${counted(errors, 'thing')} will not work on Airflow `, code(report.versions.target), `; ${loaded} loaded, ${counted(warnings, 'warning')}`],
    isGood: errors === 0,
    needsCare: errors === 0 && (warnings > 0 || report.counts.dagFiles === 0),
    sections: checkSections(report),
    next: errors === 0
      ? [['Give the file that output ', code('check-report'), ' names to phase plan, in another job.']]
      : ['Repair what will not work in the repository; most of it can be written so that it loads on the source too.', 'Run phase check again.'],
  };
}

/** Green: a repository may hold the migration alone. But nobody should take it for a check that was passed. */
function nothingReport(report: CheckReport): Report {
  return {
    verdict: ['Nothing to check here: no DAG file of this repository was loaded on Airflow ', code(report.versions.target)],
    isGood: true, needsCare: true,
    sections: checkSections(report),
    next: [
      ['To have the DAGs tried before the migration, run it in the repository that holds them, and name their folder in the migration file: ', code('resources.dags'), '.'],
      ['Else the plan says that they were not checked; job ', code('check'), ' has nothing more to do.'],
    ],
  };
}
