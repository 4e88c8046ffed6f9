/** The report as bytes: the same findings give the same bytes, and never more than its readers take. Pure. */
import { CHECK_SCHEMA, MAX_REPORT_BYTES, type CheckFinding, type CheckReport, type CheckedDag } from './check-report.js';

/** Characters, as in check-report.schema.json. */
const MAX_TEXT = 2000, MAX_NAME = 250, MAX_FILE = 1000, MAX_ITEMS = 20_000, MAX_NOT_CHECKED = 100;
const ORDER: readonly CheckFinding['level'][] = ['error', 'warning', 'notice'];

/** Sorted, and every text within the limits of the schema. What does not fit is dropped, least important first, and counted in `notChecked`. */
export function boundedReport(report: CheckReport): CheckReport {
  const findings = [...report.findings].sort(byWeight).map(boundedFinding);
  const dags = [...report.dags].sort((a, b) => compare(a.dagId, b.dagId) || compare(a.file, b.file)).map(boundedDag);
  let kept = { findings: findings.slice(0, MAX_ITEMS), dags: dags.slice(0, MAX_ITEMS) };
  const build = (): CheckReport => {
    const notes = [
      kept.findings.length < findings.length ? [`${findings.length - kept.findings.length} findings, the least important, are not in this report: it would be too long.`] : [],
      kept.dags.length < dags.length ? [`${dags.length - kept.dags.length} DAGs are not listed in this report: it would be too long.`] : [],
    ].flat();
    return { schema: CHECK_SCHEMA, migrationId: report.migrationId, versions: report.versions, counts: report.counts, ...kept, notChecked: [...notes, ...report.notChecked.map((text) => cut(text, MAX_TEXT))].slice(0, MAX_NOT_CHECKED) };
  };
  // The list of DAGs goes before any finding: it says nothing that Airflow does not show.
  while (Buffer.byteLength(reportText(build())) > MAX_REPORT_BYTES)
    kept = kept.dags.length > 0 ? { ...kept, dags: kept.dags.slice(0, Math.floor(kept.dags.length / 2)) } : { ...kept, findings: kept.findings.slice(0, Math.floor(kept.findings.length * 0.8)) };
  return build();
}

export const reportText = (report: CheckReport): string => `${JSON.stringify(report, undefined, 1)}\n`;

/** Worst first, then by file, line, code. */
export const byWeight = (a: CheckFinding, b: CheckFinding): number =>
  ORDER.indexOf(a.level) - ORDER.indexOf(b.level) || compare(a.file ?? '', b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || compare(a.code, b.code) || compare(a.what, b.what);

/** By code units: the runner's language must not change the order. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By code points, so that no half of a pair is left. */
const cut = (text: string, length: number): string => {
  const points = [...text.replace(/\p{Surrogate}/gu, '\ufffd')];
  return points.length <= length ? points.join('') : `${points.slice(0, length - 1).join('')}…`;
};
const cutIf = (text: string | undefined, length: number): string | undefined => (text === undefined ? undefined : cut(text, length));

const boundedFinding = (one: CheckFinding): CheckFinding => ({
  code: one.code, level: one.level, file: cutIf(one.file, MAX_FILE), line: one.line, dagId: cutIf(one.dagId, MAX_NAME),
  what: cut(one.what, MAX_TEXT), why: cutIf(one.why, MAX_TEXT), fix: cutIf(one.fix, MAX_TEXT), replacement: cutIf(one.replacement, MAX_TEXT),
});

const boundedDag = (one: CheckedDag): CheckedDag => ({
  dagId: cut(one.dagId, MAX_NAME), file: cut(one.file, MAX_FILE),
  schedule: { source: cutIf(one.schedule.source, MAX_NAME), target: cut(one.schedule.target, MAX_NAME) }, nextRun: { source: one.nextRun.source, target: one.nextRun.target },
  interval: one.interval && { source: one.interval.source, target: one.interval.target }, catchup: one.catchup && { source: one.catchup.source, target: one.catchup.target },
  isPausedUponCreation: one.isPausedUponCreation,
});
