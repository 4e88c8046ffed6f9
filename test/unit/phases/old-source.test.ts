/** A source below 2.4.3: no phase calls its REST API, and what only a DAG run can tell is asked where a DAG run may be started. */
import { describe, expect, it } from '@jest/globals';
import type { LookData } from '../../../src/airflow/protocol.js';
import type { Inputs } from '../../../src/inputs.js';
import { phases } from '../../../src/phases/index.js';
import { requireStill } from '../../../src/phases/source-still.js';
import type { Context, Mwaa } from '../../../src/ports.js';
import { anEnvironment, aMigrationFile } from '../../builders/values.js';
import { World } from '../../builders/world.js';

const NO_REST: Pick<Mwaa, 'rest'> = { rest: () => Promise.reject(new Error('REST was called')) };
const QUIET: LookData = { activeDags: [], began: [], queued: [] };
const run = (dagId: string, runId: string) => ({ dagId, runId });

describe('whether it stands still', () => {
  const known = { dagId: 'a', runId: 'parked' };
  const manifest = { snapshotAt: '2026-11-22T10:00:00Z', inFlight: [known] } as unknown as Parameters<typeof requireStill>[2];
  const look = (found: LookData | undefined) => {
    const asked: string[] = [];
    const source = { name: 'analytics', listActiveDagIds: () => Promise.reject(new Error('asked twice')), lookInside: async (since: string) => { asked.push(since); return found; } };
    return { asked, done: requireStill(source, NO_REST, manifest, 'import') };
  };

  it.each([
    { because: 'nothing moves', found: QUIET },
    { because: 'what waits was in flight at the snapshot', found: { ...QUIET, queued: [known] } },
    { because: 'a dry run may not ask, and says so in its log', found: undefined },
  ])('it goes on: $because', async ({ found }) => {
    const { asked, done } = look(found);
    await done;
    expect(asked).toEqual(['2026-11-22T10:00:00Z']);
  });

  it.each([
    { because: 'a DAG is active', found: { ...QUIET, activeDags: ['a', 'b'] }, says: /2 DAGs of analytics are active again: a, b/u },
    { because: 'a run began', found: { ...QUIET, began: [run('a', 'r1')] }, says: /1 DAG run began or were queued on analytics after the snapshot[^]*a \/ r1/u },
    { because: 'a run that was known has begun', found: { ...QUIET, began: [known] }, says: /a \/ parked/u },
    { because: 'a run waits that nobody knew', found: { ...QUIET, queued: [known, run('b', 'r2')] }, says: /1 DAG run[^]*: b \/ r2\./u },
  ])('it stops: $because', async ({ found, says }) => expect(look(found).done).rejects.toThrow(says));
});

/** The source is old, and every way to ask its Airflow from outside is an error. */
function contextOf(world: World, inputs: Partial<Inputs>): Context {
  world.environments.set('analytics', anEnvironment({ AirflowVersion: '2.2.2' }));
  const context = world.context(inputs, aMigrationFile());
  const deaf = <Side extends Context['plan']['source'] | Context['source']>(side: Side): Side => ({ ...side, mwaa: { ...side.mwaa, ...NO_REST }, airflow: () => { throw new Error('its Airflow was asked'); } });
  return { ...context, source: deaf(context.source), plan: { ...context.plan, source: deaf(context.plan.source) } };
}

describe('the plan role', () => {
  it('plans without its numbers, and says which way its commands go and why', async () => {
    const { summary } = await phases.plan!(contextOf(new World(), { phase: 'plan' }));
    expect(summary).toContain('the metadata of Airflow 2.2.2 is exported; its commands go by the CLI token, for AWS reaches no REST API of Airflow below 2.4.3');
  });

  it('does not ask it for the status', async () => {
    const world = new World();
    await phases.export!(world.context({ phase: 'export', mode: 'rehearsal' }));
    const { summary } = await phases.status!(contextOf(world, { phase: 'status' }));
    expect(summary).toContain('not known, for Airflow 2.2.2 is only asked from inside');
  });

  it('says in a dry run what an export would do, without the DAGs\' names', async () => {
    const { summary } = await phases.export!(contextOf(new World(), { phase: 'export', mode: 'final', dryRun: true }));
    expect(summary).toContain('remember the active DAGs');
  });
});

it('a DAG of the user that is called as ours stops the export before anything is paused, where the plan could not look', async () => {
  const world = new World();
  world.answers.preflight = (data) => ({ ...data, namesakes: ['db_export'] });
  await expect(phases.export!(world.context({ phase: 'export', mode: 'rehearsal' }))).rejects.toThrow(/DAG db_export of analytics has a name that this action uses[^]*remove the file mwaa_migrate\/db_export\.py[^]*do not run phase rollback or cleanup before/u);
  expect(world.jobs.map(({ command }) => command)).toEqual(['preflight']);
});
