/** The step's inputs, checked. They come from the JSON in MWAA_INPUTS and from nowhere else, so that no runner can hide a forgotten mapping. */
import { UserError } from './errors.js';
import { INPUT_DEFAULTS, type InputName } from './interface.js';
import { didYouMean } from './suggest.js';
import { readWorkflowInputs, type WorkflowInputs } from './workflow-inputs.js';

export const PHASES = ['check', 'plan', 'resources', 'create', 'export', 'import', 'logs', 'verify', 'upgrade', 'cutover', 'rollback', 'cleanup', 'status', 'start', 'gate', 'watch'] as const;
export type Phase = (typeof PHASES)[number];

/** Inputs after validation; absence is undefined. Names as in action.yml, in camel case. */
export type Inputs = Readonly<{
  phase: Phase;
  config: string;
  /** rehearsal wherever the phase is not export. */
  mode: 'rehearsal' | 'final';
  /** ask wherever the phase is not gate. */
  gateMode: 'ask' | 'record';
  /** Only for rollback: begun by a workflow, not by a person. */
  isAutomatic: boolean;
  attempt: number | undefined;
  planRole: string | undefined;
  /** Looks at the target in the place of planRole, where the target is in another account. */
  targetPlanRole: string | undefined;
  sourceRole: string | undefined;
  targetRole: string | undefined;
  approvedPlan: string | undefined;
  approvedManifest: string | undefined;
  dryRun: boolean;
  githubToken: string | undefined;
  /** Number; undefined: that of the event, if it has one. */
  pullRequest: number | undefined;
  /** Path of phase check's report, for phase plan. */
  checkReport: string | undefined;
  timeoutMinutes: number;
  workflow: WorkflowInputs;
}>;

const NAMES = Object.keys(INPUT_DEFAULTS) as readonly InputName[];
const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/u;
const DIGEST = /^[0-9a-f]{64}$/u;
/** Five days: the longest job, on an own runner (https://docs.github.com/actions/reference/limits). */
const MAX_TIMEOUT_MINUTES = 7_200;
const WITHOUT_PLAN: readonly Phase[] = ['check', 'status', 'start', 'watch'];
const WITH_ATTEMPT: readonly Phase[] = ['import', 'logs', 'verify', 'upgrade', 'cutover', 'rollback', 'cleanup', 'status', 'gate', 'watch'];
const MODES: Readonly<Partial<Record<Phase, readonly string[]>>> = { export: ['rehearsal', 'final'], gate: ['ask', 'record'], rollback: ['automatic'] };

/** The phase that the inputs name, right or wrong as the rest of them is; undefined: they name none. */
export function claimedPhase(json: string | undefined): Phase | undefined {
  const value = json ? parseJson(json) : undefined;
  const name = typeof value === 'object' && value !== null && 'phase' in value ? String(value.phase).trim() : undefined;
  return PHASES.find((known) => known === name);
}

/**
 * @param json the value of MWAA_INPUTS: one object of texts, as toJSON(inputs) gives it
 * @throws UserError with every mistake at once
 */
export function readInputs(json: string | undefined): Inputs {
  const given = parse(json);
  // An input given as '' is one that was not given: workflows pass empty variables on.
  const read = (name: InputName): string => given[name]?.trim() || INPUT_DEFAULTS[name];
  const problems: string[] = Object.keys(given)
    .filter((name) => !NAMES.some((known) => known === name))
    .map((name) => `${name}: there is no such input${didYouMean(name, NAMES)}`);
  const must = (isRight: boolean, problem: string): void => {
    if (!isRight) problems.push(problem);
  };

  const phase = PHASES.find((known) => known === read('phase'));
  must(phase !== undefined, read('phase') === '' ? `phase: it is required, one of ${PHASES.join(', ')}` : `phase: "${read('phase')}" is no phase${didYouMean(read('phase'), PHASES)}; known: ${PHASES.join(', ')}`);

  const mode = read('mode');
  const modes = phase && MODES[phase];
  if (phase && !modes) must(mode === '', `phase, mode: only ${Object.keys(MODES).map((one) => `"${one}"`).join(', ')} have a mode, "${phase}" has none`);
  else must(mode === '' || (modes ?? Object.values(MODES).flat()).includes(mode), modes?.length === 1 ? `mode: "${mode}" is not ${modes[0]}` : `mode: "${mode}" is neither ${(modes ?? ['rehearsal', 'final']).join(' nor ')}`);

  const attempt = read('attempt') === '' ? undefined : Number(read('attempt'));
  must(attempt === undefined || (Number.isInteger(attempt) && attempt >= 1), `attempt: "${read('attempt')}" is not a whole number from 1`);
  if (phase === 'export') must(attempt === undefined, 'phase, attempt: "export" takes the next number itself, or goes on with the attempt that was interrupted');
  else if (phase) must(attempt === undefined || WITH_ATTEMPT.includes(phase), `phase, attempt: "${phase}" belongs to no attempt`);

  for (const name of ['plan-role', 'target-plan-role', 'source-role', 'target-role'] as const) {
    const role = read(name);
    must(role === '' || ROLE_ARN.test(role), `${name}: "${role}" is no role ARN (arn:aws:iam::<account>:role/<name>)`);
    must(role === '' || phase !== 'check', `phase, ${name}: "check" runs DAG code, which must not meet AWS credentials`);
  }

  const approvedPlan = read('approved-plan');
  must(approvedPlan === '' || DIGEST.test(approvedPlan), 'approved-plan: it is no digest of 64 hexadecimal digits; give the output plan-digest of phase plan');
  if (phase === 'plan') must(approvedPlan === '', 'phase, approved-plan: "plan" makes the digest and takes none');
  else if (phase) must(approvedPlan === '' || !WITHOUT_PLAN.includes(phase), `phase, approved-plan: "${phase}" changes nothing, so there is nothing to approve`);
  if (phase === 'rollback') must(approvedPlan === '', 'phase, approved-plan: "rollback" goes back to what was recorded, whatever the plan is by now');
  const approvedManifest = read('approved-manifest');
  must(approvedManifest === '' || DIGEST.test(approvedManifest), 'approved-manifest: it is no digest of 64 hexadecimal digits; give the output manifest-digest of phase export');
  if (phase) must(approvedManifest === '' || phase === 'import' || phase === 'gate', `phase, approved-manifest: only "import" and "gate" compare it, "${phase}" does not`);

  const pullRequest = read('pull-request') === '' ? undefined : Number(read('pull-request'));
  must(pullRequest === undefined || (Number.isSafeInteger(pullRequest) && pullRequest >= 1), `pull-request: "${read('pull-request')}" is not the number of a pull request`);
  for (const name of ['pull-request', 'check-report'] as const) if (phase) must(read(name) === '' || phase === 'plan', `phase, ${name}: only "plan" takes it, "${phase}" does not`);

  const dryRun = read('dry-run').toLowerCase();
  must(dryRun === 'true' || dryRun === 'false', `dry-run: "${read('dry-run')}" is neither true nor false`);
  const timeoutMinutes = Number(read('timeout-minutes'));
  must(timeoutMinutes >= 1 && timeoutMinutes <= MAX_TIMEOUT_MINUTES, `timeout-minutes: "${read('timeout-minutes')}" is not a number from 1 to ${MAX_TIMEOUT_MINUTES}`);

  const isGiven = (name: InputName): boolean => read(name) !== INPUT_DEFAULTS[name];
  const workflow = readWorkflowInputs({ read, isGiven, must }, phase);

  if (!phase || problems.length > 0)
    throw new UserError(
      `Invalid inputs:\n  - ${problems.join('\n  - ')}`,
      'a guess could act with the wrong role or on the wrong environment, so nothing was called.',
      'correct the "with:" block of the step; docs/reference/inputs.md describes every input.',
    );
  return Object.freeze({
    phase,
    config: read('config'),
    mode: mode === 'final' ? 'final' : 'rehearsal',
    gateMode: mode === 'record' ? 'record' : 'ask',
    isAutomatic: mode === 'automatic',
    attempt,
    planRole: read('plan-role') || undefined,
    targetPlanRole: read('target-plan-role') || undefined,
    sourceRole: read('source-role') || undefined,
    targetRole: read('target-role') || undefined,
    approvedPlan: approvedPlan || undefined,
    approvedManifest: approvedManifest || undefined,
    dryRun: dryRun === 'true',
    githubToken: read('github-token') || undefined,
    pullRequest,
    checkReport: read('check-report') || undefined,
    timeoutMinutes,
    workflow,
  });
}

function parse(json: string | undefined): Readonly<Record<string, string>> {
  const value = json ? parseJson(json) : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(
      `MWAA_INPUTS ${json ? 'is no JSON object' : 'is not set'}.`,
      'the action passes its inputs in this variable; without it nothing says what to do.',
      'use the action by "uses:", or by hand: MWAA_INPUTS=\'{"phase":"status"}\' node dist/index.js',
    );
  // By hand, numbers and booleans are natural; GitHub gives texts only.
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, entry === null || entry === undefined ? '' : String(entry)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Reported by the caller; the text itself is not, for it holds the token.
    return undefined;
  }
}
