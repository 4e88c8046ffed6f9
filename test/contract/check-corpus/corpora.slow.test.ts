/** The corpora are what they are said to be: proved on real Airflow, without the product. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';
import { installerEnvironment } from '../../sandbox/environments/airflow-installation.js';
import { runCommand } from '../../sandbox/environments/command.js';
import { loadWithAirflow, type Loaded } from './airflow-loads.js';
import { BREAKS_FROM_1_10, ROAD_FROM_1_10 } from './breaks-from-1.10.js';
import { BREAKS_FROM_2_2, ROAD_FROM_2_2 } from './breaks-from-2.2.js';
import { BREAKS_TO_3, ROAD_TO_3 } from './breaks-to-3.js';
import { applyEdits, makeRepository } from './repository.js';

const MINUTES = 60_000;
const folder = mkdtempSync(path.join(os.tmpdir(), 'check-corpora-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROADS = [
  { road: ROAD_FROM_1_10, breaks: BREAKS_FROM_1_10 },
  { road: ROAD_FROM_2_2, breaks: BREAKS_FROM_2_2 },
  { road: ROAD_TO_3, breaks: BREAKS_TO_3 },
] as const;

it('has more than twenty breaks, more than ten of them hidden from text', () => {
  const all = ROADS.flatMap(({ breaks }) => breaks);
  expect(all.length).toBeGreaterThanOrEqual(20);
  expect(all.filter(({ hidden }) => hidden).length).toBeGreaterThanOrEqual(10);
  expect(new Set(all.map(({ file }) => file)).size).toBe(all.length);
});

describe.each(ROADS)('broken DAGs $road.name', ({ road, breaks }) => {
  let source: Loaded, target: Loaded, cured: Loaded;
  beforeAll(async () => {
    const repository = await makeRepository(path.join(folder, road.name), road, 'broken');
    [source, target] = await Promise.all([loadWithAirflow(road.source, repository), loadWithAirflow(road.target, repository)]);
    for (const { cure } of breaks) applyEdits(repository, cure);
    cured = await loadWithAirflow(road.target, repository);
  }, 10 * MINUTES);

  it('all load on the source', () => {
    expect(source.errors).toEqual({});
    expect(Object.keys(source.dags)).toEqual(expect.arrayContaining(breaks.flatMap(({ dagIds }) => dagIds)));
  });

  it('are in the table, every one', () => {
    const known = breaks.flatMap(({ file }) => file);
    const withDags = new Set(Object.values(source.dags).map(({ file }) => `dags/${file}`));
    // The other half of a pair that makes one DAG id twice.
    expect([...withDags].filter((file) => !known.includes(file))).toEqual(road === ROAD_FROM_1_10 ? ['dags/region_europe.py'] : []);
  });

  // Requirements are another tool's: below.
  it.each(breaks.filter(({ seen }) => seen !== 'resolver'))('$file: $breaks (since $since)', ({ file, dagIds, seen }) => {
    const inFolder = file.replace(/^dags\//u, '');
    if (seen === 'template') {
      expect(source.names).toEqual(expect.arrayContaining(['execution_date', 'next_execution_date']));
      expect(target.names).not.toEqual(expect.arrayContaining(['execution_date']));
      expect(target.names).not.toEqual(expect.arrayContaining(['next_execution_date']));
      return;
    }
    if (typeof seen === 'string') expect(target.errors[inFolder]).toBeUndefined();
    else expect(target.errors[inFolder]).toMatch(seen);
    for (const dagId of dagIds) expect(target.dags[dagId]?.file).not.toBe(inFolder);
  });

  it('breaks nothing else', () => {
    const known = breaks.map(({ file }) => file.replace(/^dags\//u, ''));
    expect(Object.keys(target.errors).filter((file) => !known.includes(file))).toEqual([]);
  });

  it('all load on the target when the cures of the table are applied', () => {
    expect(cured.errors).toEqual({});
    const partsOfSubDag = /\.parts$/u; // a task group now
    expect(Object.keys(cured.dags).sort()).toEqual(Object.keys(source.dags).filter((dagId) => !partsOfSubDag.test(dagId)).sort());
  });
});

it('has requirements that can be installed beside the source and not beside the target', async () => {
  const repository = await makeRepository(path.join(folder, 'requirements'), ROAD_FROM_2_2, 'broken');
  const lines = readFileSync(path.join(repository, 'requirements.txt'), 'utf8').split('\n');
  // uv would fetch the constraints by their address; the ones that the sandbox keeps are the same.
  writeFileSync(path.join(repository, 'plain.txt'), lines.filter((line) => !line.startsWith('--constraint')).join('\n'));
  const resolve = async (release: string, python: string) => {
    const constraints = fileURLToPath(new URL(`../../sandbox/airflow-constraints/${release}-py${python}.txt`, import.meta.url));
    return runCommand(path.join(ensureTools(), 'uv'), ['pip', 'compile', '--no-deps', '--python-version', python, '--constraint', constraints, path.join(repository, 'plain.txt')], { env: installerEnvironment() });
  };
  expect(await resolve('2.2.2', '3.7')).toMatchObject({ code: 0, stdout: expect.stringContaining('jsonschema==3.2.0') });
  const refused = await resolve('2.10.3', '3.11');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/jsonschema==4\.23\.0[^]*jsonschema<4|jsonschema<4[^]*jsonschema==4\.23\.0/u);
  for (const { file, from, to } of BREAKS_FROM_2_2.filter(({ seen }) => seen === 'resolver').flatMap(({ cure }) => cure)) applyEdits(repository, [{ file, from, to }, { file: 'plain.txt', from, to }]);
  expect(await resolve('2.10.3', '3.11')).toMatchObject({ code: 0, stdout: expect.stringContaining('jsonschema==4.23.0') });
}, 2 * MINUTES);

describe.each([ROAD_FROM_1_10, ROAD_TO_3])('good DAGs $name', (road) => {
  it('load on source and target, the same of them', async () => {
    const repository = await makeRepository(path.join(folder, `good-${road.name}`), road, 'good');
    const [source, target] = await Promise.all([loadWithAirflow(road.source, repository), loadWithAirflow(road.target, repository)]);
    expect({ source: source.errors, target: target.errors }).toEqual({ source: {}, target: {} });
    expect(target.dags).toEqual(source.dags);
    expect(Object.keys(target.dags).length).toBeGreaterThanOrEqual(road === ROAD_TO_3 ? 17 : 4);
  }, 5 * MINUTES);
});
