/** What phase check found, as sections: for its own report, and for the plan's, where it comes from another job. */
import type { CheckFinding, CheckLevel, CheckReport } from '../check/check-report.js';
import { code, counted, list, table, text, type Cell, type Section } from './document.js';
import { isSameSchedule } from './schedule-words.js';

/** Rows of one table; what is beyond is counted, and stands in check.json. */
const MAX_ROWS = 200;
const TITLES: Readonly<Record<CheckLevel, string>> = { error: 'Will not work on the target', warning: 'Works otherwise, or might not', notice: 'Worth knowing' };
const IMPORTANCE: Readonly<Record<CheckLevel, 1 | 2 | 3>> = { error: 1, warning: 2, notice: 3 };

export const countOf = ({ findings }: Pick<CheckReport, 'findings'>, level: CheckLevel): number => findings.filter((one) => one.level === level).length;

/** Every text of the report is a stranger's, also what reads like a sentence of ours: shown as code, letter by letter. */
export function checkSections(report: CheckReport): readonly Section[] {
  const { versions, counts } = report;
  const levels = (Object.keys(TITLES) as CheckLevel[]).flatMap((level): readonly Section[] => {
    const found = report.findings.filter((one) => one.level === level);
    return found.length === 0 ? [] : [findingsSection(level, found)];
  });
  return [
    ...levels,
    ...(report.notChecked.length === 0 ? [] : [{ title: `Not checked (${report.notChecked.length})`, importance: 1 as const, blocks: [list(report.notChecked.map((one) => code(one)))] }]),
    {
      title: 'What was checked', importance: 2, blocks: [table(['What', 'Value'], [
        ['Airflow', [...(versions.source === undefined ? [] : [code(versions.source), ' to ']), code(versions.target)]], ['Python', code(versions.python)],
        ['DAG files', counts.dagFiles], ['DAGs that loaded', counts.dags], ['Requirements', counts.requirements], ['Plugin files', counts.plugins],
      ])],
    },
    ...dagsSection(report),
  ];
}

function findingsSection(level: CheckLevel, found: readonly CheckFinding[]): Section {
  const rows = found.slice(0, MAX_ROWS).map((one): readonly Cell[] => [place(one), code(one.what), one.why === undefined ? undefined : code(one.why), cure(one)]);
  const more = found.length - rows.length;
  return {
    title: `${TITLES[level]} (${found.length})`, importance: IMPORTANCE[level], ...(level === 'error' ? {} : { isFolded: found.length > 10 || level === 'notice' }),
    blocks: [table(['Where', 'What', 'Why', 'What to do'], rows), ...(more > 0 ? [text(`${counted(more, 'more')} in the report file of phase check.`)] : [])],
  };
}

function place({ file, line, dagId, code: name }: CheckFinding): Cell {
  const where = file === undefined ? [] : [code(line === undefined ? file : `${file}:${line}`)];
  return [...where, ...(dagId === undefined ? [] : [where.length > 0 ? ', DAG ' : 'DAG ', code(dagId)]), where.length > 0 || dagId !== undefined ? ' · ' : '', code(name)];
}

const cure = ({ fix, replacement }: CheckFinding): Cell =>
  replacement === undefined ? (fix === undefined ? undefined : code(fix)) : [...(fix === undefined ? [] : [code(fix), ' · ']), 'write ', code(replacement)];

/** Only DAGs about which the two sides differ; the rest is in the file. */
function dagsSection({ dags }: CheckReport): readonly Section[] {
  // The same runs by other words ("8 hours", "8:00:00") are no difference.
  const different = dags.filter(({ schedule, nextRun, interval, catchup }) =>
    (schedule.source !== undefined && nextRun.source === null && nextRun.target === null && !isSameSchedule(schedule.source, schedule.target)) || differ(nextRun) || (interval !== undefined && differ(interval)) || (catchup !== undefined && differ(catchup)));
  if (different.length === 0) return [];
  return [{
    title: `Schedules that mean something else (${different.length})`, importance: 2, isFolded: different.length > 10,
    blocks: [table(['DAG', 'File', 'Schedule, source', 'Schedule, target', 'Next run, source', 'Next run, target', 'Catchup, source', 'Catchup, target'], different.slice(0, MAX_ROWS).map(({ dagId, file, schedule, nextRun, interval, catchup }) => [
      code(dagId), code(file), schedule.source === undefined ? undefined : code(schedule.source), code(schedule.target), run(nextRun.source, interval?.source), run(nextRun.target, interval?.target), onOff(catchup?.source), onOff(catchup?.target)]))],
  }];
}

/** A side of which nothing is known is no difference. */
const differ = ({ source, target }: Readonly<{ source: unknown; target: unknown }>): boolean => source !== undefined && target !== undefined && source !== target;
const run = (at: string | null | undefined, interval: string | null | undefined): Cell =>
  at === undefined ? undefined : at === null ? 'none' : [code(at), ...(typeof interval === 'string' ? [' for ', code(interval)] : [])];
const onOff = (value: boolean | undefined): Cell => (value === undefined ? undefined : value ? 'on' : 'off');
