/**
 * The text of migrate.yml and rollback.yml: what act does not look at. Lists are frozen: whoever changes a right, an environment or a group changes
 * them here too, and is seen doing it. What GitHub itself does with them (waiting for a reviewer, refusing a token) no test here can show.
 */
import { describe, expect, it } from '@jest/globals';
import { evaluate } from './job-graph.js';
import { phaseOf, workflowOf } from './workflow-file.js';

const migrate = workflowOf('migrate.yml'), rollback = workflowOf('rollback.yml');
const LOOKS = { contents: 'read', 'id-token': 'write' }, ASKS = { actions: 'read', ...LOOKS };
const PREPARE = 'migration-prepare', REVIEWED = 'migration-production', SECOND = 'second-gate';

const of = <T>(value: (id: string) => T): Readonly<Record<string, T>> => Object.fromEntries(Object.keys(migrate.jobs).map((id) => [id, value(id)]));
const environments = (given: Readonly<Record<string, string>>) => {
  const defaults = Object.fromEntries(Object.entries(migrate.on.workflow_call.inputs).map(([name, { default: value }]) => [name, value]));
  return of((id) => evaluate(migrate.jobs[id]?.environment ?? "''", { inputs: { ...defaults, 'cutover-environment': SECOND, ...given }, needs: [], results: {}, outputs: {}, ancestors: [], isCancelled: false }));
};

describe('migrate.yml', () => {
  it('gives each job these rights and no others', () =>
    expect(of((id) => migrate.jobs[id]?.permissions)).toEqual({
      start: { actions: 'read', contents: 'read' }, check: { contents: 'read' }, plan: LOOKS, resources: LOOKS, create: LOOKS, 'pause-first': LOOKS, rehearse: LOOKS, ask: ASKS, gate: ASKS, watch: ASKS,
      export: LOOKS, import: LOOKS, verify: LOOKS, 'cutover-gate': ASKS, 'cutover-watch': ASKS, cutover: LOOKS, 'watch-rollback': LOOKS, 'cutover-watch-rollback': LOOKS, rollback: LOOKS, finish: ASKS,
    }));

  it('gives each job these roles and no others: the source and the target role only where something is changed', () =>
    expect(of((id) => Object.keys(phaseOf(migrate.jobs[id]).with).filter((name) => name.endsWith('-role')).join(' '))).toEqual({
      start: '', check: '', plan: 'plan-role target-plan-role', resources: 'source-role target-role', create: 'source-role target-role', 'pause-first': 'source-role target-role', rehearse: 'source-role target-role',
      ask: 'plan-role target-plan-role', gate: 'source-role', watch: 'source-role target-role', export: 'source-role target-role', import: 'source-role target-role', verify: 'source-role target-role',
      'cutover-gate': 'source-role', 'cutover-watch': 'source-role target-role', cutover: 'source-role target-role', 'watch-rollback': 'source-role target-role', 'cutover-watch-rollback': 'source-role target-role', rollback: 'source-role target-role', finish: 'plan-role target-plan-role',
    }));

  it('names the environment with reviewers on the gate and nowhere else: each job that names one waits for an approval of its own', () => {
    const same = { start: '', check: '', plan: '', resources: PREPARE, create: PREPARE, 'pause-first': PREPARE, rehearse: PREPARE, ask: '', watch: PREPARE, export: PREPARE, import: PREPARE, verify: PREPARE, 'cutover-gate': SECOND, 'cutover-watch': PREPARE, cutover: PREPARE, 'watch-rollback': PREPARE, 'cutover-watch-rollback': PREPARE, rollback: PREPARE, finish: '' };
    expect(environments({})).toEqual({ ...same, gate: REVIEWED });
    // Nobody reviews there; the source role trusts the job for its environment.
    expect(environments({ gate: 'dispatch' })).toEqual({ ...same, gate: PREPARE });
    // Empty names no environment at all on GitHub: the job would begin at once.
    expect(environments({ 'gate-environment': '' })['gate']).toBe(REVIEWED);
  });

  it('runs the jobs that change something one at a time, and cancels none that runs; the gates and the way back hold no group', () => {
    const grouped = ['resources', 'create', 'pause-first', 'rehearse', 'export', 'import', 'verify', 'cutover'];
    expect(migrate.concurrency).toBeUndefined();
    expect(of((id) => migrate.jobs[id]?.concurrency)).toEqual(of((id) => (grouped.includes(id) ? { group: 'mwaa-migrate-${{ inputs.config }}', 'cancel-in-progress': false } : undefined)));
  });

  it('asks for an approval wherever the source is paused after the gate, imported or cut over', () =>
    expect(of((id) => phaseOf(migrate.jobs[id]).with['require-approval'])).toEqual({ ...of(() => undefined), export: 'true', import: 'true', cutover: 'true' }));

  it('tells cutover of the second gate, so that no run passes it unseen', () => expect(phaseOf(migrate.jobs['cutover']).with['cutover-environment']).toBe('${{ inputs.cutover-environment }}'));

  it('runs these phases', () =>
    expect(of((id) => [phaseOf(migrate.jobs[id]).with['phase'], phaseOf(migrate.jobs[id]).with['mode']].filter(Boolean).join(' '))).toEqual({
      start: 'start', check: 'check', plan: 'plan', resources: 'resources', create: 'create', 'pause-first': 'export final', rehearse: 'export rehearsal', ask: 'gate ask', gate: 'gate record', watch: 'watch',
      export: 'export final', import: 'import', verify: 'verify', 'cutover-gate': 'gate record', 'cutover-watch': 'watch', cutover: 'cutover', 'watch-rollback': 'rollback automatic', 'cutover-watch-rollback': 'rollback automatic', rollback: 'rollback automatic', finish: 'status',
    }));

  it('lets phase start choose every job but itself, the way back and the last word (test/contract/gate holds the phase to these ids)', () => {
    for (const id of Object.keys(migrate.jobs)) {
      const isChosen = migrate.jobs[id]?.if?.includes(`contains(fromJSON(needs.start.outputs.jobs), '${id}')`) ?? false;
      expect([id, isChosen]).toEqual([id, !['start', 'watch-rollback', 'cutover-watch-rollback', 'rollback', 'finish'].includes(id)]);
    }
  });

  it('says at the end what all jobs did', () => {
    expect(phaseOf(migrate.jobs['finish']).with['jobs']).toBe('${{ toJSON(needs) }}');
    expect(migrate.jobs['finish']?.if).toBe('${{ always() }}');
  });

  it('stops neither the way back nor the last word half-way when somebody cancels once more', () => {
    for (const id of ['watch-rollback', 'cutover-watch-rollback', 'rollback', 'finish']) for (const step of migrate.jobs[id]?.steps ?? []) expect([id, step.name, step.if]).toEqual([id, step.name, '${{ always() }}']);
  });

  it('refuses a phase that would outlive its job, before anything else of it runs', () => {
    const [, refusal] = migrate.jobs['start']?.steps ?? [];
    const isRefused = (phase: number, job: number): unknown => evaluate(refusal?.if ?? '', { inputs: { 'timeout-minutes': phase, 'job-timeout-minutes': job }, needs: [], results: {}, outputs: {}, ancestors: [], isCancelled: false });
    expect([isRefused(360, 360), isRefused(400, 360), isRefused(330, 360)]).toEqual([true, true, false]);
    expect(refusal?.run).toContain('exit 1');
  });

  it('refuses a gate that may wait longer than its watch, where there is a watch', () => {
    const [, , refusal] = migrate.jobs['start']?.steps ?? [];
    const isRefused = (gate: number, inputs: Readonly<Record<string, unknown>>): unknown => evaluate(refusal?.if ?? '', { inputs: { pause: 'after-gate', 'cutover-environment': '', 'timeout-minutes': 330, 'gate-timeout-minutes': gate, ...inputs }, needs: [], results: {}, outputs: {}, ancestors: [], isCancelled: false });
    for (const inputs of [{ pause: 'before-gate' }, { 'cutover-environment': SECOND }]) expect([isRefused(330, inputs), isRefused(60, inputs), isRefused(60, { ...inputs, 'timeout-minutes': 45 })]).toEqual([true, false, true]);
    expect([isRefused(330, {}), refusal?.run]).toEqual([false, expect.stringContaining('exit 1')]);
  });

  it('refuses a second gate that begins behind the question and is not told what was approved', () => {
    const refusal = migrate.jobs['start']?.steps?.find(({ name }) => name === 'Refuse a second gate that would not know what was approved');
    const told = { 'approved-plan': 'a', 'approved-manifest': 'b', attempt: '2' };
    const isRefused = (inputs: Readonly<Record<string, unknown>>): unknown => evaluate(refusal?.if ?? '', { inputs: { 'cutover-environment': SECOND, ...told, ...inputs }, needs: [], results: {}, outputs: {}, ancestors: [], isCancelled: false });
    for (const from of ['export', 'import', 'verify', 'cutover-gate']) {
      for (const name of Object.keys(told)) expect([from, name, isRefused({ from, [name]: '' })]).toEqual([from, name, true]);
      expect([isRefused({ from }), isRefused({ from, attempt: '', 'cutover-environment': '' })]).toEqual([false, false]);
    }
    for (const from of ['', 'rehearse', 'ask', 'cutover']) expect([from, isRefused({ from, attempt: '' })]).toEqual([from, false]);
    expect(refusal?.run).toContain('exit 1');
  });
});

describe('rollback.yml', () => {
  it('has one job with these rights, in the environment that the roles trust, and waits for another of its kind alone', () => {
    expect(Object.keys(rollback.jobs)).toEqual(['rollback']);
    const { permissions, environment, concurrency, 'timeout-minutes': minutes } = rollback.jobs['rollback'] ?? {};
    expect([permissions, environment, rollback.on.workflow_call.inputs['environment']?.default, minutes]).toEqual([LOOKS, '${{ inputs.environment }}', PREPARE, '${{ inputs.job-timeout-minutes }}']);
    expect(concurrency).toEqual({ group: 'mwaa-migrate-rollback-${{ inputs.config }}', 'cancel-in-progress': false });
  });

  it('goes back as a person decides: whatever this run did, and from any point', () => expect(phaseOf(rollback.jobs['rollback']).with['mode']).toBeUndefined());
});
