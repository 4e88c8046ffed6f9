/** Schedules as the source's Airflow and the target's understand them: what differs becomes a finding of each DAG. Pure. */
import { counted } from '../report/document.js';
import { isSameSchedule } from '../report/schedule-words.js';
import type { CheckFinding, CheckedDag } from './check-report.js';
import type { Loaded, Seeds } from './load-dags.js';
import type { LoadedDag, LoadedFile } from './load-messages.js';
import type { Run } from './load-runs.js';

export type Comparison = Readonly<{
  /** What the target loaded. */
  target: Loaded;
  source: Loaded;
  versions: Readonly<{ source: string; target: string }>;
  /** DAG folder, from the root of the repository. */
  folder: string;
  /** Options of target.configuration; those of the source's environment are known to no check. */
  configuration: Readonly<Record<string, string | null>>;
}>;

export type Compared = Readonly<{ dags: readonly CheckedDag[]; findings: readonly CheckFinding[]; notChecked: readonly string[]; /** DAGs that appear on the source, without those that are only parts of others. */ seen: readonly Pick<CheckedDag, 'dagId' | 'file'>[] }>;

/** Options that decide when a DAG runs. */
const DECIDING = ['core.default_timezone', 'scheduler.catchup_by_default', 'scheduler.create_cron_data_intervals', 'scheduler.create_delta_data_intervals'];
const MAX_NAMES = 20;

/** From where the target's release is to go on: the past that the source's release would have left. */
export const seedsOf = ({ loaded }: Loaded): Seeds =>
  Object.fromEntries(loaded.map(({ file, dags }) => [file, Object.fromEntries(dags.filter(({ seeds }) => seeds.length > 0).map(({ dagId, seeds }) => [dagId, seeds]))]));

/** @param dags of the target, with nothing of the source in them */
export function compareSchedules(dags: readonly CheckedDag[], comparison: Comparison): Compared {
  const { source, target, folder } = comparison;
  const onSource = byPlace(source, folder), onTarget = byPlace(target, folder);
  const pairs = dags.map((dag) => ({ dag, before: onSource.get(placeOf(dag)), after: onTarget.get(placeOf(dag)) }));
  const findings = pairs.flatMap(({ dag, before, after }) => (before === undefined || after === undefined || before.isSubDag ? [] : differences(dag, before, after, comparison)));
  const catchup = pairs.filter(({ before, after }) => before?.catchup !== undefined && after?.catchup !== undefined && before.catchup !== after.catchup && !before.isSubDag);
  return {
    dags: pairs.map(({ dag, before }) => (before === undefined ? dag : {
      ...dag, schedule: { ...dag.schedule, source: before.schedule }, nextRun: { ...dag.nextRun, source: before.nextRun },
      interval: { target: dag.interval?.target, source: before.interval }, catchup: { target: dag.catchup?.target, source: before.catchup },
    })),
    // A file may set it by the release, so DAGs of one folder may differ in both directions.
    findings: [...findings, ...[true, false].flatMap((isOn) => catchupFinding(catchup.filter(({ before }) => before?.catchup === isOn).map(({ dag }) => dag), isOn, comparison))],
    seen: loadedAlike(source, target).flatMap(({ file, dags: all }) => all.filter(({ isSubDag }) => !isSubDag).map(({ dagId }) => ({ dagId, file: `${folder}/${file}` }))),
    notChecked: notCompared(pairs, comparison),
  };
}

/** One release on both sides: what the target says holds for the source. */
export const sameOnBoth = (dag: CheckedDag): CheckedDag => ({
  ...dag, schedule: { source: dag.schedule.target, target: dag.schedule.target }, nextRun: { source: dag.nextRun.target, target: dag.nextRun.target },
  interval: { source: dag.interval?.target, target: dag.interval?.target }, catchup: { source: dag.catchup?.target, target: dag.catchup?.target },
});

/** What a rule has said of a DAG already, with the line of it, is not said again. */
export function withoutKnown(rules: readonly CheckFinding[], compared: readonly CheckFinding[]): readonly CheckFinding[] {
  const known = new Set(rules.filter(({ code, level }) => code === 'schedule-default-changed' && level !== 'notice').map(({ file, dagId }) => `${file ?? ''}\0${dagId ?? ''}`));
  return [...rules, ...compared.filter(({ code, file, dagId }) => code !== 'schedule-differs' || !(known.has(`${file ?? ''}\0${dagId ?? ''}`) || known.has(`${file ?? ''}\0`)))];
}

/** With another stand-in for its variables a file makes DAGs of other names, and none of them would be lost. */
function loadedAlike(source: Loaded, target: Loaded): readonly LoadedFile[] {
  const standIns = new Map(target.loaded.map(({ file, standIn }) => [file, standIn]));
  return source.loaded.filter(({ file, standIn }) => standIn === standIns.get(file));
}

type Pair = Readonly<{ dag: CheckedDag; before: LoadedDag | undefined; after: LoadedDag | undefined }>;

function differences(dag: CheckedDag, before: LoadedDag, after: LoadedDag, comparison: Comparison): readonly CheckFinding[] {
  const { versions } = comparison;
  const told = (what: string, why: string, fix: string): readonly CheckFinding[] => [{ code: 'schedule-differs', level: 'warning', file: dag.file, line: undefined, dagId: dag.dagId, what, why: [why, configured(comparison)].filter((one) => one !== '').join(' '), fix, replacement: undefined }];
  const name = `DAG "${dag.dagId}" (${before.schedule})`, words = before.schedule === after.schedule ? '' : ` The target reads its schedule as "${after.schedule}".`;
  for (const [number, runs] of before.runs.entries()) {
    const others = after.runs[number];
    if (others === undefined) continue;
    const at = runs.findIndex((run, place) => !isSame(run, others[place]));
    const run = at < 0 ? undefined : runs[at], other = at < 0 ? others[runs.length] : others[at];
    if (run === undefined && other === undefined) continue;
    const clocks = number === 0 ? '' : 'Only around a change of the clocks in the DAG\'s time zone: the two releases count the hours of that night in different ways.';
    // Longer on one side only around a change of the clocks, where a release may not get over it, or where the last one looked at differs.
    if (run === undefined || other === undefined) {
      if (number > 0) continue;
      return other === undefined
        ? told(`${name} runs on Airflow ${versions.source} at ${run?.[0] ?? ''}, and never by itself on ${versions.target}.`, `nothing would start it after the cutover.${words}`, 'write the schedule so that both releases read it alike, and run the check again.')
        : told(`${name} never runs by itself on Airflow ${versions.source}, and at ${other[0]} on ${versions.target}.`, `it would begin to run after the cutover.${words}`, 'write schedule=None if nothing is to start it.');
    }
    if (run[0] !== other[0]) return told(`${name} runs on Airflow ${versions.source} at ${run[0]}, and at ${other[0]} on ${versions.target}.`, `${clocks === '' ? 'the target goes on from the same last run and reads the schedule in another way.' : clocks}${words}`, number === 0 ? 'write the schedule so that both releases read it alike, and run the check again.' : 'nothing, if a run more or less in that night does no harm; else a schedule in UTC.');
    return told(
      `${name} runs at ${run[0]} on both, with the data interval ${shown(run)} on Airflow ${versions.source} and ${shown(other)} on ${versions.target}.`,
      `the logical date of that run is ${run[1]} on the source and ${other[1]} on the target; what a task reads by {{ ds }} or data_interval_start moves with it, and so does what it writes.${clocks === '' ? '' : ` ${clocks}`}${words}`,
      isDeclined(comparison) ? 'leave scheduler.create_cron_data_intervals and scheduler.create_delta_data_intervals out of target.configuration: the plan sets them so that dates stay; or change the tasks first.' : 'write the schedule so that both releases read it alike, or change what the tasks make of the date.',
    );
  }
  // Neither has a clock: what starts them?
  return before.nextRun === null && after.nextRun === null && !isSameSchedule(before.schedule, after.schedule)
    ? told(`DAG "${dag.dagId}" has the schedule "${before.schedule}" on Airflow ${versions.source} and "${after.schedule}" on ${versions.target}.`, 'something else would start it, or nothing.', 'write the schedule so that both releases read it alike, and run the check again.')
    : [];
}

function catchupFinding(dags: readonly CheckedDag[], isOn: boolean, comparison: Comparison): readonly CheckFinding[] {
  const [first] = dags;
  if (first === undefined) return [];
  const only = dags.length === 1 ? first : undefined;
  return [{
    code: 'catchup-differs', level: 'warning', file: only?.file, line: undefined, dagId: only?.dagId,
    what: `catchup is ${isOn ? 'on' : 'off'} with Airflow ${comparison.versions.source} and ${isOn ? 'off' : 'on'} with ${comparison.versions.target} for ${counted(dags.length, 'DAG')}: ${named(dags.map(({ dagId }) => `"${dagId}"`))}.`,
    why: [isOn ? 'runs that fall into the pause of the cutover would be left out, and a task that waits for them waits in vain.' : 'every run since the last one would be made at once.', configured(comparison)].filter((one) => one !== '').join(' '),
    fix: 'write catchup into these DAGs, or leave scheduler.catchup_by_default out of target.configuration: the plan sets it to the source\'s.', replacement: undefined,
  }];
}

/** Said where it may be why, or why not: the source may have the same option. */
function configured({ configuration }: Comparison): string {
  const set = DECIDING.filter((name) => Object.hasOwn(configuration, name));
  return set.length === 0 ? '' : `target.configuration names ${set.join(', ')}; what the source's own environment sets is not known to this check.`;
}

const isDeclined = ({ configuration }: Comparison): boolean => ['scheduler.create_cron_data_intervals', 'scheduler.create_delta_data_intervals'].some((name) => Object.hasOwn(configuration, name));

function notCompared(pairs: readonly Pair[], { source, target, folder, versions }: Comparison): readonly string[] {
  // Where the target loads none of a file's DAGs either, there is nothing to compare, and a finding says so.
  const made = new Set(target.loaded.filter(({ dags }) => dags.length > 0).map(({ file }) => file));
  const failed = source.loaded.filter(({ file, outcome, errors }) => made.has(file) && (outcome !== 'loaded' || errors.length > 0)).map(({ file }) => file);
  const silent = pairs.filter(({ before, after }) => before !== undefined && after !== undefined && (before.nextRun === undefined || after.nextRun === undefined)).map(({ dag }) => dag.dagId);
  const tried = new Set(source.loaded.map(({ file }) => file)), lacking = [...made].filter((file) => !tried.has(file));
  const about = (list: readonly string[], what: string, why: string): readonly string[] => (list.length === 0 ? [] : [`Schedules of ${counted(list.length, what)} were not compared with Airflow ${versions.source}: ${why} ${named(list)}.`]);
  return [
    ...about(failed.map((file) => `${folder}/${file}`), 'DAG file', 'on it, without your values and packages of the source, these do not load whole:'),
    ...about(lacking.map((file) => `${folder}/${file}`), 'DAG file', 'it does not look at these, or they were not loaded on it:'),
    ...about(silent, 'DAG', 'their timetables or start dates ask the clock, or fail:'),
  ];
}

const named = (list: readonly string[]): string => `${list.slice(0, MAX_NAMES).join(', ')}${list.length > MAX_NAMES ? `, … (${list.length})` : ''}`;
const shown = ([, start, end]: Run): string => (start === end ? start : `${start} to ${end}`);
const isSame = (run: Run, other: Run | undefined): boolean => other !== undefined && run.every((date, place) => date === other[place]);
const placeOf = ({ file, dagId }: Pick<CheckedDag, 'file' | 'dagId'>): string => `${file}\0${dagId}`;
const byPlace = ({ loaded }: Loaded, folder: string): ReadonlyMap<string, LoadedDag> => new Map(loaded.flatMap(({ file, dags }) => dags.map((dag) => [placeOf({ file: `${folder}/${file}`, dagId: dag.dagId }), dag] as const)));
