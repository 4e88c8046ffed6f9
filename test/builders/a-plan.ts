/** Phase plan in the world of doubles, with its plan.json read. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import type { Inputs } from '../../src/inputs.js';
import type { MigrationFile } from '../../src/migration-file/migration-file.js';
import { planMigration } from '../../src/phases/plan.js';
import { anEnvironment } from './values.js';
import { World } from './world.js';

const schema = JSON.parse(readFileSync(fileURLToPath(new URL('../../docs/reference/plan.schema.json', import.meta.url)), 'utf8')) as object;
/** By the published schema; nothing that it does not know is taken. */
export const validatePlan = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(schema);

type Coded = readonly Readonly<{ code: string }>[];
export type PlanDocument = Readonly<Record<string, unknown>> & Readonly<{ digest: string; warnings: Coded; blockers: Coded; observations: Readonly<Record<string, unknown>>; check?: unknown }>;

export async function plan(world = new World(), inputs: Partial<Inputs> = {}, file?: MigrationFile) {
  const result = await planMigration(world.context({ phase: 'plan', ...inputs }, file));
  const text = result.document?.text ?? '';
  return { ...result, text, document: JSON.parse(text) as PlanDocument };
}

export function withOptions(AirflowConfigurationOptions: Readonly<Record<string, string>>): World {
  const world = new World();
  world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions }));
  return world;
}
