/** The report of phase check, as input check-report gives it to phase plan. */
import type { CheckReport } from '../check/check-report.js';
import { readCheckReport } from '../check/read-check-report.js';
import { UserError } from '../errors.js';
import type { Context } from '../ports.js';

/** refused: a file was named, and it is none of ours. */
export type CheckInput = Readonly<{ report: CheckReport | undefined; isRefused: boolean }>;

/** A plan goes on without a report: whoever can put something else in its place must not be able to take the plan from its readers. */
export async function takeCheckReport({ inputs, log }: Pick<Context, 'inputs' | 'log'>): Promise<CheckInput> {
  if (inputs.checkReport === undefined) return { report: undefined, isRefused: false };
  try {
    return { report: await readCheckReport(inputs.checkReport), isRefused: false };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    log.warn(`The plan is made without what phase check found: ${error.what} ${error.fix}`);
    return { report: undefined, isRefused: true };
  }
}
