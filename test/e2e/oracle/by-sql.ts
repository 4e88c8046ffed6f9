import { runPython } from './python.js';
import { libpqUrl, query } from './query.js';

/** One side: its database and the key its Variables are encrypted with. RunningEnvironment has both. */
export type Side = Readonly<{ databaseUrl: string; fernetKey: string }>;

export type Difference = Readonly<{
  table: string;
  /** Values of the key's columns, or the whole content of a row that has no key; null: the table as a whole. */
  key: readonly (string | null)[] | Readonly<Record<string, string | null>> | null;
  /** null: the row as a whole is missing or too much. */
  column: string | null;
  /** As PostgreSQL writes it, shortened; never a Variable's value. */
  source: string | null;
  target: string | null;
}>;

export type Comparison = Readonly<{
  /** Rows without those of db_export*, db_import*. `own`: rows of the target's audit log that the source has not. */
  counts: Readonly<Record<string, Readonly<{ source: number; target: number; own: number }>>>;
  differences: readonly Difference[];
  /** How many there are beyond the limit. */
  more: number;
}>;

export type ComparisonOptions = Readonly<{
  /** When the export read the source: audit log rows written later are not expected on the target. Default: all are. */
  snapshot?: Date | undefined;
  /** Runs that the target has made itself since cutover. */
  newRuns?: readonly (readonly [dagId: string, runId: string])[];
  /** Tables that may be without rows on the source. Default: none, for nothing is proved by an empty one. */
  mayBeEmpty?: readonly string[];
  /** Columns not to look at, by table; a test that needs this says why. */
  ignore?: Readonly<Record<string, readonly string[]>>;
  /** Differences told in full. Default 100. */
  limit?: number;
}>;

/** Compares every row of the moved tables; the rules stand in tables.py. An import is right when `differences` is empty. */
export function compareBySql(source: Side, target: Side, options: ComparisonOptions = {}): Promise<Comparison> {
  const { snapshot, newRuns = [], mayBeEmpty = [], ignore = {}, limit = 100 } = options;
  return runPython<Comparison>('compare.py', {
    source: { url: libpqUrl(source.databaseUrl), fernetKey: source.fernetKey }, target: { url: libpqUrl(target.databaseUrl), fernetKey: target.fernetKey },
    snapshot: snapshot?.toISOString() ?? null, newRuns, mayBeEmpty, ignore, limit,
  });
}

export type Fingerprint = Readonly<Record<string, Readonly<{ rows: number; hash: string }>>>;

/** Equal before and after: no row of the moved tables was written, removed or rewritten (not even with equal values). */
export function fingerprint(databaseUrl: string): Promise<Fingerprint> {
  return runPython<Fingerprint>('fingerprint.py', { url: libpqUrl(databaseUrl) });
}

/** DAGs that the scheduler would run, ordered by id, without the migration's own. */
export async function activeDags(databaseUrl: string): Promise<readonly string[]> {
  const rows = await query<[string]>(databaseUrl,
    String.raw`SELECT dag_id FROM dag WHERE is_active AND NOT is_paused AND dag_id NOT LIKE 'db\_export%' AND dag_id NOT LIKE 'db\_import%' ORDER BY dag_id COLLATE "C"`);
  return rows.map(([dagId]) => dagId);
}
