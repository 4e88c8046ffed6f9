import { transportOf } from '../airflow/transport-of.js';
import { UserError } from '../errors.js';
import type { GateReview } from '../gatekeeper.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { attemptOf, heldLock } from '../journal/transitions.js';
import { migrationBucketName, migrationPrefix } from '../plan/naming.js';
import type { Bucket, Context, PhaseResult } from '../ports.js';
import { stateOf } from '../plan/states.js';
import { pageOf } from '../page/page.js';
import { finishReport } from '../report/finish-report.js';
import { readJobs, type JobsSeen } from '../report/job-results.js';
import { statusReport, type ActiveNow, type StatusFacts } from '../report/status-report.js';
import { storySections } from '../report/story-sections.js';
import { readStory } from './read-story.js';
import { resultOf } from './result.js';
import { listDags } from './runs-by-rest.js';

export type StatusContext = Pick<Context, 'inputs' | 'file' | 'clock' | 'plan' | 'journal' | 'github'>;

/**
 * Where this migration stands: its journal, what it moved, and which DAGs are active now. No lock, nothing started, nothing changed.
 * With input `jobs` it is the last job of a workflow, which has to say something useful also where AWS cannot be asked.
 */
export async function showStatus(context: StatusContext): Promise<PhaseResult> {
  const { inputs, file, clock } = context;
  const jobs = inputs.workflow.jobs === undefined ? undefined : readJobs(inputs.workflow.jobs);
  const seen = await look(context).catch((error: unknown) => {
    if (!jobs || !(error instanceof UserError)) throw error;
    return error;
  });
  const found = seen instanceof UserError ? undefined : seen;
  const journal = found?.status.journal, now = clock.now().toISOString();
  const report = jobs
    ? finishReport({ id: file.id, source: file.source.environment, jobs, status: found?.status, unknown: seen instanceof UserError ? seen : undefined, run: await addressOf(context), rejections: await rejectionsOf(context, jobs), now })
    : statusReport((found as Found).status);
  const shown = inputs.attempt === undefined ? journal?.attempts.at(-1) : requireAttempt(journal, file.id, inputs.attempt);
  return {
    ...resultOf(`mwaa-migrate: status of ${file.id}`, report, {
      'migration-id': file.id,
      ...(shown ? { attempt: String(shown.number) } : {}),
      ...(shown?.manifest ? { 'manifest-digest': shown.manifest.scope } : {}),
      ...(journal?.planDigest ? { 'plan-digest': journal.planDigest } : {}),
      'target-environment': file.target.environment,
    }),
    page: pageOf(file.id, report, now),
  };
}

/** Of the workflow run. What GitHub wrote of the event may be unreadable; the summary does without. */
async function addressOf({ github }: StatusContext): Promise<string | undefined> {
  return await github.run().then(({ url }) => url, (error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    return undefined;
  });
}

/** Only the names are lost where GitHub cannot be asked. */
async function rejectionsOf({ github }: StatusContext, { jobs }: JobsSeen): Promise<readonly GateReview[]> {
  if (!github.gatekeeper || !jobs.some(({ id, result }) => (id === 'gate' || id === 'cutover-gate') && result === 'failure')) return [];
  const reviews = await github.gatekeeper.reviews().catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    return [];
  });
  return reviews.filter(({ state }) => state === 'rejected');
}

type Found = Readonly<{ status: StatusFacts }>;

async function look(context: StatusContext): Promise<Found> {
  const { inputs, file, clock, plan } = context;
  const { account } = await plan.source.identity();
  const name = migrationBucketName(file, account), bucket = plan.source.openBucket(name, account);
  const found = (await plan.source.buckets.exists(name)) ? await findJournal(context, bucket) : undefined;
  const now = clock.now(), journal = found?.journal;
  if (inputs.attempt !== undefined) requireAttempt(journal, file.id, inputs.attempt);
  const active = journal && { source: await activeNow(plan.source, file.source.environment), target: await activeNow(plan.target, file.target.environment) };
  const more = found && !found.journal.cleaned ? storySections(await readStory(bucket, found.prefix, found.journal)) : [];
  return { status: { id: file.id, journal, location: found?.location ?? `s3://${name}`, lock: journal && heldLock(journal, now), now: now.toISOString(), wanted: inputs.attempt, active, more } };
}

function requireAttempt(journal: Journal | undefined, id: string, wanted: number): Attempt {
  const found = journal && attemptOf(journal, wanted);
  if (found) return found;
  const known = journal?.attempts.map(({ number }) => number) ?? [];
  throw new UserError(`There is no attempt ${wanted} in migration "${id}".`, known.length > 0 ? `its journal knows ${known.join(', ')}.` : 'it has none yet.', 'leave input attempt empty for the newest one.');
}

/** A side that cannot be asked must not keep anybody from the journal. */
async function activeNow({ mwaa }: StatusContext['plan']['source'], name: string): Promise<ActiveNow> {
  try {
    const seen = await mwaa.get(name);
    if (!seen) return 'there is no such environment';
    if (stateOf(seen.Status).verdict !== 'usable') return `not known, it is ${seen.Status}`;
    if (transportOf(seen.AirflowVersion).kind === 'cli') return `not known, for Airflow ${seen.AirflowVersion} is only asked from inside, which status does not do`;
    const dags = await listDags(mwaa, name);
    return { active: dags.filter(({ isPaused }) => !isPaused).length, all: dags.length };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return 'not known, it cannot be asked';
  }
}

/** The source's version names the folder; an environment that is gone by now cannot be asked for it, so the folders are searched. */
async function findJournal({ file, plan, journal: openStore }: StatusContext, bucket: Bucket): Promise<Readonly<{ journal: Journal; location: string; prefix: string }> | undefined> {
  const source = await plan.source.mwaa.get(file.source.environment);
  const prefixes = source ? [migrationPrefix(file, source.AirflowVersion, file.target.airflowVersion)] : [];
  if (!source) for await (const { key } of bucket.list('data/migration/')) if (key.endsWith(`/${file.id}/journal.json`)) prefixes.push(key.slice(0, -'journal.json'.length));
  for (const prefix of prefixes) {
    const store = openStore(bucket, prefix);
    const journal = await store.peek();
    if (journal) return { journal, location: store.location, prefix };
  }
  return undefined;
}
