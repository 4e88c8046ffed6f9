import { changesSomething, chooseJobs, needsGate, type Chain } from '../gate/chain.js';
import { approversMayStart, requireApprovers, requirePeople } from '../gate/dispatch.js';
import { requireDefaultBranch } from '../gate/place.js';
import { requireProtected, type GateStand } from '../gate/protection.js';
import { requireOwnEnvironment, requireUnattended } from '../gate/work-environment.js';
import type { Context, PhaseResult } from '../ports.js';
import { startReport, type Gates } from '../report/gate-start.js';
import { requireGatekeeper } from './gate-keeper.js';
import { resultOf } from './result.js';

export type StartContext = Pick<Context, 'inputs' | 'file' | 'log' | 'github'>;

/** Chooses the jobs of this workflow run, and refuses a run that could not pass its gates. Asks GitHub and nobody else, so that a mistake costs seconds. */
export async function startWorkflow(context: StartContext): Promise<PhaseResult> {
  const { inputs: { workflow }, file, log } = context;
  const chain = chooseJobs(workflow);
  // What only looks may be run from any branch, and without asking GitHub.
  const isChanging = changesSomething(chain);
  const gates = isChanging ? await lookAtGates(context, chain) : {};
  for (const warning of [gates.first, gates.second, gates.work].flatMap((stand) => stand?.warnings ?? [])) log.warn(warning);
  log.info(`Jobs of this run: ${chain.jobs.join(', ')}.`);
  return resultOf(`mwaa-migrate: start of ${file.id}`, startReport({ file, chain, workflow, isChanging, gates }), {
    'migration-id': file.id, 'target-environment': file.target.environment, jobs: JSON.stringify(chain.jobs),
  });
}

/** Before anything is changed: an environment without protection would be found out when the source is paused, or not at all. */
async function lookAtGates({ inputs: { workflow: { gate } }, file, github }: StartContext, chain: Chain): Promise<Gates> {
  const gatekeeper = requireGatekeeper(github);
  const defaultBranch = await gatekeeper.defaultBranch();
  const run = await github.run();
  requireDefaultBranch(run, defaultBranch);
  if (gate.workEnvironment !== undefined) requireOwnEnvironment(gate.workEnvironment, gate);
  const work = gate.workEnvironment === undefined ? undefined : requireUnattended(await gatekeeper.protection(gate.workEnvironment), gate.workEnvironment, defaultBranch);
  const look = async (environment: string): Promise<GateStand> => requireProtected(await gatekeeper.protection(environment), { environment, allowUnprotected: gate.allowUnprotected }, defaultBranch);
  const second = chain.jobs.includes('cutover-gate') && gate.cutoverEnvironment !== undefined ? await look(gate.cutoverEnvironment) : undefined;
  if (!needsGate(chain)) return { second, work };
  if (gate.by === 'environment') return { first: await look(gate.environment), second, work };
  requireApprovers(file.approvers);
  if (chain.jobs.includes('rehearse')) requirePeople(run.startedBy, undefined);
  if (chain.jobs.includes('gate')) approversMayStart(run, file.approvers, defaultBranch);
  return { first: { isProtected: true, reviewers: file.approvers, warnings: file.approvers.length > 1 ? [] : ['The list "approvers" of the migration file has one name: who is on it cannot approve an export that they started.'] }, second, work };
}
