/** plan.json in the migration bucket: what the first changing phase acted on. A later, other plan lies beside it, never over it. */
import { UserError } from '../errors.js';
import { differences, type Difference } from '../plan/difference.js';
import type { Basis, Decisions, Plan } from '../plan/plan.js';
import type { Bucket } from '../ports.js';

export type StoredPlan = Readonly<{ digest: string; decisions: Decisions; basis: Basis }>;

/** @returns where the plan differs from the first one */
export async function storePlan(bucket: Bucket, prefix: string, { digest, decisions, basis }: Plan): Promise<readonly Difference[]> {
  const body = `${JSON.stringify({ digest, decisions, basis }, undefined, 2)}\n`;
  if ((await bucket.writeOnce(`${prefix}plan.json`, body)) === 'written') return [];
  const first = await readPlan(bucket, `${prefix}plan.json`);
  if (!first || first.digest === digest) return [];
  await bucket.writeOnce(`${prefix}plan-${digest.slice(0, 12)}.json`, body);
  return differences({ decisions: first.decisions, basis: first.basis }, { decisions, basis });
}

/** Every plan this migration has acted on, the first one first. */
export async function readPlans(bucket: Bucket, prefix: string): Promise<readonly StoredPlan[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list(`${prefix}plan`)) if (/\/plan(-[0-9a-f]{12})?\.json$/.test(key)) keys.push(key);
  const plans: StoredPlan[] = [];
  for (const key of keys.sort((a, b) => a.length - b.length)) {
    const plan = await readPlan(bucket, key);
    if (plan) plans.push(plan);
  }
  return plans;
}

async function readPlan(bucket: Bucket, key: string): Promise<StoredPlan | undefined> {
  const found = await bucket.read(key);
  if (!found) return undefined;
  try {
    const value: unknown = JSON.parse(found.body.toString('utf8'));
    if (typeof value === 'object' && value !== null && 'digest' in value && 'decisions' in value && 'basis' in value) return value as StoredPlan;
  } catch {
    // Falls through: what a person has to do is the same for both kinds of damage.
  }
  throw new UserError(`s3://${bucket.name}/${key} is damaged: it is no plan.`, 'it was written once by the first changing phase and must not change.', 'restore its first version (the bucket is versioned), then run this phase again.');
}
