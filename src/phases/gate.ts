import type { Context, PhaseResult } from '../ports.js';
import { askForApproval } from './gate-ask.js';
import { recordApproval } from './gate-record.js';

/** The gate between what was exported and what is done with it. `ask` shows and changes nothing; `record` writes into the journal who approved. */
export const passGate = async (context: Context): Promise<PhaseResult> => (context.inputs.gateMode === 'record' ? await recordApproval(context) : await askForApproval(context));
