import type { ActivateData, InFlightRun } from '../airflow/protocol.js';
import { code, counted, list, table, text, type Report } from './document.js';

export type CutoverFacts = Readonly<{
  source: string;
  target: string;
  url: string | undefined;
  found: ActivateData;
  /** DAGs that were active on the source. */
  wanted: number;
  active: readonly string[];
  problems: readonly string[];
  unknownCanaries: readonly string[];
  parked: readonly InFlightRun[];
}>;

export function cutoverReport({ source, target, url, found, wanted, active, problems, unknownCanaries, parked }: CutoverFacts): Report {
  const isGood = problems.length === 0;
  return {
    verdict: [`${found.activated.length + found.alreadyActive.length} of ${counted(wanted, 'DAG')} are active on `, code(target), `; ${counted(found.left.length, 'was', 'were')} left paused; `, code(source), ' stays paused'],
    isGood,
    sections: [
      // Names of DAGs stand in the problems: they came from Airflow.
      ...(isGood ? [] : [{ title: 'Look at this first', importance: 1 as const, blocks: [list(problems.map((problem) => [code(problem)]))] }]),
      ...(found.left.length > 0 ? [{ title: `Left paused, and why (${found.left.length})`, importance: 1 as const, blocks: [table(['DAG', 'Why'], found.left.map(({ dagId, reason }) => [code(dagId), code(reason)]))] }] : []),
      ...(parked.length > 0 ? [{ title: `Parked runs (${parked.length})`, importance: 1 as const, blocks: [text('This release does not resume them: they stand as failed, with unfinished tasks without state. Clear each in the UI where it should go on.'), table(['DAG', 'Run'], parked.slice(0, 200).map(({ dagId, runId }) => [code(dagId), code(runId)]))] }] : []),
      ...(unknownCanaries.length > 0 ? [{ title: 'Canaries that were not active on the source', importance: 1 as const, blocks: [list(unknownCanaries.map((dagId) => code(dagId)))] }] : []),
      { title: `Activated now (${found.activated.length}), active before (${found.alreadyActive.length})`, importance: 2, isFolded: true, blocks: [list([...found.activated, ...found.alreadyActive].map((dagId) => code(dagId)))] },
      { title: 'Numbers', importance: 3, blocks: [table(['What', 'Value'], [['Active on the target now', active.length], ['Active on the source before', wanted]])] },
    ],
    next: [
      ...(found.left.length > 0 ? ['Repair what kept each DAG back, then run phase cutover again: it tries only those that are left.'] : []),
      ...(url ? [['Watch the first runs in the target\'s UI: ', code(url), '.']] : []),
      'Keep the source paused and in place until you are sure; then delete it.',
    ],
  };
}
