import { describe, expect, it } from '@jest/globals';
import { estimate } from '../../../src/plan/estimates.js';
import { aMigrationFile } from '../../builders/values.js';

const file = (metadata = {}) => aMigrationFile({ metadata: { xcom: true, auditLogDays: 30, historyDays: 'all', ...metadata }, drain: { timeoutMinutes: 60, taskMinutes: 30 } });
const direct = { upgrades: [] }, over = { upgrades: ['3.3.1'] };

describe('estimates', () => {
  it('are ranges over the counts, and the pause is drain and work together', () => {
    // One million task instances: 1.1 to 5.1 million rows; 65,000 and 16,000 a second out, 18,000 and 4,000 in; two starts of 1 to 7 minutes.
    expect(estimate({ dagRuns: 100_000, taskInstances: 1_000_000 }, file(), direct)).toEqual({
      rows: { from: 1_100_000, to: 5_100_000 }, bytes: { from: 22_000_000, to: 1_020_000_000 }, exportMinutes: { from: 1, to: 6 }, importMinutes: { from: 2, to: 22 },
      drainMinutes: { from: 0, to: 90 }, pauseMinutes: { from: 5, to: 132 }, createMinutes: { from: 20, to: 40 }, upgradeMinutes: undefined,
    });
  });

  it.each([
    { what: 'without XComs', given: { xcom: false }, rows: { from: 1100, to: 4100 } },
    { what: 'without the audit log', given: { auditLogDays: 0 }, rows: { from: 1100, to: 3100 } },
    { what: 'of some days only: nobody knows how many', given: { historyDays: 30 }, rows: { from: 0, to: 5100 } },
  ])('$what', ({ given, rows }) => expect(estimate({ dagRuns: 100, taskInstances: 1000 }, file(given), direct).rows).toEqual(rows));

  it('hold the step in place, for the source stands still meanwhile', () => {
    const without = estimate({ dagRuns: 1, taskInstances: 1 }, file(), direct).pauseMinutes, step = estimate({ dagRuns: 1, taskInstances: 1 }, file(), over);
    expect(step.upgradeMinutes).toEqual({ from: 30, to: 120 });
    expect(step.pauseMinutes).toEqual({ from: (without?.from ?? 0) + 30, to: (without?.to ?? 0) + 120 });
  });

  it.each([{ dagRuns: undefined, taskInstances: 5 }, { dagRuns: 5, taskInstances: undefined }])('are unknown where a count is: $dagRuns, $taskInstances', (counts) =>
    expect(estimate(counts, file(), direct)).toMatchObject({ rows: undefined, bytes: undefined, exportMinutes: undefined, importMinutes: undefined, pauseMinutes: undefined, createMinutes: { from: 20, to: 40 } }));

  it('are nothing for nothing', () => expect(estimate({ dagRuns: 0, taskInstances: 0 }, file(), direct)).toMatchObject({ rows: { from: 0, to: 0 }, exportMinutes: { from: 0, to: 0 } }));
});
