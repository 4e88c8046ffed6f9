import { describe, expect, it } from '@jest/globals';
import type { MigrationFile } from '../../../src/migration-file/migration-file.js';
import { createEnvironment } from '../../../src/phases/create.js';
import { copyResources } from '../../../src/phases/resources.js';
import { plan, validatePlan, withOptions } from '../../builders/a-plan.js';
import { aMigrationFile, anEnvironment, aTargetEnvironment, HIDDEN_VALUE } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const OPTIONS = { 'core.parallelism': '32', 'secrets.backend_kwargs': HIDDEN_VALUE };

describe('plan.json', () => {
  it.each([
    ['of a plain migration', {}, {}], ['over 2.11 to Airflow 3', { target: { airflowVersion: '3.3.1' } }, {}], ['with a target outside', { target: { create: 'external' as const } }, {}],
    ['of a target that exists', {}, { target: aTargetEnvironment() }], ['of an old source', {}, { source: anEnvironment({ AirflowVersion: '1.10.12' }) }],
    ['with a role of its own and filters', { target: { executionRole: 'arn:aws:iam::111122223333:role/x' }, metadata: { historyDays: 30 } }, {}],
  ] as const)('%s follows the published schema', async (_, given, sides) => {
    const world = new World();
    if ('source' in sides) world.environments.set('analytics', sides.source);
    if ('target' in sides) world.environments.set('analytics-v2', sides.target);
    const { document } = await plan(world, {}, aMigrationFile(given));
    expect(validatePlan(document) ? [] : validatePlan.errors).toEqual([]);
  });

  it('is not taken by the schema with a member more or a wrong one', async () => {
    const { document } = await plan();
    expect(validatePlan({ ...document, extra: 1 })).toBe(false);
    expect(validatePlan({ ...document, digest: 'abc' })).toBe(false);
  });

  it('has the same bytes in two runs, sorted and without time', async () => {
    const world = new World();
    const first = await plan(world);
    world.now += 3_600_000;
    expect((await plan(world)).text).toBe(first.text);
    expect((await plan()).text).toBe(first.text);
    const keys = Object.keys(first.document);
    expect(keys).toEqual([...keys].sort());
    expect(first.text).not.toContain(new Date(world.now).toISOString().slice(0, 13));
  });

  it('names the digest that the output has, and holds no hidden value, nor does the summary', async () => {
    const { outputs, document, text, summary, html } = await plan(withOptions(OPTIONS));
    expect(document.digest).toBe(outputs['plan-digest']);
    for (const said of [text, summary, html ?? '']) expect(said).not.toContain(HIDDEN_VALUE);
    expect(text).toContain('(hidden)');
  });
});

describe('the digest of phase plan', () => {
  const digestOf = async (world: World, file?: MigrationFile) => (await plan(world, {}, file)).document.digest;

  it.each([
    { what: '10,000 new rows', change: (world: World) => { world.counts.dagRuns = 10_007; world.counts.taskInstances = 10_007; } },
    { what: 'a paused DAG', change: (world: World) => void world.dags.source.set('nightly_load', true) },
    { what: 'a new DAG file', change: (world: World) => world.put('analytics-bucket', 'dags/new.py', 'x') },
    { what: 'a target that exists by now', change: (world: World) => void world.environments.set('analytics-v2', aTargetEnvironment()) },
    { what: 'a changed hidden value', change: (world: World) => void world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'secrets.backend_kwargs': 'another secret' } })) },
  ])('stays with $what', async ({ what, change }) => {
    const world = withOptions(OPTIONS), before = await plan(world);
    change(world);
    const after = await plan(world);
    expect(after.document.digest).toBe(before.document.digest);
    // It was seen all the same; only a hidden value is nowhere.
    if (what.includes('hidden')) expect(after.text).toBe(before.text);
    else expect(after.text).not.toBe(before.text);
  });

  it('changes with one shown option, and the refusal of what follows names it', async () => {
    const world = withOptions(OPTIONS), approvedPlan = await digestOf(world);
    await copyResources(world.context({ phase: 'resources', approvedPlan }));
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'core.parallelism': '64' } }));
    expect(await digestOf(world)).not.toBe(approvedPlan);
    await expect(createEnvironment(world.context({ phase: 'create', approvedPlan }))).rejects.toThrow(/The plan is not the approved one[^]*AirflowConfigurationOptions\.core\.parallelism: "32" → "64"/u);
  });

  it.each([
    { what: 'named by the first changing phase too, where plan.json lies on its runner', file: (text: string) => text, says: /core\.parallelism: "32" → "64"/u },
    { what: 'only said to be another where there is no file', file: () => undefined, says: /approved is [0-9a-f]{64}\.\n[^]*Where its plan\.json lies/u },
    { what: 'only said to be another where the file is another plan\'s', file: (text: string) => text.replace('"32"', '"16"'), says: /approved is [0-9a-f]{64}\.\n {2}Why:/u },
    { what: 'only said to be another where the file is nonsense', file: () => 'null', says: /approved is [0-9a-f]{64}\.\n {2}Why:/u },
  ])('is $what', async ({ file, says }) => {
    const world = withOptions(OPTIONS), { document, text } = await plan(world);
    world.planFile = file(text);
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'core.parallelism': '64' } }));
    await expect(copyResources(world.context({ phase: 'resources', approvedPlan: document.digest }))).rejects.toThrow(says);
    expect(world.journalValue).toBeUndefined();
  });

  it('stays with a changed hidden value, create carries the value of that moment, and its summary says so', async () => {
    const world = withOptions(OPTIONS), approvedPlan = await digestOf(world);
    await copyResources(world.context({ phase: 'resources', approvedPlan }));
    world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: { ...OPTIONS, 'secrets.backend_kwargs': 'the value of this moment' } }));
    const { summary } = await createEnvironment(world.context({ phase: 'create', approvedPlan }));
    expect(world.environments.get('analytics-v2')?.AirflowConfigurationOptions).toMatchObject({ 'secrets.backend_kwargs': 'the value of this moment' });
    expect(summary).toMatch(/Hidden values \(1\)[^]*as the source has it now[^]*secrets\.backend&#95;kwargs/u);
    expect(summary).not.toContain('the value of this moment');
  });
});
