/** Reads from the migration bucket what the whole migration's page and the last job's summary tell. Whatever cannot be read is named, and the rest is told. */
import { UserError } from '../errors.js';
import type { Attempt, Journal } from '../journal/journal.js';
import { stepOf } from '../journal/transitions.js';
import type { Bucket } from '../ports.js';
import type { Story, VerifiedBefore, VerifiedRow } from '../report/story-sections.js';
import { STEP } from './attempts.js';
import { readManifest } from './read-manifest.js';
import { readPlans } from './stored-plan.js';

/** @param plan the one that is acted on, where the caller has it; else the stored one of the journal's digest is read */
export async function readStory(bucket: Bucket, prefix: string, journal: Journal, plan?: Story['plan']): Promise<Story> {
  const missing: string[] = [];
  const orNothing = async <T>(what: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      missing.push(`${what}: ${error.what}`);
      return undefined;
    }
  };
  const attempt = attemptToTell(journal);
  return {
    journal, missing,
    manifest: attempt && (await orNothing(`The manifest of attempt ${attempt.number}`, () => readManifest(bucket, attempt.manifest))),
    plan: plan ?? (journal.planDigest === undefined ? undefined : await orNothing('The plan', async () => (await readPlans(bucket, prefix)).find(({ digest }) => digest === journal.planDigest))),
    verified: attempt && stepOf(attempt, STEP.verified) ? await orNothing('The verification', () => readVerified(bucket, `${prefix}verify/report.json`)) : undefined,
  };
}

type Exported = Attempt & Readonly<{ manifest: NonNullable<Attempt['manifest']> }>;

/** The newest final export that was made and can be used; else the newest rehearsal. */
function attemptToTell({ attempts }: Journal): Exported | undefined {
  const usable = attempts.filter((one): one is Exported => one.manifest !== undefined && !stepOf(one, STEP.voided)).reverse();
  return usable.find(({ mode }) => mode === 'final') ?? usable[0];
}

/** undefined: there is none, or it is not of the form that phase verify writes. */
async function readVerified(bucket: Bucket, key: string): Promise<VerifiedBefore | undefined> {
  const found = await bucket.read(key);
  if (!found) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(found.body.toString('utf8'));
  } catch {
    throw new UserError(`s3://${bucket.name}/${key} is no JSON.`, 'it was damaged, or is not of phase verify.', 'run phase verify again.');
  }
  if (!isRecord(value) || typeof value.attempt !== 'number' || typeof value.at !== 'string' || !Array.isArray(value.tables) || !Array.isArray(value.problems)) return undefined;
  const tables = value.tables.flatMap((one: unknown): readonly (readonly [string, VerifiedRow])[] => {
    if (!isRecord(one) || typeof one.name !== 'string') return [];
    const { equal, missing, different } = one;
    return typeof equal === 'number' && typeof missing === 'number' && typeof different === 'number' ? [[one.name, { equal, missing, different }]] : [];
  });
  return { attempt: value.attempt, at: value.at, problems: value.problems.filter((one): one is string => typeof one === 'string'), tables: new Map(tables) };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
