/** The migration's journal and files as they lie in the bucket, read without a request and without the product. */
import { MIGRATION_BUCKET } from '../../support/middle.js';
import type { MigrationWorld } from '../../support/world.js';

/** Of a migration from 2.7.2 to 2.10.3 with the default id. */
export const PREFIX = 'data/migration/2.7.2_to_2.10.3/analytics-to-analytics-v2/';

export type JournalStep = Readonly<{ name: string; at: string; by: string; data?: Readonly<Record<string, unknown>> }>;
export type JournalAttempt = Readonly<{ number: number; mode: 'rehearsal' | 'final'; steps: readonly JournalStep[] }>;

/** @param key below the migration's prefix @throws Error when there is no such object */
export async function objectOf({ sandbox }: MigrationWorld, key: string): Promise<Buffer> {
  const object = await sandbox.s3.readObject(MIGRATION_BUCKET, `${PREFIX}${key}`);
  if (!object) throw new Error(`There is no ${PREFIX}${key} in ${MIGRATION_BUCKET}.`);
  return object.body;
}

export async function attemptsOf(world: MigrationWorld): Promise<readonly JournalAttempt[]> {
  const { attempts } = JSON.parse((await objectOf(world, 'journal.json')).toString('utf8')) as { attempts: readonly JournalAttempt[] };
  return attempts;
}

export const stepOf = (attempt: JournalAttempt | undefined, name: string): JournalStep | undefined => attempt?.steps.find((step) => step.name === name);
