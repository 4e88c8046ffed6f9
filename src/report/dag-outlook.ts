/** The list per DAG that plan, export and cutover share: active or not, in flight, what runs next and why, what would be missed. */
import { isDue, missedUntil, waitsForARun, type NextRun } from '../airflow/outlook.js';
import type { InFlightRun } from '../airflow/protocol.js';
import { code, counted, table, text, type Cell, type Section } from './document.js';
import { fatesOf } from './fates.js';

/** `inFlight`: its runs, or how many, or undefined where that cannot be had. */
export type DagLine = Readonly<{ dagId: string; isActive: boolean; inFlight: readonly Pick<InFlightRun, 'fate'>[] | number | undefined; next: NextRun }>;

/** A summary has 1 MiB for everything; whoever has more DAGs reads on in Airflow. */
const SHOWN = 500;

/** What `isActive` is of, and so the column's name: behind the drain a DAG that is listed as active is paused. */
export type SeenAt = 'Now' | 'Before the drain';

/**
 * @param now when the target would be activated, as far as that is known; ISO 8601
 * @param note sentences above the table
 */
export function dagSection(title: string, lines: readonly DagLine[], seenAt: SeenAt, now: string, ...note: readonly string[]): Section {
  const at = new Date(now);
  return {
    title: `${title} (${lines.length})`, importance: 2, isFolded: true,
    blocks: [
      ...note.map((sentence) => text(sentence)),
      table(['DAG', seenAt, 'In flight', 'Next run', 'May begin after', 'At cutover', 'Missed, without catchup'], lines.slice(0, SHOWN).map((line) => row(line, at))),
      ...(lines.length > SHOWN ? [text(`and ${counted(lines.length - SHOWN, 'DAG')} more, which this summary has no room for.`)] : []),
    ],
  };
}

function row({ dagId, isActive, inFlight, next }: DagLine, now: Date): readonly Cell[] {
  return [code(dagId), isActive ? 'active' : 'paused', flying(inFlight), date(next.nextDagrun), date(next.nextDagrunCreateAfter), isActive ? atCutover(next, inFlight, now) : 'stays paused', isActive ? missed(next, now) : 'none'];
}

function flying(inFlight: DagLine['inFlight']): Cell {
  if (inFlight === undefined) return 'unknown';
  if (typeof inFlight === 'number') return inFlight;
  return inFlight.length === 0 ? 'none' : `${inFlight.length}: ${fatesOf(inFlight)}`;
}

const date = (value: string | null | undefined): Cell => (value === undefined ? 'unknown' : value === null ? 'none' : code(value));

function atCutover(next: NextRun, inFlight: DagLine['inFlight'], now: Date): string {
  const goesOn = Array.isArray(inFlight) && inFlight.some(({ fate }) => fate === 'resume') ? 'its runs in flight go on, then ' : '';
  const due = isDue(next, now);
  if (due === undefined) return `${goesOn}unknown`;
  // Nothing on record too: of a DAG that was parsed while as many runs as allowed were active, and had no next run then.
  if (waitsForARun(next) || (next.nextDagrun === null && isFlying(inFlight))) return behindRuns(inFlight, goesOn !== '');
  if (next.nextDagrun === null) return 'nothing by schedule: it was done, or is started by hand or by datasets';
  if (!due) return `${goesOn}waits until its next run is due`;
  return `${goesOn}${next.catchup === false ? 'runs the newest interval that is over' : next.catchup === true ? 'runs what is due, in order' : 'runs what is due'}`;
}

/** Whether its schedule has a further run shows when one in flight ends: @once and a schedule at its end have none. */
function behindRuns(inFlight: DagLine['inFlight'], goesOn: boolean): string {
  if (goesOn) return 'its runs in flight go on, and the next by schedule, if any, follows when one of them ends';
  if (!Array.isArray(inFlight)) return 'the next by schedule, if any, follows when its run in flight ends';
  return inFlight.length > 0 ? 'its run in flight stays failed, and what is due by schedule then follows' : 'the next by schedule, if any, follows the run that was active when this was recorded';
}

const isFlying = (inFlight: DagLine['inFlight']): boolean => (typeof inFlight === 'number' ? inFlight > 0 : inFlight !== undefined && inFlight.length > 0);

function missed(next: NextRun, now: Date): Cell {
  const found = missedUntil(next, now);
  return typeof found === 'string' ? found : [`about ${found.about}, from `, code(found.from)];
}
