import type { Difference, Place, VerifyData } from '../airflow/protocol.js';
import { worstOf, type Judgement } from '../metadata/verification.js';
import { code, counted, grouped, list, table, text, type Block, type Report, type Text } from './document.js';
import { onward } from './onward.js';

type SideCounts = Readonly<Record<'dags' | 'dagRuns' | 'taskInstances' | 'pools', number | undefined>>;
export type Counts = Readonly<{ source: SideCounts; target: SideCounts }>;
export type VerifyFacts = Readonly<{ source: string; target: string; judgement: Judgement; found: VerifyData; counts: Counts; isSwitched: boolean }>;

const SHOWN = 100;
/** DAGs with differences; all that are known stand in `verify/report.json`. */
const SHOWN_DIFFERENCES = 30;

export function verifyReport({ source, target, judgement, found, counts, isSwitched }: VerifyFacts): Report {
  const { tables, problems } = judgement;
  const sum = (of: 'exported' | 'equal' | 'missing' | 'different' | 'rejected' | 'resumed' | 'doubled' | 'proved') => tables.reduce((total, one) => total + one[of], 0);
  const isGood = problems.length === 0;
  return {
    verdict: isGood
      ? [`All ${grouped(sum('exported'))} exported rows are accounted for on `, code(target), `: ${grouped(sum('equal'))} equal, ${sum('resumed') > 0 ? `${grouped(sum('resumed'))} of work that goes on, ` : ''}${grouped(sum('rejected'))} rejected with a reason`]
      : [`${counted(problems.length, 'problem')} on `, code(target), `: ${grouped(sum('missing'))} rows missing, ${grouped(sum('different'))} different, ${grouped(sum('doubled'))} doubled, ${counted(found.importErrors.length, 'DAG file')} not loading`],
    isGood,
    sections: [
      ...(isGood ? [] : [{ title: 'Problems', importance: 1 as const, blocks: [list(problems)] }]),
      ...whereTheyDiffer(tables),
      { title: 'Row by row', importance: 1, blocks: [
        table(['Table', 'Exported', 'Equal', 'By checksum', 'Goes on', 'Missing', 'Different', 'Doubled', 'Rejected', ''], tables.map((one) => [code(one.name), one.exported, one.equal, one.proved, one.resumed, one.missing, one.different, one.doubled, one.rejected, one.isGood ? '✓' : 'look here'])),
        text('“By checksum”: of the equal rows those of DAGs whose number and checksum both databases gave alike, the source in the snapshot of the export. The rows of every other DAG were compared one by one.'),
        ...(sum('resumed') > 0 ? [text('“Goes on”: rows of DAG runs that were in flight and went on here since cutover, and dataset events that waited for a DAG that has run since. The target has changed them itself.')] : []),
      ] },
      {
        title: 'What the REST API of both sides counts', importance: 2, blocks: [
          table(['What', source, target], COUNTED.map((name) => [LABELS[name], counts.source[name], counts.target[name]])),
          ...restDifferences(counts),
        ],
      },
      {
        title: 'DAGs', importance: 1, blocks: [
          text(isSwitched ? `${counted(found.unpausedDags.length, 'DAG is', 'DAGs are')} active on the target.` : found.unpausedDags.length === 0 ? 'Every DAG of the target is paused, as it should be before cutover.' : `${counted(found.unpausedDags.length, 'DAG is', 'DAGs are')} active on the target before cutover:`),
          ...(found.unpausedDags.length > 0 && !isSwitched ? [list(found.unpausedDags.slice(0, SHOWN).map((dagId) => code(dagId)))] : []),
          ...(found.importErrors.length > 0 ? [text('DAG files that do not load on the target:'), list(found.importErrors.slice(0, SHOWN).map((file) => code(file)))] : []),
        ],
      },
    ],
    next: isGood
      ? [isSwitched ? 'Nothing. Watch the target, and delete the source environment when you no longer need it.' : onward(['cutover-gate', 'cutover'], 'cutover, which activates on the target exactly the DAGs that were active on the source')]
      : repairs(judgement, found, isSwitched),
  };
}

/** Names of DAGs and runs come from Airflow, and are shown as code. */
function whereTheyDiffer(tables: Judgement['tables']): Report['sections'] {
  const worst = worstOf(tables), all = tables.reduce((total, { differentDags }) => total + differentDags, 0);
  if (worst.length === 0) return [];
  return [{ title: 'Where they differ', importance: 1, blocks: [
    table(['Table', 'DAG', 'From', 'To', 'Missing', 'Different', 'Doubled'], worst.slice(0, SHOWN_DIFFERENCES).map((one) =>
      [code(one.table), rowsOf(one), placeOf(one.first), placeOf(one.last), one.missing, one.different, one.doubled])),
    ...(all > SHOWN_DIFFERENCES ? [text(`and ${grouped(all - SHOWN_DIFFERENCES)} more, of each table the 50 largest in verify/report.json`)] : []),
    text('“From” and “to”: the first and the last DAG run by logical date; for rows that belong to no run their own time. “Doubled”: a row that was exported once and is there again, or one of a moved run that was not exported.'),
  ] }];
}

const rowsOf = ({ dagId, names }: Difference): Text => (dagId !== null ? code(dagId) : names.length === 0 ? 'of no DAG' : names.flatMap((name, at) => (at === 0 ? [code(name)] : [', ', code(name)])));
const placeOf = ({ at, runId }: Place): Text => (runId !== null ? code(runId) : at ?? '–');

/** A finished import writes nothing more when it is run again: rows come only with a further final export. */
function repairs({ tables }: Judgement, found: VerifyData, isSwitched: boolean): readonly Text[] {
  const refused = tables.find(({ name }) => name === 'dag_run')?.rejected ?? 0;
  const isLacking = tables.some(({ missing, different }) => missing + different > 0);
  const anew = 'run phase export with mode final again (the source stays paused), then import and verify';
  return [
    ...(found.importErrors.length > 0 ? ['DAG files that do not load: repair them on the source and run phases resources and verify again.'] : []),
    ...(found.unpausedDags.length > 0 && !isSwitched ? ['DAGs that are active before cutover: pause them on the target, look at what they ran, and run phase verify again.'] : []),
    ...(isSwitched
      ? ['Look at each other problem. After cutover nothing is imported any more: where the difference matters, repair it by hand, or go back with phase rollback.']
      : [
          ...(refused > 0 ? [`Runs that were refused: the target has other runs of the same DAGs and dates, which are not replaced because somebody made or touched them there. The side file that the import's summary names holds the refused ones. Delete their counterparts on the target, or take a new target environment; then ${anew}.`] : []),
          ...(tables.some(({ doubled }) => doubled > 0) ? [`Rows that are doubled: somebody has written them on the target since the import. “Where they differ” names them: look at them and delete what does not belong there (see docs/reference/verification.md), then run phase verify again.`] : []),
          ...(isLacking ? [`Rows that are missing or different: somebody has changed them on the target since the import. To write them once more, ${anew}.`] : []),
          'Do not run cutover before this is green.',
        ]),
  ];
}

/** Both directions have causes that are no loss; "Row by row" is what judges. undefined: could not be had, which is no difference. */
function restDifferences({ source, target }: Counts): readonly Block[] {
  const differing = (isMore: (there: number, here: number) => boolean) =>
    COUNTED.filter((name) => { const here = source[name], there = target[name]; return here !== undefined && there !== undefined && isMore(there, here); }).map((name) => LABELS[name]);
  const fewer = differing((there, here) => there < here), more = differing((there, here) => there > here);
  const causes = [
    ...(fewer.length > 0 ? [`Fewer on the target (${fewer.join(', ')}): rows that a filter left out or that were rejected; and history of DAGs whose file is gone: it was moved, but the REST API shows rows only of DAGs that the environment has an entry for, and the target has entries only for the files it reads.`] : []),
    ...(more.length > 0 ? [`More on the target (${more.join(', ')}): the DAG of mwaa-migrate that makes this verification, with its runs; what the target had before or has run since; and moved history of DAGs that the source has no entry for, so that its own REST API does not show it.`] : []),
  ];
  if (causes.length === 0) return [];
  return [list(causes), text('This is what the UIs show, a second opinion. Whether anything is lost is decided row by row, above.')];
}

const COUNTED = ['dags', 'dagRuns', 'taskInstances', 'pools'] as const;
const LABELS = { dags: 'DAGs', dagRuns: 'DAG runs', taskInstances: 'Task instances', pools: 'Pools' } as const;
