/**
 * Every way through migrate.yml, by GitHub's rules for conditions (job-graph.ts): what runs after a job that failed, was rejected, took too long or
 * was left out, and after a cancelled run. act takes none of the last three the way GitHub does; migrate.test.ts runs the others for real.
 */
import { describe, expect, it } from '@jest/globals';
import { ancestorsOf, evaluate, NEVER_SET, play, type Play, type Result } from './job-graph.js';
import { needsOf, phaseOf, workflowOf } from './workflow-file.js';

const workflow = workflowOf('migrate.yml');
const AFTER_GATE = ['check', 'plan', 'resources', 'create', 'rehearse', 'ask', 'gate', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'];
const BEFORE_GATE = ['check', 'plan', 'resources', 'create', 'pause-first', 'ask', 'gate', 'watch', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'];
/** Jobs after whose end the source may stand still because of this run. */
const GUARDED = ['pause-first', 'ask', 'gate', 'watch', 'export', 'import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'];
/** The way back that needs not wait for a gate, which may wait for weeks. */
const BESIDE: Readonly<Record<string, string>> = { watch: 'watch-rollback', 'cutover-watch': 'cutover-watch-rollback' };
const WATCHES: Readonly<Record<string, string>> = { gate: 'watch', 'cutover-gate': 'cutover-watch' };

const defaults = Object.fromEntries(Object.entries(workflow.on.workflow_call.inputs).map(([name, { default: value }]) => [name, value]));
const run = (jobs: readonly string[], { inputs = {}, outputs = {}, ...rest }: Partial<Play> = {}) =>
  play(workflow, { inputs: { ...defaults, 'cutover-environment': 'second', ...inputs }, outputs: { start: { jobs: JSON.stringify(jobs) }, ...outputs }, ...rest });

describe.each([['after-gate', AFTER_GATE], ['before-gate', BEFORE_GATE]])('pause: %s', (_, jobs) => {
  it('runs what job start chose, and nothing else', () => expect(run(jobs).ran).toEqual(['start', ...jobs, 'finish']));

  it.each(jobs.flatMap((job) => (['failure', 'cancelled'] as const).map((result) => [job, result] as const)))('job %s ends with %s: nothing after it runs but the way back and the last word', (job, result) => {
    const { ran } = run(jobs, { ends: { [job]: result } });
    const after = job === 'check' ? ['plan'] : jobs.filter((one) => one === WATCHES[job]);
    expect(ran).toEqual(['start', ...jobs.slice(0, jobs.indexOf(job) + 1), ...after, ...(BESIDE[job] ? [BESIDE[job]] : []), ...(GUARDED.includes(job) ? ['rollback'] : []), 'finish']);
  });

  it.each(jobs)('the run is cancelled before job %s: nothing begins any more; the way back does if the source can be paused', (job) => {
    const { ran } = run(jobs, { cancelledBefore: job });
    const before = jobs.slice(0, jobs.indexOf(job));
    expect(ran).toEqual(['start', ...before, ...(before.some((one) => GUARDED.includes(one)) ? ['rollback'] : []), 'finish']);
  });

  it.each(jobs.flatMap((job) => (['failure', 'cancelled'] as const).map((result) => [job, result] as const)))('failed jobs are run again after job %s ended with %s: it and what comes after it, and no way back', (job, result) => {
    const inputs = { 'on-failure': 'stay' };
    const first = run(jobs, { ends: { [job]: result }, inputs });
    const { ran } = run(jobs, { again: first, inputs });
    // What stood beside the failed job, or ran in spite of it, ended well and is not run again; all else is.
    const beside = Object.entries(WATCHES).flatMap(([gate, watch]) => (job === gate ? [watch] : job === watch ? [gate] : []));
    expect(ran).toEqual([...jobs.slice(jobs.indexOf(job)).filter((one) => !beside.includes(one)), 'finish']);
    expect(run(jobs, { again: run(jobs, { ends: { [job]: result } }) }).ran).toEqual(ran);
  });

  it('leaves everything as it is with on-failure: stay, whatever happens', () => {
    for (const job of jobs) for (const result of ['failure', 'cancelled'] as const) expect(run(jobs, { ends: { [job]: result }, inputs: { 'on-failure': 'stay' } }).ran).toEqual(expect.not.arrayContaining([expect.stringContaining('rollback')]));
    for (const job of jobs) expect(run(jobs, { cancelledBefore: job, inputs: { 'on-failure': 'stay' } }).ran).not.toContain('rollback');
  });

  it('runs each job alone, and from each job to the end: one that is left out stops nobody', () => {
    for (const job of jobs) expect(run([job]).ran).toEqual(['start', job, 'finish']);
    for (const [at] of jobs.entries()) expect(run(jobs.slice(at)).ran).toEqual(['start', ...jobs.slice(at), 'finish']);
  });

  it('goes on without the check and without the second gate where they are not wanted', () => {
    expect(run(jobs, { inputs: { check: false } }).ran).toEqual(['start', ...jobs.slice(1), 'finish']);
    expect(run(jobs, { inputs: { 'cutover-environment': '' } }).ran).toEqual(['start', ...jobs.filter((job) => job !== 'cutover-gate' && job !== 'cutover-watch'), 'finish']);
  });
});

it.each(['failure', 'cancelled'] as const)('nothing runs when start ends with %s, but the last word', (result) => expect(run(AFTER_GATE, { ends: { start: result } }).ran).toEqual(['start', 'finish']));

it('every job that changes something needs every job before it: a result that it does not see could not stop it', () => {
  const ids = Object.keys(workflow.jobs);
  for (const id of AFTER_GATE.concat(BEFORE_GATE).filter((one) => workflow.jobs[one]?.concurrency)) {
    const together = id === 'rehearse' ? ['pause-first'] : id === 'export' ? ['watch'] : [];
    expect([id, needsOf(workflow.jobs[id] ?? {})]).toEqual([id, ids.slice(0, ids.indexOf(id)).filter((one) => !together.includes(one))]);
  }
  // Behind them, for two ways back at once would be in each other's way.
  expect(needsOf(workflow.jobs['rollback'] ?? {})).toEqual([...GUARDED, ...Object.values(BESIDE)]);
  for (const [watch, back] of Object.entries(BESIDE)) expect([back, needsOf(workflow.jobs[back] ?? {}), ancestorsOf(workflow.jobs, back).filter((id) => WATCHES[id] === watch)]).toEqual([back, [watch], []]);
  expect(needsOf(workflow.jobs['finish'] ?? {})).toEqual(ids.filter((id) => id !== 'finish'));
});

describe('what the phases are given', () => {
  const OUTPUTS = {
    plan: { 'plan-digest': 'plan of this run' }, 'pause-first': { attempt: 'paused first' }, rehearse: { attempt: 'rehearsed' }, export: { attempt: 'exported' },
    ask: { attempt: 'asked', 'plan-digest': 'plan asked', 'manifest-digest': 'scope asked' }, gate: { 'approved-by': 'mona' }, create: { 'target-webserver-url': 'https://x' }, import: { tables: '{}' },
  };
  /** Input `name` of the phase of a job, when `jobs` ran. */
  const given = (job: string, name: string, jobs: readonly string[], inputs: Readonly<Record<string, unknown>> = {}): unknown => seen(job, String(phaseOf(workflow.jobs[job]).with[name]), jobs, inputs);
  const seen = (job: string, text: string, jobs: readonly string[], inputs: Readonly<Record<string, unknown>> = {}): unknown => {
    const results: Readonly<Record<string, Result>> = run(jobs, { outputs: OUTPUTS, inputs }).results;
    return evaluate(text, { inputs: { ...defaults, ...inputs }, needs: needsOf(workflow.jobs[job] ?? {}), results, outputs: OUTPUTS, ancestors: ancestorsOf(workflow.jobs, job), isCancelled: false });
  };
  const from = (job: string): readonly string[] => AFTER_GATE.slice(AFTER_GATE.indexOf(job));

  it.each(['resources', 'create', 'rehearse', 'ask', 'export', 'import', 'verify', 'cutover'])('%s: the plan of this run, or the one that is given, or none', (job) => {
    expect(given(job, 'approved-plan', AFTER_GATE)).toBe('plan of this run');
    expect(given(job, 'approved-plan', AFTER_GATE, { 'approved-plan': 'given' })).toBe('given');
    expect(given(job, 'approved-plan', from(job))).toBe('');
  });

  it.each(['gate', 'cutover-gate'])('%s: what ask showed; without ask what the person who approves by starting the run names', (job) => {
    expect(given(job, 'approved-plan', AFTER_GATE, { 'approved-plan': 'given' })).toBe('plan asked');
    expect(given(job, 'approved-manifest', AFTER_GATE)).toBe('scope asked');
    expect(given(job, 'approved-plan', from('gate'), { 'approved-plan': 'given' })).toBe('given');
    expect(given(job, 'approved-manifest', from('gate'), { 'approved-manifest': 'given' })).toBe('given');
  });

  it('gate: with gate: dispatch only what the person names, whatever ask showed in this run', () => {
    for (const name of ['approved-plan', 'approved-manifest', 'attempt']) {
      expect(given('gate', name, AFTER_GATE, { gate: 'dispatch' })).toBe('');
      expect(given('gate', name, AFTER_GATE, { gate: 'dispatch', [name]: 'named' })).toBe('named');
    }
  });

  it('ask and gate: the export of this run, else the one that is named', () => {
    expect(given('ask', 'attempt', AFTER_GATE, { attempt: '3' })).toBe('rehearsed');
    expect(given('ask', 'attempt', BEFORE_GATE, { attempt: '3' })).toBe('paused first');
    expect(given('ask', 'attempt', from('ask'), { attempt: '3' })).toBe('3');
    for (const job of ['gate', 'watch']) expect(given(job, 'attempt', BEFORE_GATE, { attempt: '3' })).toBe('asked');
    expect(given('gate', 'attempt', from('gate'), { attempt: '3' })).toBe('3');
  });

  it.each(['import', 'verify', 'cutover-gate', 'cutover-watch', 'cutover'])('%s: the final export; the number of a rehearsal that was approved by hand is none', (job) => {
    expect(given(job, 'attempt', AFTER_GATE)).toBe('exported');
    expect(given(job, 'attempt', BEFORE_GATE)).toBe('paused first');
    expect(given(job, 'attempt', from('gate'), { attempt: '3' })).toBe('exported');
    expect(given(job, 'attempt', BEFORE_GATE.slice(BEFORE_GATE.indexOf('ask')), { attempt: '3' })).toBe('');
    expect(given(job, 'attempt', from('import'), { attempt: '4' })).toBe('4');
    expect(given(job, 'attempt', from('import'))).toBe('');
  });

  it('import: the scope that was shown, else the one that is named', () => {
    expect(given('import', 'approved-manifest', AFTER_GATE, { 'approved-manifest': 'given' })).toBe('scope asked');
    expect(given('import', 'approved-manifest', from('import'), { 'approved-manifest': 'given' })).toBe('given');
  });

  it('takes no output of a job that did not run: GitHub has nothing there, act the text of the expression', () => {
    for (const jobs of [...AFTER_GATE.map((job) => [job]), []]) for (const [id, job] of Object.entries(workflow.jobs)) {
      const texts = [...Object.values(phaseOf(job).with), job.environment, job.concurrency?.group, ...Object.values(job.outputs ?? {})].map(String).filter((text) => /needs\.\w/u.test(text) && !/toJSON|runner\.|steps\./u.test(text));
      for (const text of texts) expect([id, text, seen(id, text, jobs)]).not.toContain(NEVER_SET);
    }
  });
});
