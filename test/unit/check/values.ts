/** One valid value of each kind that phase check hands on. */
import type { CheckFinding, CheckReport, CheckedDag } from '../../../src/check/check-report.js';
import type { LoadedDag, LoadedFile } from '../../../src/check/load-messages.js';

export const aFinding = (given: Partial<CheckFinding> = {}): CheckFinding => ({
  code: 'import-error', level: 'error', file: 'dags/sales.py', line: 3, dagId: undefined, what: 'sales.py does not load', why: undefined, fix: 'repair it', replacement: undefined, ...given,
});

export const aCheckReport = (given: Partial<CheckReport> = {}): CheckReport => ({
  schema: 1, migrationId: 'a-to-b', versions: { source: '2.7.2', target: '2.10.3', python: '3.11' }, counts: { dagFiles: 2, dags: 1, requirements: 0, plugins: 0 },
  findings: [aFinding()], dags: [aCheckedDag()], notChecked: [], ...given,
});

export const aCheckedDag = (given: Partial<CheckedDag> = {}): CheckedDag => ({
  dagId: 'sales', file: 'dags/sales.py', schedule: { source: undefined, target: '@daily' }, nextRun: { source: undefined, target: null }, interval: undefined, catchup: undefined, isPausedUponCreation: undefined, ...given,
});

export const aLoadedDag = (given: Partial<LoadedDag> = {}): LoadedDag => ({
  dagId: 'sales', schedule: '@daily', nextRun: null, interval: null, catchup: undefined, isSubDag: false, seeds: [], runs: [], isPausedUponCreation: undefined, tasks: 1, roles: [], ...given,
});

export const aLoadedFile = (given: Partial<LoadedFile> = {}): LoadedFile => ({ kind: 'file', file: 'sales.py', outcome: 'loaded', status: undefined, tail: '', standIn: undefined, errors: [], dags: [], reads: [], cut: { errors: 0, dags: 0 }, ...given });
