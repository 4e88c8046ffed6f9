import { expect, it } from '@jest/globals';
import { phases } from '../../../src/phases/index.js';
import { aManifestTable } from '../../builders/values.js';
import { World } from '../../builders/world.js';

it.each(['rehearsal', 'final'] as const)('the output `tables` of a %s counts as left out what is the user\'s, not rows of our own DAGs', async (mode) => {
  const world = new World();
  const leftOut = { dag_run: { 'row of mwaa-migrate itself': 7, 'beyond the filter': 20, 'belongs to no dataset': 1 }, log: { 'row of mwaa-migrate itself': 1000 } };
  world.answers.manifest = (manifest) => ({
    ...manifest, tables: manifest.tables.map((table) => (table.name === 'dag_run' || table.name === 'log' ? aManifestTable(table.name, { ...table, leftOut: leftOut[table.name] }) : table)),
  });
  for (const phase of ['resources', 'create', 'export'] as const) {
    const result = await phases[phase]?.(world.context({ phase, mode }));
    if (phase !== 'export') continue;
    const tables = JSON.parse(result?.outputs.tables ?? '{}') as Record<string, unknown>;
    expect(tables).toMatchObject({ dag_run: { rows: 3, leftOut: 21 }, log: { rows: 3, leftOut: 0 }, xcom: { rows: 3, leftOut: 0 } });
  }
});
