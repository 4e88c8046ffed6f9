/** What phases say of themselves is true. */
import { describe, expect, it } from '@jest/globals';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile, aTargetEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const run = async (world: World, inputs: Partial<Inputs> & Pick<Inputs, 'phase'>, file = aMigrationFile()) => await phases[inputs.phase]!(world.context(inputs, file));
const createdBy = (summary: string) => /\| Created by \| ([^|]*) \|/u.exec(summary)?.[1];

describe('create says by whom the environment was created', () => {
  it('in this run, and in an earlier one', async () => {
    const world = new World();
    await run(world, { phase: 'resources' });
    expect(createdBy((await run(world, { phase: 'create', dryRun: true })).summary)).toBe('nobody yet: mwaa-migrate would create it');
    expect(createdBy((await run(world, { phase: 'create' })).summary)).toBe('mwaa-migrate, in this run');
    for (const phase of ['create', 'create'] as const) expect(createdBy((await run(world, { phase })).summary)).toBe('mwaa-migrate, in an earlier run');
  });

  it('by somebody else, whom it does not know', async () => {
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment());
    await run(world, { phase: 'resources' });
    for (const phase of ['create', 'create'] as const) expect(createdBy((await run(world, { phase })).summary)).toBe('not this run: it was there already');
    expect(world.createCalls).toBe(0);
  });

  it('by infrastructure code, where the migration file says so', async () => {
    const world = new World();
    world.environments.set('analytics-v2', aTargetEnvironment());
    expect(createdBy((await run(world, { phase: 'create' }, aMigrationFile({ target: { create: 'external' } }))).summary)).toBe('your infrastructure code');
  });
});

it('an export says in proper words which kind of attempt it begins', async () => {
  const world = new World();
  for (const phase of ['resources', 'create', 'export'] as const) await run(world, { phase });
  await run(world, { phase: 'export', mode: 'final' });
  expect(world.lines.filter((line) => line.startsWith('Beginning attempt'))).toEqual(['Beginning attempt 1, a rehearsal.', 'Beginning attempt 2, a final export.']);
});
