import type { Phase } from '../inputs.js';
import type { Context, PhaseResult } from '../ports.js';

/** A phase that is absent here is not in this release; main() says so. */
export const phases: Readonly<Partial<Record<Phase, (context: Context) => Promise<PhaseResult>>>> = {};
