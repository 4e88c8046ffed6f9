import { UserError } from '../errors.js';
import { buildPlan } from '../plan/build.js';
import { accountOf, bucketOf, migrationBucketName, migrationPrefix } from '../plan/naming.js';
import { pathOf, versionOf } from '../plan/placement.js';
import { NOTHING_SEEN } from '../plan/observations.js';
import type { Plan } from '../plan/plan.js';
import { FIRST_WITH_REST_API, isAtLeast } from '../airflow/versions.js';
import { stateOf } from '../plan/states.js';
import type { Bucket, Context, EnvironmentDescription, RoleDescription, SideContext } from '../ports.js';
import { didYouMean } from '../suggest.js';
import { observe } from './observe.js';

/** Both sides as they are now, and the plan that follows from them. */
export type Survey = Readonly<{
  source: EnvironmentDescription;
  /** undefined: not created yet. */
  target: EnvironmentDescription | undefined;
  sourceAccount: string;
  targetAccount: string;
  sourceRole: RoleDescription | undefined;
  plan: Plan;
  bucketName: string;
  prefix: string;
}>;

/** What only looks: the plan role where there is one, else the phase's own roles. */
export type Eyes = Readonly<{ source: Looking; target: Looking }>;
type Looking = Pick<SideContext<never>, 'identity' | 'mwaa' | 'roles' | 'openBucket' | 'buckets' | 'keys' | 'airflow'>;

export const eyesOf = (context: Pick<Context, 'inputs' | 'plan' | 'source' | 'target'>): Eyes =>
  context.inputs.planRole !== undefined || context.inputs.phase === 'plan' || context.inputs.phase === 'status' ? context.plan : { source: context.source, target: context.target };

export type SurveyContext = Pick<Context, 'inputs' | 'file' | 'log' | 'plan' | 'source' | 'target'>;
/** With what only phase plan looks at. */
export type FullSurveyContext = SurveyContext & Pick<Context, 'repositoryFiles'>;

/**
 * Reads only.
 * @param isFull counts and lists what only the plan phase shows; none of it is part of the digest
 * @throws {UserError} when the source does not exist or may not be read
 */
export async function survey(context: FullSurveyContext, isFull: true): Promise<Survey>;
export async function survey(context: SurveyContext): Promise<Survey>;
export async function survey(context: SurveyContext & Partial<FullSurveyContext>, isFull = false): Promise<Survey> {
  const { file, repositoryFiles } = context;
  const eyes = eyesOf(context);
  // A policy that names its environments denies a misspelt one; the list tells whether that is so.
  const source = await eyes.source.mwaa.get(file.source.environment).catch(async (error: unknown) => {
    throw error instanceof UserError && error.cause instanceof Error && error.cause.name.startsWith('AccessDenied') ? ((await missingSource(eyes, file.source, true)) ?? error) : error;
  });
  if (!source) throw await missingSource(eyes, file.source);
  const target = await eyes.target.mwaa.get(file.target.environment);
  const sourceAccount = accountOf(source.Arn);
  const targetAccount = target ? accountOf(target.Arn) : (await eyes.target.identity()).account;
  const isCloned = file.target.executionRole === 'clone' && file.target.create === 'mwaa-migrate';
  const sourceRole = isCloned ? await eyes.source.roles.get(source.ExecutionRoleArn) : undefined;
  // The clone of a role in another account cannot carry that role's boundary; a role that is there already has its own.
  const boundary = sourceRole && !target ? await eyes.target.roles.boundary(sourceAccount === targetAccount ? sourceRole.boundary : undefined) : undefined;
  const key = file.bucket.kmsKey === undefined ? undefined : await eyes.source.keys.describe(file.bucket.kmsKey);
  const bucketName = migrationBucketName(file, sourceAccount);
  const prefix = migrationPrefix(file, source.AirflowVersion, file.target.airflowVersion);
  const observations = isFull && repositoryFiles ? await observe({ log: context.log, repositoryFiles }, eyes, { file, source, targetAccount, migration: eyes.source.openBucket(bucketName, sourceAccount), prefix }) : NOTHING_SEEN;
  const namesakes = await findNamesakes(context, eyes, source, eyes.source.openBucket(bucketName, sourceAccount), prefix, isFull);
  const requirements = isFull ? await readRequirements(context, eyes, source) : undefined;
  const plan = buildPlan({ file, source, target, targetAccount, sourceRole, boundary, namesakes, key, observations, requirements });
  return { source, target, sourceAccount, targetAccount, sourceRole, plan, bucketName, prefix };
}

/** What is larger is no list of packages. */
const MAX_REQUIREMENTS_BYTES = 1_048_576;

/** The version that the source runs on. A plan goes on without it, and says so. */
async function readRequirements({ log }: SurveyContext, eyes: Eyes, source: EnvironmentDescription): Promise<string | undefined> {
  const path = pathOf(source, 'Requirements');
  if (path === undefined) return undefined;
  try {
    const found = await eyes.source.openBucket(bucketOf(source.SourceBucketArn), accountOf(source.Arn)).read(path, versionOf(source, 'Requirements'));
    return found && found.body.length <= MAX_REQUIREMENTS_BYTES ? found.body.toString('utf8') : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn(`requirements.txt could not be read: ${error.what}`);
    return undefined;
  }
}

/** Phases before which nothing of ours is on the source: later the answer comes too late, and their DAG files must go in any case. */
const ASKED_BEFORE: readonly string[] = ['plan', 'resources', 'create', 'export'];

/** Only a source that can be asked is: what keeps it from answering is a blocker of its own. */
async function findNamesakes({ inputs, log }: SurveyContext, eyes: Eyes, source: EnvironmentDescription, migration: Bucket, prefix: string, isFull: boolean): Promise<readonly string[]> {
  const answers = stateOf(source.Status).verdict === 'usable' && source.WebserverAccessMode !== 'PRIVATE_ONLY' && isAtLeast(source.AirflowVersion, FIRST_WITH_REST_API);
  if (!answers || !ASKED_BEFORE.includes(inputs.phase)) return [];
  try {
    return await eyes.source.airflow(source, migration, prefix).listNamesakes();
  } catch (error) {
    // A plan goes on without what cannot be had; a phase that changes something must not.
    if (!isFull || !(error instanceof UserError)) throw error;
    log.warn(`Whether a DAG is called as ours are could not be read: ${error.what}`);
    return [];
  }
}

async function missingSource(eyes: Eyes, wanted: Place): Promise<UserError>;
async function missingSource(eyes: Eyes, wanted: Place, mayExist: boolean): Promise<UserError | undefined>;
/** @returns undefined when it may exist after all: the list cannot be had, or it is in there */
async function missingSource(eyes: Eyes, { environment, region }: Place, mayExist = false): Promise<UserError | undefined> {
  let names: readonly string[] | undefined;
  try {
    names = await eyes.source.mwaa.list();
  } catch (error) {
    if (!(error instanceof UserError)) throw error; // A role that may not list still gets the message that matters.
  }
  if (mayExist && (!names || names.includes(environment))) return undefined;
  const known = !names ? '' : names.length === 0 ? ' This account has no environment at all there.' : ` There ${names.length === 1 ? 'is' : 'are'}: ${names.slice(0, 20).join(', ')}.`;
  return new UserError(
    `There is no environment "${environment}" in ${region}${names ? didYouMean(environment, names) : ''}.${known}`,
    'a migration begins with the environment it moves from.',
    'correct source.environment or source.region in the migration file, or use a role of the right account.',
  );
}

type Place = Readonly<{ environment: string; region: string }>;
