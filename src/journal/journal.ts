/** Placeholder types; replaced in the next commits. */
import type { ObjectRef } from '../airflow/protocol.js';

/** Raised when a reader of the old shape would misread the new one; not for an added optional field. */
export const JOURNAL_SCHEMA = 1;

export type Lock = Readonly<{ owner: string; since: string; expiresAt: string; token: string }>;
export type AttemptMode = 'rehearsal' | 'final';

export type Attempt = Readonly<{
  number: number;
  mode: AttemptMode;
  startedAt: string;
  /** Steps that are done, in order, with what a later phase needs of them. */
  steps: readonly Readonly<{ name: string; at: string; by: string; data?: Readonly<Record<string, unknown>> }>[];
  manifest?: ObjectRef & Readonly<{ scope: string }>;
}>;

export type Journal = Readonly<{
  schema: typeof JOURNAL_SCHEMA;
  migrationId: string;
  source: Readonly<{ environment: string; region: string; airflowVersion: string }>;
  target: Readonly<{ environment: string; region: string; airflowVersion: string }>;
  planDigest: string | undefined;
  lock: Lock | undefined;
  attempts: readonly Attempt[];
  /** Phases that finished outside an attempt: resources, create. */
  finished: readonly Readonly<{ phase: string; at: string; by: string; data?: Readonly<Record<string, unknown>> }>[];
  cleaned: boolean;
}>;
