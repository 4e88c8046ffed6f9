/** What the page at the gate tells of an export beyond its tables. Pure. */
import type { InFlightRun } from '../airflow/protocol.js';
import type { Manifest } from '../metadata/manifest.js';

export type InFlightShown = Readonly<{
  all: number;
  fates: readonly Readonly<{ fate: InFlightRun['fate']; runs: number }>[];
  /** Tasks that wait in the triggerer, as "dag / run: task": they would submit their external job a second time. */
  deferred: readonly Readonly<{ dagId: string; runId: string; tasks: readonly string[] }>[];
}>;

export function inFlightNow({ inFlight }: Pick<Manifest, 'inFlight'>): InFlightShown {
  const fates = [...new Set(inFlight.map(({ fate }) => fate))].map((fate) => ({ fate, runs: inFlight.filter((run) => run.fate === fate).length }));
  return { all: inFlight.length, fates, deferred: inFlight.filter(({ deferred }) => deferred.length > 0).map(({ dagId, runId, deferred }) => ({ dagId, runId, tasks: deferred })) };
}
