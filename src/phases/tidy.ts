/** What a migration leaves around that must not stay when it is given up: our DAG files, grants, exported secrets, the one-time key. */
import { ownDagKey } from '../airflow/own-dags.js';
import { UserError } from '../errors.js';
import type { Journal } from '../journal/journal.js';
import { TABLES } from '../metadata/catalogue.js';
import { sidPrefix } from '../plan/grants.js';
import { keyVariables } from '../plan/naming.js';
import { placementOf } from '../plan/placement.js';
import { stateOf } from '../plan/states.js';
import type { AirflowEnvironment, Bucket, Context } from '../ports.js';
import type { Leftovers } from '../report/tidied-section.js';
import { revokeAccess } from './grants.js';
import { removeSecrets, secretPlaces } from './remove-secrets.js';
import type { Place } from './way-back.js';

type TidyContext = Pick<Context, 'file' | 'log' | 'source' | 'target'>;

export const isTidy = ({ sourceDag, targetDag, grants, keyGrants, secrets, keyPair }: Leftovers): boolean => !sourceDag && !targetDag && !grants && keyGrants === 0 && secrets === 0 && !keyPair;

/** Reads only. A source that cannot be asked has to be repaired first; the target may be broken or gone. */
export async function findLeftovers(context: TidyContext, place: Place, bucket: Bucket, journal: Journal): Promise<Leftovers> {
  const { file, source } = context;
  const target = await findOnTarget(context, place, bucket);
  let secrets = 0;
  for (const below of placesOf(place, journal)) secrets += await bucket.countBelow(below);
  return {
    sourceDag: await source.airflow(place.source, bucket, place.prefix).hasDag(),
    grants: await source.buckets.isGranted(place.bucketName, sidPrefix(file.id)),
    keyGrants: file.bucket.kmsKey === undefined ? 0 : await source.keys.countGrants(file.bucket.kmsKey, sidPrefix(file.id)),
    secrets, ...target,
  };
}

/**
 * Removes what was found, at most. First the grants: a command of ours that is still at work in Airflow ends by itself without them, and
 * writes nothing more. The values go when nobody can write any.
 * @returns what was found
 */
export async function tidyUp(context: TidyContext, place: Place, bucket: Bucket, journal: Journal): Promise<Leftovers> {
  const found = await findLeftovers(context, place, bucket, journal);
  if (found.grants || found.keyGrants > 0) await revokeAccess(context, place.bucketName);
  if (found.sourceDag) await context.source.airflow(place.source, bucket, place.prefix).removeDag();
  if (found.secrets > 0) {
    const removed = await removeSecrets(bucket, placesOf(place, journal), 'rollback');
    context.log.info(`Removed the exported secrets: ${removed} object versions.`);
  }
  const failed = await tidyTarget(context, place, bucket, found);
  return { ...found, unreachable: found.unreachable ?? failed };
}

/** Of every final export: a rehearsal writes no value. */
const placesOf = ({ prefix }: Place, { attempts }: Journal): readonly string[] =>
  secretPlaces(prefix, attempts.filter(({ mode }) => mode === 'final').map(({ number }) => number), TABLES.filter(({ secret }) => secret).map(({ name }) => name));

async function findOnTarget(context: TidyContext, place: Place, bucket: Bucket): Promise<Pick<Leftovers, 'targetDag' | 'keyPair' | 'unreachable'>> {
  const isFileThere = await isTargetFileThere(context, place);
  if (typeof isFileThere === 'string') return { targetDag: false, keyPair: false, unreachable: isFileThere };
  const airflow = askable(context, place, bucket);
  if (typeof airflow === 'string') return { targetDag: isFileThere, keyPair: false, unreachable: place.target ?? place.targetUnknown ? airflow : undefined };
  try {
    // The private half is not asked for: its value would come along.
    return { targetDag: isFileThere || (await airflow.hasDag()), keyPair: (await airflow.readVariable(keyVariables(context.file.id).publicKey)) !== undefined, unreachable: undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { targetDag: isFileThere, keyPair: false, unreachable: error.what };
  }
}

/** @returns a text: the bucket of the target's DAGs cannot be asked */
async function isTargetFileThere(context: TidyContext, place: Place): Promise<boolean | string> {
  try {
    const file = await targetFile(context, place);
    return (await file.bucket.head(file.key)) !== undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.what;
  }
}

/** The source goes on by now: a target that cannot be reached must not turn that red. What is left there starts nothing, and the key opens nothing any more. */
async function tidyTarget(context: TidyContext, place: Place, bucket: Bucket, found: Leftovers): Promise<string | undefined> {
  const airflow = askable(context, place, bucket);
  try {
    if (typeof airflow === 'string') {
      const file = await targetFile(context, place);
      if (found.targetDag) await file.bucket.remove(file.key);
      return undefined;
    }
    if (found.targetDag) await airflow.removeDag();
    if (found.keyPair) {
      const { privateKey, publicKey } = keyVariables(context.file.id);
      await airflow.removeVariable(privateKey);
      // Last: while it is there, a run that was killed in between comes back for the other.
      await airflow.removeVariable(publicKey);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    context.log.warn(`Not everything of ours could be removed from ${context.file.target.environment}: ${error.what}`);
    return error.what;
  }
}

/** The file of a target that is broken or gone lies where phase create would look for it. */
async function targetFile({ file, target }: TidyContext, { source, target: seen }: Place): Promise<Readonly<{ bucket: Bucket; key: string }>> {
  const planned = placementOf(source, file);
  const name = seen ? seen.SourceBucketArn.split(':')[5] ?? planned.bucket : planned.bucket;
  return { bucket: target.openBucket(name, (await target.identity()).account), key: ownDagKey(seen?.DagS3Path ?? planned.dags, 'db_import') };
}

/** @returns a text: why it cannot be asked */
function askable({ file, target }: TidyContext, { target: seen, targetUnknown, prefix }: Place, bucket: Bucket): AirflowEnvironment | string {
  if (targetUnknown) return targetUnknown.what;
  if (!seen) return `${file.target.environment} does not exist`;
  const { verdict, meaning } = stateOf(seen.Status);
  return verdict === 'usable' ? target.airflow(seen, bucket, prefix) : `${seen.Name} is ${seen.Status}: ${meaning}`;
}
