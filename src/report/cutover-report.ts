import type { ActivateData } from '../airflow/protocol.js';
import { code, counted, grouped, list, table, text, type Block, type Report, type Section, type Text } from './document.js';
import { fateInWords, fateShort } from './fates.js';
import { missedOnTarget } from './missed-section.js';

type RunName = Readonly<{ dagId: string; runId: string }>;
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
  /** Runs that began on the target between import and cutover. */
  byHand: readonly RunName[];
}>;

/** Rows of one table; a summary has 1 MiB for everything. */
const SHOWN = 300;
const STATES = { green: 'green', failed: 'failed', late: 'not over in time' } as const;

export function cutoverReport(facts: CutoverFacts): Report {
  const { source, target, found, wanted, active, problems, unknownCanaries, byHand } = facts;
  const isGood = problems.length === 0;
  const { canaries, left, resumed, missed, next } = found;
  return {
    verdict: [`${grouped(found.activated.length + found.alreadyActive.length)} of ${counted(wanted, 'DAG')} are active on `, code(target), `; ${counted(resumed.length, 'run goes', 'runs go')} on, ${counted(left.length, 'DAG was', 'DAGs were')} left paused${found.stopped === null ? '' : ', because a canary stopped the rest'}; `, code(source), ' stays paused'],
    isGood,
    sections: [
      // Names of DAGs stand in the problems: they came from Airflow.
      ...(isGood ? [] : [{ title: 'Look at this first', importance: 1 as const, blocks: [list(problems.map((problem) => [code(problem)]))] }]),
      ...(canaries.length > 0 ? [{ title: `Canaries (${canaries.length})`, importance: 1 as const, blocks: [rows(['DAG', 'State', 'Proof'], canaries, ({ dagId, state, proof }) => [code(dagId), STATES[state], code(proof)])].flat() }] : []),
      ...(left.length > 0 ? [{ title: `Left paused, and why (${left.length})`, importance: 1 as const, isFolded: left.length > 20, blocks: rows(['DAG', 'Why'], left, ({ dagId, reason }) => [code(dagId), code(reason)]) }] : []),
      ...notResumedSections(found),
      ...missedOnTarget(missed),
      ...(byHand.length > 0 ? [{ title: `Runs that began on the target before cutover (${byHand.length})`, importance: 1 as const, blocks: [text('Somebody activated a DAG by hand or triggered it. Look whether these intervals ran as they should.'), ...rows(['DAG', 'Run'], byHand, ({ dagId, runId }) => [code(dagId), code(runId)])] }] : []),
      ...(unknownCanaries.length > 0 ? [{ title: 'Canaries that were not active on the source', importance: 1 as const, blocks: [list(unknownCanaries.map((dagId) => code(dagId)))] }] : []),
      ...(resumed.length > 0 ? [{ title: `Runs that go on (${resumed.length})`, importance: 2 as const, isFolded: resumed.length > 20, blocks: [text('They were in flight on the source. What was finished there does not run again; Airflow gives the run a new start date.'), ...rows(['DAG', 'Run'], resumed, ({ dagId, runId }) => [code(dagId), code(runId)])] }] : []),
      { title: `What runs next (${next.length})`, importance: 2, isFolded: true, blocks: rows(['DAG', 'Next run', 'May begin after', 'Why'], next, ({ dagId, nextDagrun, createAfter, why }) => [code(dagId), nextDagrun === null ? 'none' : code(nextDagrun), createAfter === null ? 'none' : code(createAfter), code(why)]) },
      { title: `Activated now (${found.activated.length}), active before (${found.alreadyActive.length})`, importance: 3, isFolded: true, blocks: [list([...found.activated, ...found.alreadyActive].map((dagId) => code(dagId)))] },
      { title: 'Numbers', importance: 3, blocks: [table(['What', 'Value'], [['Active on the target now', active.length], ['Active on the source before', wanted], ['Runs that go on', resumed.length], ['Runs that do not', found.notResumed.length], ['Dataset events queued for their consumers', found.queuedEvents]])] },
    ],
    next: nextSteps(facts),
  };
}

function notResumedSections({ notResumed }: ActivateData): readonly Section[] {
  if (notResumed.length === 0) return [];
  const commands = notResumed.flatMap(({ command }) => (command === null ? [] : [command]));
  return [{
    title: `Runs in flight that do not go on (${notResumed.length})`, importance: 1, isFolded: notResumed.length > 20,
    blocks: [
      ...rows(['DAG', 'Run', 'Why', 'Finish it with'], notResumed, ({ dagId, runId, fate, command }) => [code(dagId), code(runId), fateShort(fate), command === null ? undefined : code(command)]),
      list([...new Set(notResumed.map(({ fate }) => fate))].map((fate) => `${fateShort(fate)}: ${fateInWords(fate)}.`)),
      ...(commands.length > 0 ? [text('The commands are for the target\'s Airflow, as its CLI takes them.')] : []),
    ],
  }];
}

function nextSteps({ found, url, problems }: CutoverFacts): readonly Text[] {
  const failed = found.canaries.filter(({ state }) => state !== 'green');
  return [
    ...(failed.length > 0 ? [['Look at ', ...failed.flatMap(({ dagId }, at) => [...(at > 0 ? [', '] : []), code(dagId)]), ': when its runs are green on the target (clear what failed there), run phase cutover again; it watches the canaries anew.']] : []),
    ...(found.left.length > 0 ? ['Repair what kept each DAG back, then run phase cutover again: it tries only those that are left.'] : []),
    ...(found.notResumed.length > 0 ? ['Decide about each run that does not go on: nobody else will.'] : []),
    ...(url ? [['Watch the first runs in the target\'s UI: ', code(url), '.']] : []),
    problems.length > 0 ? 'Or go back with phase rollback: the target is paused, and the source goes on without what the target ran.' : 'Keep the source paused and in place until you are sure: phase rollback can go back until then. Then delete it.',
  ];
}

function rows<Row>(head: readonly string[], all: readonly Row[], cells: (row: Row) => readonly (Text | number | undefined)[]): readonly Block[] {
  return [table(head, all.slice(0, SHOWN).map(cells)), ...(all.length > SHOWN ? [text(`and ${grouped(all.length - SHOWN)} more, which this summary has no room for.`)] : [])];
}
