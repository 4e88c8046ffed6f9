/** A migration brought to a certain point in the doubled world, and rolled back from there. */
import type { Inputs } from '../../src/inputs.js';
import type { MigrationFile } from '../../src/migration-file/migration-file.js';
import { phases } from '../../src/phases/index.js';
import { aMigrationFile, anInFlightRun } from './values.js';
import { World } from './world.js';

export type Given = Partial<Inputs> & Pick<Inputs, 'phase'>;
export const run = async (world: World, inputs: Given, file: MigrationFile = aMigrationFile()) => {
  const phase = phases[inputs.phase];
  if (!phase) throw new Error(inputs.phase);
  return await phase(world.context(inputs, file));
};
/** One run of `hourly` is cut by the drain and goes on at the target; one of `nightly_load` is cut and does not. */
export const after = async (...given: readonly Given[]) => {
  const world = new World();
  world.sides.inFlight = [anInFlightRun('hourly', 'cut', { ended: 2 }), anInFlightRun('nightly_load', 'submitted', { ended: 1, fate: 'deferred', deferred: ['wait'] })];
  for (const inputs of given) await run(world, inputs);
  return world;
};
export const READY = [{ phase: 'resources' }, { phase: 'create' }] as const;
export const EXPORTED = [...READY, { phase: 'export', mode: 'final' }] as const;
export const IMPORTED = [...EXPORTED, { phase: 'import' }] as const;
export const CUT_OVER = [...IMPORTED, { phase: 'cutover' }] as const;
export const back = { phase: 'rollback' } as const;
export const ACTIVE = [['nightly_load', false], ['hourly', false], ['old', true]];
export const steps = (world: World, attempt = 1) => world.journalValue?.attempts.find(({ number }) => number === attempt)?.steps.map(({ name }) => name);
export const plain = (summary: string) => summary.replace(/&#(\d+);/gu, (_, point: string) => String.fromCodePoint(Number(point))).replace(/<\/?code>/gu, '');
