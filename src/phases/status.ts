import type { Journal } from '../journal/journal.js';
import { heldLock } from '../journal/transitions.js';
import { migrationBucketName, migrationPrefix } from '../plan/naming.js';
import type { Bucket, Context, PhaseResult } from '../ports.js';
import { statusReport } from '../report/status-report.js';
import { resultOf } from './result.js';

export type StatusContext = Pick<Context, 'file' | 'clock' | 'plan' | 'journal'>;

/** Where this migration stands, from its journal alone: no lock, nothing started, nothing changed. */
export async function showStatus(context: StatusContext): Promise<PhaseResult> {
  const { file, clock, plan } = context;
  const { account } = await plan.source.identity();
  const name = migrationBucketName(file, account);
  const found = (await plan.source.buckets.exists(name)) ? await findJournal(context, plan.source.openBucket(name, account)) : undefined;
  const now = clock.now();
  const journal = found?.journal;
  const report = statusReport({ id: file.id, journal, location: found?.location ?? `s3://${name}`, lock: journal && heldLock(journal, now), now: now.toISOString() });
  const newest = journal?.attempts.at(-1);
  return resultOf(`mwaa-migrate: status of ${file.id}`, report, {
    'migration-id': file.id,
    ...(newest ? { attempt: String(newest.number) } : {}),
    ...(newest?.manifest ? { 'manifest-digest': newest.manifest.scope } : {}),
    ...(journal?.planDigest ? { 'plan-digest': journal.planDigest } : {}),
    'target-environment': file.target.environment,
  });
}

/** The source's version names the folder; an environment that is gone by now cannot be asked for it, so the folders are searched. */
async function findJournal({ file, plan, journal: openStore }: StatusContext, bucket: Bucket): Promise<Readonly<{ journal: Journal; location: string }> | undefined> {
  const source = await plan.source.mwaa.get(file.source.environment);
  const prefixes = source ? [migrationPrefix(file, source.AirflowVersion, file.target.airflowVersion)] : [];
  if (!source) for await (const { key } of bucket.list('data/migration/')) if (key.endsWith(`/${file.id}/journal.json`)) prefixes.push(key.slice(0, -'journal.json'.length));
  for (const prefix of prefixes) {
    const store = openStore(bucket, prefix);
    const journal = await store.peek();
    if (journal) return { journal, location: store.location };
  }
  return undefined;
}
