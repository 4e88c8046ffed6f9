/** Everything that the runs of a workflow have shown, for the search for secrets. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describeLeaks, scanForCanaries, type ByteSource, type Canary } from '../../leaks/scan.js';
import { logEventsOf, objectsOf } from '../../support/everything-written.js';
import { SOURCE, TARGET } from '../../support/world.js';
import type { WorkflowWorld } from './world.js';

/** What they printed, gave out and wrote into summaries and artifacts. */
export function shownBy({ runs, caller }: WorkflowWorld): readonly ByteSource[] {
  const artifacts = readdirSync(caller.artifacts, { recursive: true, encoding: 'utf8' }).map((name) => path.join(caller.artifacts, name)).filter((name) => statSync(name).isFile());
  return [
    ...runs.flatMap((run, at) => [
      { name: `run ${at}, everything printed`, bytes: Buffer.from(run.raw) }, { name: `run ${at}, outputs`, bytes: Buffer.from(JSON.stringify([run.outputs, run.stepOutputs])) },
      ...Object.entries(run.summaries).map(([job, text]) => ({ name: `run ${at}, summary of ${job}`, bytes: Buffer.from(text) })),
    ]),
    ...artifacts.map((name) => ({ name, bytes: readFileSync(name) })),
  ];
}

/** Where a secret of the source stands that may stand nowhere: not in what was shown, nor in any object, nor in task logs. '' for none. */
export async function leaksOf(world: WorkflowWorld, canaries: readonly Canary[] = world.migration.history?.facts.canaries ?? []): Promise<string> {
  const { leaks, sources } = await scanForCanaries(canaries, shownBy(world), writtenIn(world), ...logFolders(world));
  return sources > 50 ? describeLeaks(leaks) : `Only ${sources} places were searched.`;
}

/** The same for what stands in a row of the history: the exported rows have it, and nothing else may. */
export async function rowLeaksOf(world: WorkflowWorld, canary: Canary): Promise<string> {
  return describeLeaks((await scanForCanaries([canary], shownBy(world), writtenIn(world, ({ name }) => !name.includes('.csv')), ...logFolders(world))).leaks);
}

/** Objects and log events of every account. */
async function* writtenIn({ migration }: WorkflowWorld, wanted: (source: ByteSource) => boolean = () => true): AsyncGenerator<ByteSource> {
  for (const account of migration.sandbox.spec.accounts) {
    for (const written of [objectsOf(migration, account), logEventsOf(migration, account)]) for await (const source of written) if (wanted(source)) yield source;
  }
}

const logFolders = ({ migration }: WorkflowWorld): readonly string[] => [SOURCE, TARGET].map((name) => path.join(migration.sandbox.environment(name).running.airflowHome, 'logs'));
