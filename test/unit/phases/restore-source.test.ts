import { describe, expect, it } from '@jest/globals';
import type { RestoreData } from '../../../src/airflow/protocol.js';
import { restoreMissing, type Restored } from '../../../src/phases/restore-source.js';
import type { Order, SourceEnvironment } from '../../../src/ports.js';
import { anActiveDag } from '../../builders/values.js';

const of = (dagId: string, runId: string) => ({ dagId, runId });
const before: Restored = { activated: 1, missing: ['back', 'gone'], putBack: 4, standIns: [of('there', 'a')], leftFailed: [of('there', 'b'), of('back', 'known')], queuedEvents: 1 };
const active = ['there', 'back', 'gone'].map((dagId) => anActiveDag(dagId));

/** A source whose active DAGs are `now`, and that restores `found`; `tried` are the DAGs of the order. */
const restoring = async (now: readonly string[], found: RestoreData) => {
  let tried: readonly string[] | undefined;
  const source = { listActiveDagIds: () => Promise.resolve(now), run: () => Promise.resolve(found) } as unknown as Pick<SourceEnvironment, 'run' | 'listActiveDagIds'>;
  const restored = await restoreMissing(source, active, before, (still) => {
    tried = still.map(({ dagId }) => dagId);
    return Promise.resolve({} as Order);
  });
  return { restored, tried };
};

describe('a restore of what was missing', () => {
  it('adds what has become of the DAGs it tried, and leaves what was said of the others', async () => {
    const { restored, tried } = await restoring(['there'], {
      activated: ['back'], missing: ['gone'], putBack: 0, standIns: [of('there', 'a'), of('back', 'c')], leftFailed: [of('back', 'known'), of('back', 'd'), of('there', 'since')], succeeded: [of('back', 'e')], queuedEvents: 2, unknownEvents: ['back'],
    });
    expect(tried).toEqual(['back', 'gone']);
    expect(restored).toEqual({
      activated: 2, missing: ['gone'], putBack: 4, standIns: [of('there', 'a'), of('back', 'c')], leftFailed: [of('there', 'b'), of('back', 'known'), of('back', 'd')], succeeded: [of('back', 'e')], queuedEvents: 3, unknownEvents: ['back'],
    });
  });

  it('asks nothing of the source where all of them have woken by themselves', async () => {
    const { restored, tried } = await restoring(['there', 'back', 'gone'], { activated: [], missing: [], putBack: 0, standIns: [], leftFailed: [] });
    expect([tried, restored]).toEqual([undefined, { ...before, missing: [] }]);
  });
});
