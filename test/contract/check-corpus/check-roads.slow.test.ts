/** Phase check over the corpora's roads within Airflow 2, which need three more environments and the bridge from 1.10. The road to 3 is in check-roads.test.ts. */
import { afterAll, expect, it } from '@jest/globals';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BREAKS_FROM_1_10, ROAD_FROM_1_10 } from './breaks-from-1.10.js';
import { BREAKS_FROM_2_2, ROAD_FROM_2_2 } from './breaks-from-2.2.js';
import { describeRoad } from './describe-road.js';
import { makeRepository } from './repository.js';
import { makeRunner, runCheck } from './run-check.js';

const MINUTES = 60_000;
const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'check-roads-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeRoad({ road: ROAD_FROM_1_10, breaks: BREAKS_FROM_1_10, kinds: ['broken', 'good'] });
describeRoad({ road: ROAD_FROM_2_2, breaks: BREAKS_FROM_2_2, kinds: ['broken'] });

it('ends green where all is well', async () => {
  const runner = makeRunner(path.join(folder, 'good'));
  // As if from 2.2.2: the bridge release of 1.10 is asked on the road above.
  await makeRepository(runner.workspace, { ...ROAD_FROM_1_10, source: '2.2.2' }, 'good');
  const { code, report } = await runCheck(runner);
  expect({ code, bad: report.findings.filter(({ level }) => level !== 'notice') }).toEqual({ code: 0, bad: [] });
  expect(report.dags.map(({ dagId }) => dagId)).toEqual(['asks_the_release', 'either_name', 'own_operator', 'rates_eur', 'rates_sek']);
}, 5 * MINUTES);
