import type { Phase } from '../inputs.js';
import type { Context, PhaseResult } from '../ports.js';
import { commentingFailure } from './comment.js';
import { checkWorkflow } from './check.js';
import { createEnvironment } from './create.js';
import { cutOver } from './cutover.js';
import { exportMetadata } from './export.js';
import { passGate } from './gate.js';
import { importMetadata } from './import.js';
import { planMigration } from './plan.js';
import { copyResources } from './resources.js';
import { rollBack } from './rollback.js';
import { startWorkflow } from './start.js';
import { showStatus } from './status.js';
import { verifyMetadata } from './verify.js';
import { watchGate } from './watch.js';

/** A phase that is absent here is not in this release; main() says so. */
export const phases: Readonly<Partial<Record<Phase, (context: Context) => Promise<PhaseResult>>>> = {
  check: checkWorkflow,
  plan: commentingFailure(planMigration),
  resources: copyResources,
  create: createEnvironment,
  export: exportMetadata,
  import: importMetadata,
  verify: verifyMetadata,
  cutover: cutOver,
  rollback: rollBack,
  status: showStatus,
  start: startWorkflow,
  gate: passGate,
  watch: watchGate,
};
