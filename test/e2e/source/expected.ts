/** What a finished history holds, by DAG; the maker waits for exactly this, and tests compare what arrives with it. */
export type ExpectedDag = Readonly<{
  dagId: string;
  /** Runs by `run_type`, all finished. */
  runs: Readonly<Record<string, number>>;
  /** Unpaused when the history is finished: what cutover has to activate. */
  active: boolean;
}>;

export const EXPECTED: readonly ExpectedDag[] = [
  { dagId: 'backfilled', runs: { backfill: 3 }, active: false },
  { dagId: 'daily_sales', runs: { scheduled: 20 }, active: true },
  { dagId: 'manual_reports', runs: { manual: 3 }, active: true },
  { dagId: 'mapped_tasks', runs: { scheduled: 1 }, active: true },
  { dagId: 'monthly_snapshot', runs: { scheduled: 1 }, active: true },
  { dagId: 'never_started', runs: {}, active: false },
  { dagId: 'task_outcomes', runs: { scheduled: 2 }, active: false },
  { dagId: 'wide_ledger', runs: { scheduled: 30 }, active: true },
];

export const ACTIVE_DAGS: readonly string[] = EXPECTED.filter(({ active }) => active).map(({ dagId }) => dagId);

/** The interval that daily_sales runs next once its last day is moved on: see dailySalesUntil. */
export const NEXT_INTERVAL = {
  dagId: 'daily_sales', lastDay: '2026-06-21', runId: 'scheduled__2026-06-21T00:00:00+00:00',
  start: '2026-06-21T00:00:00+00:00', end: '2026-06-22T00:00:00+00:00',
} as const;

/** Started by hand, in this order. A run id may hold anything once `scheduler.allowed_run_id_pattern` allows it. */
export const MANUAL_RUNS: readonly Readonly<{ runId: string; conf: Readonly<Record<string, unknown>> }>[] = [
  { runId: 'manual__plain', conf: {} },
  { runId: 'Umsätze März 2026 – 2. Lauf 漢字', conf: { größe: { ключ: ['a', { b: null, c: [1.5, true, ''] }] }, quotes: '"\'\\N\r\n\\.' } },
  { runId: 'report "März" \'q\'', conf: { empty: '', large: 'x'.repeat(5000) } },
];

export const BACKFILL = { dagId: 'backfilled', from: '2026-03-03', to: '2026-03-05' } as const;

/** Task instances the real scheduler makes at least (wide_ledger alone: 30 runs × 100). */
export const LEAST_TASK_INSTANCES = 3000;
