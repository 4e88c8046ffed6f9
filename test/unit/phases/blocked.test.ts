/** What plan sees beforehand, so that no later phase meets it half-way. */
import { describe, expect, it } from '@jest/globals';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile, aRole, aTargetEnvironment } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const run = async (world: World, inputs: Partial<Inputs> & Pick<Inputs, 'phase'>, file = aMigrationFile()) => await phases[inputs.phase]!(world.context(inputs, file));
const MIGRATION_BUCKET = 'mwaa-migrate-111122223333-eu-west-1';
const CASES: readonly Readonly<{ what: string; change: (world: World) => void; says: RegExp }>[] = [
  { what: 'a target that reads its DAGs elsewhere', change: (world) => void world.environments.set('analytics-v2', aTargetEnvironment({ DagS3Path: 'x/dags' })), says: /Environment analytics-v2 reads its DAGs from another place than phase resources writes to:[\s\S]*DagS3Path/u },
  { what: 'a boundary that does not exist', change: (world) => world.boundaries.clear(), says: /The permissions boundary arn:aws:iam::111122223333:policy\/mwaa-migrate-clone-boundary does not exist/u },
  { what: 'the boundary of the source\'s role, which does not exist', change: (world) => void world.roles.set(aRole().arn, aRole({ boundary: 'arn:aws:iam::111122223333:policy/own' })), says: /The permissions boundary arn:aws:iam::111122223333:policy\/own does not exist/u },
  { what: 'a DAG of the user that is called as ours', change: (world) => void (world.namesakes = ['db_export_2']), says: /DAG db_export_2 of analytics has a name that this action uses[\s\S]*give that DAG another id/u },
];

describe.each(CASES)('$what', ({ change, says }) => {
  it('is a blocker of the plan, and changes no digest', async () => {
    const world = new World();
    const { outputs } = await run(world, { phase: 'plan' });
    change(world);
    const blocked = await run(world, { phase: 'plan' });
    expect(blocked.ok).toBe(false);
    const { what, fix } = blocked.failure as Readonly<{ what: string; fix: string }>;
    expect(`${what}\n${fix}`).toMatch(says);
    expect(blocked.outputs).toMatchObject({ blockers: '1' });
    // The boundary of the source's role is part of the clone, so of the decisions.
    if (world.roles.get(aRole().arn)?.boundary === undefined) expect(blocked.outputs['plan-digest']).toBe(outputs['plan-digest']);
  });

  it.each(['resources', 'create', 'export'] as const)('stops %s before anything is made', async (phase) => {
    const world = new World();
    change(world);
    await expect(run(world, { phase })).rejects.toThrow(says);
    expect(world.buckets.has(MIGRATION_BUCKET)).toBe(false);
  });
});

it('a boundary is not asked for where the target is there already', async () => {
  const world = new World();
  world.boundaries.clear();
  world.environments.set('analytics-v2', aTargetEnvironment());
  expect((await run(world, { phase: 'plan' })).ok).toBe(true);
});
