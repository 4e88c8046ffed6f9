/**
 * A repository whose environments can have no reviewers (docs/examples/dispatch-gate.yml): the approval is a second start by another person, with
 * the command that the first run's summary shows. There is no gate's environment at all, and the roles know of none.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { WorkflowRun } from '../../../sandbox/act/records.js';
import { activeDags, compareBySql } from '../../oracle/by-sql.js';
import { ACTIVE_DAGS, LEAST_TASK_INSTANCES } from '../../source/expected.js';
import { SOURCE, TARGET } from '../../support/world.js';
import { resultsOf } from '../support/attempts.js';
import { type StartCommand, startCommandIn } from '../support/command-shown.js';
import { log, troubles } from '../support/halves.js';
import { attemptsOf, type JournalAttempt, stepOf } from '../support/journal.js';
import { leaksOf } from '../support/left-behind.js';
import { oursOn } from '../support/nothing-of-ours.js';
import { type Life, lifeOf } from '../support/still-the-same.js';
import { PREPARE, REVIEWER, STARTER, startWorkflowWorld, type WorkflowWorld } from '../support/world.js';

const MINUTES = 60_000;
const STRANGER = 'sam-stranger';
const AFTER_THE_GATE = { watch: 'skipped', export: 'skipped', import: 'skipped', verify: 'skipped', 'cutover-gate': 'skipped', 'cutover-watch': 'skipped', cutover: 'skipped', 'watch-rollback': 'skipped', 'cutover-watch-rollback': 'skipped' };
const BEFORE_THE_GATE = { check: 'skipped', plan: 'skipped', resources: 'skipped', create: 'skipped', 'pause-first': 'skipped', rehearse: 'skipped', ask: 'skipped' };

describe('a migration that a second person approves by starting it', () => {
  let world: WorkflowWorld;
  let before: Life;
  let asked: WorkflowRun;
  let command: StartCommand;
  let rehearsal: readonly JournalAttempt[];
  const source = () => world.migration.sandbox.environment(SOURCE).running;
  const target = () => world.migration.sandbox.environment(TARGET).running;

  beforeAll(async () => {
    world = await startWorkflowWorld({
      ...(log ? { log } : {}), example: 'dispatch-gate.yml', with: { check: 'false' }, gates: [],
      // As docs/how-to/repositories-without-reviewers.md has them. The starter is one of the list: it is not that which keeps them out.
      roleParameters: { GitHubEnvironment: PREPARE, SecondGitHubEnvironment: '' }, migration: { approvers: [STARTER, REVIEWER.toUpperCase()] },
    });
    before = await lifeOf(source().databaseUrl);
    asked = await world.start().done;
    rehearsal = await attemptsOf(world.migration);
    command = startCommandIn(asked.summaries['ask'] ?? '');
  }, 40 * MINUTES);
  afterAll(async () => {
    await world?.close();
  }, MINUTES);

  /** The command as the summary shows it, run by this person. */
  async function startedBy(login: string): Promise<WorkflowRun> {
    world.newRun(login);
    return await world.start({ inputs: command.inputs }).done;
  }
  /** What somebody who may not approve leaves behind: nothing. */
  async function nothingHappened(): Promise<void> {
    expect(await lifeOf(source().databaseUrl)).toEqual(before);
    expect(await activeDags(target().databaseUrl)).toEqual([]);
    expect(await attemptsOf(world.migration)).toEqual(rehearsal);
  }

  it('ends after it has asked, green, with nothing paused', async () => {
    if (asked.code !== 0) throw new Error(troubles(asked));
    expect(resultsOf(world.jobs, asked)).toEqual({
      start: 'success', check: 'skipped', plan: 'success', resources: 'success', create: 'success', 'pause-first': 'skipped', rehearse: 'success', ask: 'success', gate: 'skipped', ...AFTER_THE_GATE, rollback: 'skipped', finish: 'success',
    });
    expect(rehearsal.map(({ mode, steps }) => ({ mode, isApproved: steps.some(({ name }) => name === 'approved') }))).toEqual([{ mode: 'rehearsal', isApproved: false }]);
    await nothingHappened();
  });

  it('shows a command that the workflow takes, with what the run had found', () => {
    expect(command).toEqual({
      workflow: 'dispatch-gate.yml', repository: 'acme/airflow',
      inputs: { from: 'gate', attempt: '1', 'approved-plan': asked.outputs['plan.plan.plan-digest'], 'approved-manifest': asked.outputs['rehearse.rehearse.manifest-digest'] },
    });
    const { on } = parse(readFileSync(path.join(world.caller.folder, '.github/workflows/dispatch-gate.yml'), 'utf8')) as { on: { workflow_dispatch: { inputs: Readonly<Record<string, unknown>> } } };
    for (const name of Object.keys(command.inputs)) expect(Object.keys(on.workflow_dispatch.inputs)).toContain(name);
  });

  it('refuses whoever started the export, though the list names them', async () => {
    const run = await startedBy(STARTER);
    expect(run.code).not.toBe(0);
    expect(resultsOf(world.jobs, run)).toEqual({ start: 'success', ...BEFORE_THE_GATE, gate: 'failure', ...AFTER_THE_GATE, rollback: 'success', finish: 'success' });
    expect(run.annotations.filter(({ job, level }) => job === 'gate' && level === 'error').map(({ text }) => text).join('\n')).toContain(`${STARTER} started the export of attempt 1 and cannot approve it`);
    await nothingHappened();
  }, 20 * MINUTES);

  it('refuses a stranger before anything is asked of AWS', async () => {
    const run = await startedBy(STRANGER);
    expect(run.code).not.toBe(0);
    expect(resultsOf(world.jobs, run)).toMatchObject({ start: 'failure', gate: 'skipped', export: 'skipped', cutover: 'skipped', finish: 'success' });
    expect(run.annotations.filter(({ job, level }) => job === 'start' && level === 'error').map(({ text }) => text).join('\n')).toContain(`${STRANGER} may not approve`);
    await nothingHappened();
  }, 20 * MINUTES);

  it('goes through whole when another person of the list runs the command', async () => {
    const run = await startedBy(REVIEWER);
    if (run.code !== 0) throw new Error(troubles(run));
    expect(resultsOf(world.jobs, run)).toEqual({
      start: 'success', ...BEFORE_THE_GATE, ...AFTER_THE_GATE, gate: 'success', export: 'success', import: 'success', verify: 'success', cutover: 'success', rollback: 'skipped', finish: 'success',
    });
    const comparison = await compareBySql(source(), target());
    expect(comparison.differences).toEqual([]);
    expect(comparison.more).toBe(0);
    expect(comparison.counts['task_instance']?.target).toBeGreaterThanOrEqual(LEAST_TASK_INSTANCES);
    expect(await activeDags(target().databaseUrl)).toEqual(ACTIVE_DAGS);
    expect(await activeDags(source().databaseUrl)).toEqual([]);
    expect(await oursOn(world.migration, SOURCE)).toEqual([]);
    expect(await oursOn(world.migration, TARGET)).toEqual([]);

    const attempts = await attemptsOf(world.migration);
    expect(attempts.map(({ mode }) => mode)).toEqual(['rehearsal', 'final']);
    expect(stepOf(attempts[0], 'approved')?.data).toMatchObject({ by: [REVIEWER], how: 'dispatch', planDigest: command.inputs['approved-plan'], scope: command.inputs['approved-manifest'] });
    expect(stepOf(attempts[1], 'made-from')?.data).toEqual({ from: 1 });
    for (const job of ['gate', 'finish']) expect(run.summaries[job]).toContain(REVIEWER);
  }, 40 * MINUTES);

  it('needed no environment but the one, and asked nothing of GitHub that GitHub does not know', () => {
    expect([...world.github.state.environments.keys()]).toEqual([PREPARE]);
    expect(world.github.violations()).toEqual([]);
  });

  it('let no value of a variable out', async () => expect(await leaksOf(world)).toBe(''), 5 * MINUTES);
});
