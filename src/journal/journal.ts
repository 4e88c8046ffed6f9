/** The record of one migration, as it lies in the migration bucket (design §6). Pure: transitions.ts changes it, parse.ts reads it. */
import type { ObjectRef } from '../airflow/protocol.js';

/** Raised when a reader of the old shape would misread the new one; not for an added optional field. */
export const JOURNAL_SCHEMA = 1;

/** Who may write. `token` is random per opening: two openings by the same owner are two holders. Dates are ISO 8601 UTC. */
export type Lock = Readonly<{ owner: string; since: string; expiresAt: string; token: string }>;
export type AttemptMode = 'rehearsal' | 'final';

/** Something that is done and is not done again; `by` is the owner that did it, `data` what a later phase needs of it. */
export type Step = Readonly<{ name: string; at: string; by: string; data?: Readonly<Record<string, unknown>> }>;

export type Attempt = Readonly<{
  number: number;
  mode: AttemptMode;
  startedAt: string;
  /** Steps that are done, in order, with what a later phase needs of them. */
  steps: readonly Step[];
  manifest?: ObjectRef & Readonly<{ scope: string }>;
}>;

/** A phase that finished outside an attempt; the newest entry of a phase counts. */
export type FinishedPhase = Readonly<{ phase: string; at: string; by: string; data?: Readonly<Record<string, unknown>> }>;
export type JournalSide = Readonly<{ environment: string; region: string; airflowVersion: string }>;

export type Journal = Readonly<{
  schema: typeof JOURNAL_SCHEMA;
  migrationId: string;
  source: JournalSide;
  target: JournalSide;
  planDigest: string | undefined;
  lock: Lock | undefined;
  attempts: readonly Attempt[];
  /** Phases that finished outside an attempt: resources, create. */
  finished: readonly FinishedPhase[];
  cleaned: boolean;
}>;
