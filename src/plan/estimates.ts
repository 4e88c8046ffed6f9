/**
 * How much there is to move and how long it takes, as ranges: the source's lists give two numbers, everything else is a factor.
 * The factors come from docs/reference/benchmarks.md, measured on two busy cores; an environment may be faster or a few times slower.
 */
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { Observations } from './observations.js';
import type { Road } from './road.js';

/** Both ends included. */
export type Range = Readonly<{ from: number; to: number }>;

/** undefined: the counts that it rests on could not be had. Minutes are rounded up to whole ones. */
export type Estimates = Readonly<{
  rows: Range | undefined;
  /** Compressed, as it lies in the migration bucket. */
  bytes: Range | undefined;
  exportMinutes: Range | undefined;
  importMinutes: Range | undefined;
  /** Between the pause of the source and the cutover: the drain, then the work. Without approvals and whatever else people do. */
  drainMinutes: Range;
  pauseMinutes: Range | undefined;
  /** AWS's own work, which no pause waits for unless the road has a step in place. */
  createMinutes: Range;
  upgradeMinutes: Range | undefined;
}>;

/** `import` of 400,000 rows: 21.8 to 48.1 s; `export`: 6.1 s. The upper end lets an environment with a small class be four times slower. */
const EXPORT_ROWS_PER_SECOND: Range = { from: 16_000, to: 65_000 }, IMPORT_ROWS_PER_SECOND: Range = { from: 4_000, to: 18_000 };
/** `export`, column mib: the bench's short rows are the lower end; XComs and rendered fields of real work are longer. */
const BYTES_PER_ROW: Range = { from: 20, to: 200 };
/** Minutes from the order to the first row: the scheduler has to find our DAG file (folder scans of up to 5 minutes) and start the task. */
const START_MINUTES: Range = { from: 1, to: 7 };
/** Commands during the pause: export, keypair and preflight come before it or share their DAG file; import, verify, activate follow. */
const STARTS_IN_PAUSE = 2;
/** https://docs.aws.amazon.com/mwaa/latest/userguide/create-environment.html: 20 to 30 minutes; with an own VPC endpoint or a slow installation more. */
const CREATE_MINUTES: Range = { from: 20, to: 40 };
/** https://docs.aws.amazon.com/mwaa/latest/userguide/upgrading-environment.html: out of service for up to two hours. */
const UPGRADE_MINUTES: Range = { from: 30, to: 120 };

type Counts = Pick<Observations['counts'], 'dagRuns' | 'taskInstances'>;

/** Pure; what was not counted gives undefined. */
export function estimate(counts: Counts, { metadata, drain }: Pick<MigrationFile, 'metadata' | 'drain'>, road: Pick<Road, 'upgrades'>): Estimates {
  const rows = rowsOf(counts, metadata);
  const exportMinutes = rows && minutes(rows, EXPORT_ROWS_PER_SECOND), importMinutes = rows && minutes(rows, IMPORT_ROWS_PER_SECOND);
  const drainMinutes = { from: 0, to: drain.timeoutMinutes + drain.taskMinutes };
  const upgradeMinutes = road.upgrades.length === 0 ? undefined : times(UPGRADE_MINUTES, road.upgrades.length);
  return {
    rows, bytes: rows && { from: rows.from * BYTES_PER_ROW.from, to: rows.to * BYTES_PER_ROW.to }, exportMinutes, importMinutes, drainMinutes,
    pauseMinutes: exportMinutes && importMinutes && sum([drainMinutes, exportMinutes, importMinutes, times(START_MINUTES, STARTS_IN_PAUSE), ...(upgradeMinutes ? [upgradeMinutes] : [])]),
    createMinutes: CREATE_MINUTES, upgradeMinutes,
  };
}

/**
 * At least the runs and task instances themselves. At most one XCom, one row of rendered fields and two of the audit log more for each task
 * instance. A filter on days only lowers that, by an amount that the lists do not tell.
 */
function rowsOf({ dagRuns, taskInstances }: Counts, metadata: MigrationFile['metadata']): Range | undefined {
  if (dagRuns === undefined || taskInstances === undefined) return undefined;
  const each = (metadata.xcom ? 1 : 0) + 1 + (metadata.auditLogDays === 0 ? 0 : 2);
  return { from: metadata.historyDays === 'all' ? dagRuns + taskInstances : 0, to: dagRuns + taskInstances * (1 + each) };
}

const minutes = (rows: Range, perSecond: Range): Range => ({ from: Math.ceil(rows.from / perSecond.to / 60), to: Math.ceil(rows.to / perSecond.from / 60) });
const times = ({ from, to }: Range, count: number): Range => ({ from: from * count, to: to * count });
const sum = (ranges: readonly Range[]): Range => ({ from: ranges.reduce((all, { from }) => all + from, 0), to: ranges.reduce((all, { to }) => all + to, 0) });
