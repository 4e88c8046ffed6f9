import { recordedNext } from '../airflow/outlook.js';
import type { ActiveDag, InFlightRun } from '../airflow/protocol.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import { dagSection } from './dag-outlook.js';
import { code, counted, list, table, text, type Report } from './document.js';
import { fateInWords, fatesOf } from './fates.js';

export type CutoverDryFacts = Readonly<{
  source: string;
  sourceVersion: string;
  target: string;
  /** In the order of their activation, with the next runs of the snapshot. */
  dags: readonly ActiveDag[];
  unknownCanaries: readonly string[];
  owedEvents: number;
  parked: readonly InFlightRun[];
  byHand: readonly Readonly<{ dagId: string; runId: string }>[];
  switching: MigrationFile['cutover'];
  isBegun: boolean;
  /** ISO 8601. */
  now: string;
}>;

const SHOWN = 200;

/** What cutover would do, as far as manifest and schedules tell; the target's own timetables have the last word. */
export function cutoverDryReport({ source, sourceVersion, target, dags, unknownCanaries, owedEvents, parked, byHand, switching, isBegun, now }: CutoverDryFacts): Report {
  const wanted = new Set(dags.map(({ dagId }) => dagId));
  const runsOf = (dagId: string) => parked.filter((run) => run.dagId === dagId);
  const ours = parked.filter(({ dagId }) => wanted.has(dagId));
  const canaries = switching.canary.filter((dagId) => wanted.has(dagId));
  return {
    verdict: [`Dry run: would ${isBegun ? 'go on with the cutover: ' : ''}activate ${counted(dags.length, 'DAG')} on `, code(target)], isGood: true,
    sections: [
      {
        title: 'It would', importance: 1, blocks: [
          list([
            'ask the target to parse its DAG files again, and check each DAG\'s next run against the source\'s: a DAG that disagrees is listed and left paused',
            ours.length > 0 ? `queue the parked runs that go on, each right before its DAG is activated (${fatesOf(ours)})` : 'queue no parked run: none was in flight',
            ...(owedEvents > 0 ? [`queue ${counted(owedEvents, 'dataset event')} that came while the consumer was paused`] : []),
            canaries.length > 0 ? [`activate ${counted(canaries.length, 'canary', 'canaries')} first, one after the other, and wait up to ${switching.canaryMinutes} minutes until it is green; a failure leaves everything behind it paused: `, ...canaries.flatMap((dagId, at) => [...(at > 0 ? [', '] : []), code(dagId)])] : 'watch no canary: cutover.canary is empty',
            switching.batchSize > 0 ? `activate the rest in batches of ${switching.batchSize}, ${switching.batchPauseSeconds} s apart` : 'activate the rest at once',
            switching.missedIntervals === 'run' ? 'run the intervals that DAGs without catchup missed, the oldest first' : 'list the intervals that DAGs without catchup missed, and run none of them',
            ['leave ', code(source), ' paused'],
          ]),
          text('Nothing was changed.'),
        ],
      },
      ...(byHand.length > 0 ? [{ title: `Runs that began on the target before cutover (${byHand.length})`, importance: 1 as const, blocks: [text('Somebody activated a DAG by hand or triggered it. Look whether these intervals ran as they should.'), list(byHand.slice(0, SHOWN).map(({ dagId, runId }) => [code(dagId), ' / ', code(runId)]))] }] : []),
      ...(unknownCanaries.length > 0 ? [{ title: 'Canaries that were not active on the source', importance: 1 as const, blocks: [list(unknownCanaries.map((dagId) => code(dagId)))] }] : []),
      ...(ours.length > 0 ? [{ title: `Parked runs (${ours.length})`, importance: 1 as const, isFolded: ours.length > 20, blocks: [table(['DAG', 'Run', 'What becomes of it'], ours.slice(0, SHOWN).map(({ dagId, runId, fate }) => [code(dagId), code(runId), fateInWords(fate)])), ...(ours.length > SHOWN ? [text(`and ${ours.length - SHOWN} more in in-flight.json`)] : [])] }] : []),
      dagSection('DAGs, in this order', dags.map((dag) => ({ dagId: dag.dagId, isActive: true, inFlight: runsOf(dag.dagId), next: recordedNext(dag, sourceVersion) })), 'Before the drain', now, 'Next runs as the source had them at the snapshot.'),
    ],
    next: ['Run phase cutover without dry-run.'],
  };
}
