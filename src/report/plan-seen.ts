/** What the plan saw of the source: numbers, files, buckets; none of it is part of the digest. */
import type { ObservedObject } from '../plan/observations.js';
import type { Plan } from '../plan/plan.js';
import { dagSection } from './dag-outlook.js';
import { code, counted, grouped, list, table, text, type Cell, type Section } from './document.js';

/** Paths shown of a list; the rest is counted. */
const SHOWN = 50;
const UNKNOWN = 'unknown';

export function seenSections({ observations, secretsBackend, existing }: Pick<Plan, 'observations' | 'secretsBackend' | 'existing'>, now: string): readonly Section[] {
  const { counts } = observations;
  const number = (value: number | undefined): Cell => value ?? UNKNOWN;
  return [
    {
      title: 'What is there now', importance: 1, blocks: [
        table(['What', 'Value'], [
          ['Source', code(observations.sourceStatus)], ['Target', observations.targetStatus ? code(observations.targetStatus) : 'does not exist yet'],
          ['DAGs', number(counts.dags)], ['Active DAGs', number(observations.activeDags)], ['DAG files and modules', number(observations.dagFiles)], ['DAG files that do not load', number(counts.importErrors)],
          ['DAG runs', number(counts.dagRuns)], ['Task instances', number(counts.taskInstances)], ['Pools', counts.pools ?? 'unknown: Airflow shows them to Op and mightier roles alone'],
          ...(secretsBackend === 'none' ? [] : [['Secrets backend', `${secretsBackend === 'other' ? 'a class that is not AWS\'s own' : secretsBackend}: what lies there does not move, and the target's execution role must be allowed to read it`] as const]),
          ...(observations.key ? [['KMS key', [code(observations.key.arn), `: ${observations.key.state}`]] as const] : []),
        ]),
        text('These numbers change by themselves and are no part of the digest.'),
      ],
    },
    ...existingSections(existing),
    ...filesSections(observations),
    ...repositorySections(observations),
    ...dagSections(observations, now),
  ];
}

function existingSections(existing: Plan['existing']): readonly Section[] {
  if (!existing || existing.length === 0) return [];
  return [{
    title: `The target exists, and is not quite as planned (${existing.length})`, importance: 1,
    blocks: [text('Nothing changes it. Decide whether each is meant.'), table(['Field', 'Planned', 'Is'], existing.map(({ path, before, after }) => [code(path), code(before), code(after)]))],
  }];
}

function filesSections({ objects, buckets }: Plan['observations']): readonly Section[] {
  const files = ([['plugins', objects.plugins], ['requirements', objects.requirements], ['startup script', objects.startupScript]] as const).flatMap(([what, object]) => (object ? [fileRow(what, object)] : []));
  return [
    ...(files.length > 0 ? [{ title: `Files that the source runs on (${files.length})`, importance: 2 as const, isFolded: true, blocks: [table(['What', 'Path', 'Version', 'Bytes', 'Written', ''], files)] }] : []),
    ...(buckets.length > 0 ? [{
      title: `Buckets (${buckets.length})`, importance: 3 as const, isFolded: true,
      blocks: [table(['Bucket', 'There', 'Keeps versions', 'Closed to the public'], buckets.map(({ name, exists, isVersioned, isClosedToPublic }) => [code(name), ...[exists, isVersioned, isClosedToPublic].map(said)]))],
    }] : []),
  ];
}

const fileRow = (what: string, { path, versionId, bytes, modified, isNewest }: ObservedObject): readonly Cell[] =>
  [what, code(path), versionId === undefined ? 'the newest one' : code(versionId), bytes, code(modified), isNewest ? 'newest' : 'there is a newer one'];

function repositorySections({ repository, missingFolder }: Plan['observations']): readonly Section[] {
  if (missingFolder !== undefined) return [{ title: 'DAG files of the repository: not compared', importance: 3, isFolded: true, blocks: [text('There is no folder ', code(missingFolder), ' in the checked-out repository, so it could not be compared with the source\'s bucket. ', code('resources.dags'), ' of the migration file names it.')] }];
  if (!repository) return [];
  const { folder, same, unknown, different, onlyInRepository, onlyInBucket } = repository;
  const named = ([['Differ', different], ['Only in the repository', onlyInRepository], ['Only in the bucket', onlyInBucket]] as const).filter(([, paths]) => paths.length > 0);
  return [{
    title: `DAG files of the repository: ${grouped(same)} as in the bucket, ${grouped(different.length + onlyInRepository.length + onlyInBucket.length)} not`, importance: 2, isFolded: true,
    blocks: [
      text('Folder ', code(folder), `: ${counted(same, 'file is', 'files are')} the same as in the source's bucket${unknown > 0 ? `, ${counted(unknown, 'file has', 'files have')} the same size and could not be compared` : ''}.`),
      ...named.flatMap(([title, paths]) => [text(`${title} (${grouped(paths.length)}):`), list([...paths.slice(0, SHOWN).map((path) => code(path)), ...(paths.length > SHOWN ? [`and ${grouped(paths.length - SHOWN)} more`] : [])])]),
    ],
  }];
}

/** Active ones first: they are what cutover is about. */
function dagSections({ dags }: Plan['observations'], now: string): readonly Section[] {
  if (!dags || dags.length === 0) return [];
  const ordered = [...dags.filter(({ isPaused }) => !isPaused), ...dags.filter(({ isPaused }) => isPaused)];
  return [dagSection(
    'DAGs of the source', ordered.map((dag) => ({ dagId: dag.dagId, isActive: !dag.isPaused, inFlight: dag.runsInFlight, next: dag })), 'Now', now,
    'As they are now; no part of the digest. The drain waits for runs in flight before it pauses their DAG. Whether a DAG without catchup would miss intervals is known to the rehearsal, not to this list.',
  )];
}

const said = (is: boolean | undefined): string => (is === undefined ? UNKNOWN : is ? 'yes' : 'no');
