import { expect, it } from '@jest/globals';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import { aMigrationFile } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const run = async (world: World, inputs: Partial<Inputs> & Pick<Inputs, 'phase'>) => {
  const phase = phases[inputs.phase];
  if (!phase) throw new Error(inputs.phase);
  return await phase(world.context(inputs, aMigrationFile()));
};
const plain = (summary: string) => summary.replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point))).replace(/<\/?code>/gu, '');

it('names the runs of a DAG that somebody had activated on the source before rollback came there, and is not green', async () => {
  const world = new World();
  for (const inputs of [{ phase: 'resources' }, { phase: 'create' }, { phase: 'export', mode: 'final' }, { phase: 'import' }, { phase: 'cutover' }] as const) await run(world, inputs);
  world.sides.overtaken = [{ dagId: 'hourly', runId: 'cut', kind: 'resumed' }, { dagId: 'hourly', runId: 'waits', kind: 'unbegun' }];
  const result = await run(world, { phase: 'rollback' });
  expect(result).toMatchObject({ ok: false, failure: { what: expect.stringMatching(/activated by somebody before rollback came to them, so that their runs run twice or not at all: hourly\.$/) } });
  expect(plain(result.summary)).toMatch(/somebody had activated on the source before rollback came to them \(2\)[^]*hourly \| cut \| went on at the target and goes on[^]*hourly \| waits \| had not begun/);
  // It is known now, and nothing more that rollback can do.
  const again = await run(world, { phase: 'rollback' });
  expect(again.ok).toBe(true);
  expect(plain(again.summary)).toMatch(/somebody had activated on the source before rollback came to them \(2\)/);
});
