/** Inputs of the phases that only a workflow of several jobs has: start, gate and watch, and what they hand to the others; and whom to trust with what. */
import type { InputName } from './interface.js';

export type GateInputs = Readonly<{
  /** environment: reviewers of `environment`. dispatch: a person who starts the workflow again, naming both digests. */
  by: 'environment' | 'dispatch';
  environment: string;
  timeoutMinutes: number;
  allowUnprotected: boolean;
  /** Environment of a second gate, before cutover; undefined: none. */
  cutoverEnvironment?: string | undefined;
  /** Environment of the jobs that change things; undefined: not looked at. */
  workEnvironment?: string | undefined;
}>;
export type ChainInputs = Readonly<{ pause: 'after-gate' | 'before-gate'; from: string | undefined; only: readonly string[]; }>;
export type WorkflowInputs = Readonly<{ gate: GateInputs; chain: ChainInputs; requireApproval: boolean; /** toJSON(needs); undefined: none. */ jobs: string | undefined; allowedAccountIds: readonly string[]; /** Sessions may do only what their phase does. */ narrowsSessions: boolean }>;

/** A job of GitHub's own runners ends at 360 minutes; the watch must come before. */
const GATE_MINUTES = { least: 5, most: 330 };
const ROLES = ['plan-role', 'target-plan-role', 'source-role', 'target-role'] as const;
const ONLY_FOR = {
  'require-approval': ['export', 'import', 'cutover'], gate: ['start', 'gate', 'watch'], 'gate-environment': ['start', 'gate', 'watch'], 'gate-timeout-minutes': ['start', 'gate', 'watch'], 'cutover-environment': ['start', 'cutover'],
  'work-environment': ['start'], 'allow-unprotected-gate': ['start', 'gate'], pause: ['start'], from: ['start'], only: ['start'], jobs: ['status'],
} as const satisfies Partial<Record<InputName, readonly string[]>>;

type Reader = Readonly<{
  read: (name: InputName) => string;
  /** False: left empty, or as it is when nobody gives it. */
  isGiven: (name: InputName) => boolean;
  must: (isRight: boolean, problem: string) => void;
}>;

export function readWorkflowInputs({ read, isGiven, must }: Reader, phase: string | undefined): WorkflowInputs {
  const list = (name: InputName): readonly string[] => read(name).split(',').map((one) => one.trim()).filter(Boolean);
  const flag = (name: InputName): boolean => {
    const value = read(name).toLowerCase();
    must(value === 'true' || value === 'false', `${name}: "${read(name)}" is neither true nor false`);
    return value === 'true';
  };
  if (phase) for (const [name, allowed] of Object.entries(ONLY_FOR) as readonly [keyof typeof ONLY_FOR, readonly string[]][])
    must(!isGiven(name) || allowed.includes(phase), `phase, ${name}: only ${allowed.map((one) => `"${one}"`).join(', ')} ${allowed.length === 1 ? 'takes' : 'take'} it, "${phase}" does not`);

  const by = read('gate'), pause = read('pause');
  must(by === 'environment' || by === 'dispatch', `gate: "${by}" is neither environment nor dispatch`);
  must(pause === 'after-gate' || pause === 'before-gate', `pause: "${pause}" is neither after-gate nor before-gate`);
  const environment = read('gate-environment');
  // GitHub's own rule: https://docs.github.com/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments
  for (const name of ['gate-environment', 'cutover-environment', 'work-environment'] as const) must(read(name).length <= 255, `${name}: a name has at most 255 characters`);
  const timeoutMinutes = Number(read('gate-timeout-minutes'));
  must(Number.isInteger(timeoutMinutes) && timeoutMinutes >= GATE_MINUTES.least && timeoutMinutes <= GATE_MINUTES.most,
    `gate-timeout-minutes: "${read('gate-timeout-minutes')}" is not a whole number from ${GATE_MINUTES.least} to ${GATE_MINUTES.most}`);
  const accounts = list('allowed-account-ids');
  for (const one of accounts) must(/^\d{12}$/u.test(one), `allowed-account-ids: "${one}" is not the number of an AWS account (12 digits; quote it in YAML)`);
  if (accounts.length > 0) for (const name of ROLES) {
    const role = read(name);
    must(!/^arn:/u.test(role) || accounts.includes(role.split(':')[4] ?? ''), `allowed-account-ids, ${name}: ${role} is not of account ${accounts.join(' or ')}`);
  }
  const sessionPolicy = read('session-policy');
  must(sessionPolicy === 'phase' || sessionPolicy === 'none', `session-policy: "${sessionPolicy}" is neither phase nor none`);
  return {
    gate: { by: by === 'dispatch' ? 'dispatch' : 'environment', environment, timeoutMinutes, allowUnprotected: flag('allow-unprotected-gate'), cutoverEnvironment: read('cutover-environment') || undefined, workEnvironment: read('work-environment') || undefined },
    chain: { pause: pause === 'before-gate' ? 'before-gate' : 'after-gate', from: read('from') || undefined, only: list('only') },
    requireApproval: flag('require-approval'),
    jobs: read('jobs') || undefined,
    allowedAccountIds: accounts,
    narrowsSessions: sessionPolicy !== 'none',
  };
}
