/** What phase plan looks at besides the two environments. None of it is part of the digest, and nothing that cannot be had keeps anybody from a plan. */
import { isOwnDagFile } from '../airflow/own-dags.js';
import { transportOf } from '../airflow/transport-of.js';
import { UserError } from '../errors.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import { accountOf, bucketOf } from '../plan/naming.js';
import { NOTHING_SEEN, type ObservedBucket, type ObservedObject, type Seen } from '../plan/observations.js';
import { folderOf, pathOf, placementOf, versionOf } from '../plan/placement.js';
import { compareFiles, type BucketFile } from '../plan/repository-files.js';
import type { Bucket, Context, EnvironmentDescription, SideContext } from '../ports.js';
import { listDags, listRuns } from './runs-by-rest.js';

/** Runs; 30 calls. Whoever has more in flight than that gets no number per DAG. */
const MAX_IN_FLIGHT = 3_000;
const LISTS = ['dags', 'dagRuns', 'taskInstances', 'pools', 'importErrors'] as const;

type Side = Pick<SideContext<never>, 'mwaa' | 'openBucket' | 'buckets' | 'keys' | 'airflow'>;
export type ObserveContext = Pick<Context, 'log' | 'repositoryFiles'>;
/** `migration`, `prefix`: of this migration; the environment's gateway wants to know where its objects would lie. */
export type Place = Readonly<{ file: MigrationFile; source: EnvironmentDescription; targetAccount: string; migration: Bucket; prefix: string }>;

export async function observe(context: ObserveContext, sides: Readonly<{ source: Side; target: Side }>, place: Place): Promise<Seen> {
  const { file, source } = place;
  const orNothing = unlessRefused(context);
  const resources = sides.source.openBucket(bucketOf(source.SourceBucketArn), accountOf(source.Arn));
  const objectOf = (kind: 'Plugins' | 'Requirements' | 'StartupScript') => orNothing(`Versions of ${pathOf(source, kind) ?? kind}`, () => lookAtObject(resources, pathOf(source, kind), versionOf(source, kind)));
  const [numbers, listed, buckets, key, here, plugins, requirements, startupScript] = await Promise.all([
    numbersOf(orNothing, sides.source, place),
    orNothing('DAG files', () => listDagFiles(resources, source)),
    lookAtBuckets(orNothing, sides, place),
    orNothing('The KMS key', () => lookAtKey(sides.source, source.KmsKey)),
    orNothing('DAG files of the repository', () => context.repositoryFiles(file.resources.dags)),
    objectOf('Plugins'), objectOf('Requirements'), objectOf('StartupScript'),
  ]);
  return {
    ...NOTHING_SEEN, ...numbers, dagFiles: listed?.length, objects: { plugins, requirements, startupScript }, buckets, key,
    repository: here && listed ? compareFiles(file.resources.dags, here, listed) : undefined,
    missingFolder: here ? undefined : file.resources.dags,
  };
}

type OrNothing = <T>(what: string, look: () => Promise<T>) => Promise<T | undefined>;

/** The report shows "unknown" and the log the reason. */
const unlessRefused = ({ log }: Pick<ObserveContext, 'log'>): OrNothing => async (what, look) => {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn(`${what} could not be read: ${error.what}`);
    return undefined;
  }
};

async function numbersOf(orNothing: OrNothing, { mwaa, airflow: open }: Side, { source, migration, prefix }: Place): Promise<Pick<Seen, 'counts' | 'activeDags' | 'dags'>> {
  // Only from inside, by a DAG run: the rehearsal tells the numbers.
  if (transportOf(source.AirflowVersion).kind === 'cli') return NOTHING_SEEN;
  // What no REST API reaches is a blocker of its own; nothing about it can be counted.
  const airflow = await orNothing('Numbers of the source', () => Promise.resolve(open(source, migration, prefix)));
  if (!airflow) return NOTHING_SEEN;
  const [counts, seen, flying] = await Promise.all([
    Promise.all(LISTS.map(async (list) => [list, await orNothing(list, () => airflow.count(list))] as const)),
    orNothing('DAGs', () => listDags(mwaa, source.Name)),
    orNothing('DAG runs in flight', () => listRuns(mwaa, source.Name, { states: ['running', 'queued'] }, MAX_IN_FLIGHT)),
  ]);
  // A part of a list would count too few of every DAG.
  const inFlight = flying?.isWhole ? new Map<string, number>() : undefined;
  if (inFlight) for (const { dagId } of flying?.runs ?? []) inFlight.set(dagId, (inFlight.get(dagId) ?? 0) + 1);
  return {
    counts: { ...NOTHING_SEEN.counts, ...Object.fromEntries(counts) },
    activeDags: seen?.filter(({ isPaused }) => !isPaused).length,
    // The list does not tell catchup, and asking DAG by DAG would take minutes: the rehearsal knows.
    dags: seen?.map((dag) => ({ ...dag, catchup: undefined, runsInFlight: inFlight && (inFlight.get(dag.dagId) ?? 0) })),
  };
}

async function listDagFiles(resources: Bucket, { DagS3Path }: EnvironmentDescription): Promise<readonly BucketFile[]> {
  const folder = `${folderOf(DagS3Path)}/`, files: BucketFile[] = [];
  for await (const { key, bytes, etag } of resources.list(folder)) if (!key.endsWith('/') && !isOwnDagFile(key)) files.push({ path: key.slice(folder.length), bytes, etag });
  return files;
}

/** @param versionId undefined: the environment names none and takes the newest */
async function lookAtObject(resources: Bucket, path: string | undefined, versionId: string | undefined): Promise<ObservedObject | undefined> {
  if (path === undefined) return undefined;
  const found = (await resources.versions(path)).find((one) => (versionId === undefined ? one.isNewest : one.versionId === versionId));
  return found && { path, versionId, bytes: found.bytes, modified: found.modified.toISOString(), isNewest: found.isNewest };
}

async function lookAtKey({ keys }: Pick<Side, 'keys'>, arn: string | undefined): Promise<Seen['key']> {
  // An alias or a bare id names no account, and the plan role may look at named keys alone.
  if (!arn?.startsWith('arn:') || arn.includes(':alias/')) return undefined;
  const found = await keys.describe(arn);
  return { arn, state: found === undefined ? 'not there' : found.isEnabled && found.isSymmetric ? 'usable' : 'not usable' };
}

async function lookAtBuckets(orNothing: OrNothing, { source: from, target: to }: Readonly<{ source: Side; target: Side }>, { file, source, targetAccount }: Place): Promise<readonly ObservedBucket[]> {
  const sourceBucket = bucketOf(source.SourceBucketArn), { bucket } = placementOf(source, file);
  const look = async ({ buckets }: Side, name: string): Promise<ObservedBucket> =>
    (await orNothing(`Settings of bucket ${name}`, () => buckets.look(name))) ?? { name, exists: undefined, isVersioned: undefined, isClosedToPublic: undefined };
  const isOne = sourceBucket === bucket && targetAccount === accountOf(source.Arn);
  return await Promise.all([look(from, sourceBucket), ...(isOne ? [] : [look(to, bucket)])]);
}
