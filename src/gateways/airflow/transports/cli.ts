/**
 * Commands by Airflow's CLI (design §4), for environments below 2.4.3, which no REST API reaches: CreateCliToken and a few commands on our own
 * DAG. What a command found comes back through the migration bucket, as with REST; what nobody else can tell is asked inside by command `look`.
 */
import { ownDagKey } from '../../../airflow/own-dags.js';
import type { Command, LookData } from '../../../airflow/protocol.js';
import { InternalError, UserError } from '../../../errors.js';
import type { AirflowEnvironment, CliAnswer } from '../../../ports.js';
import { runByDagRuns, type DagRuns } from './by-dag-runs.js';
import { failureIn, readRemove, readState, readTrigger, readUnpause, wordsFor, type Meaning } from './cli-words.js';
import { runIdOf } from './commands.js';
import { readRendered } from './dag-file.js';
import { notParsed, PARSE_MINUTES, removeDag, TELL_MS, type DagPlace } from './dag-placement.js';
import { lookInside } from './look-inside.js';
import type { Transport } from './transport.js';

/** Between two commands that are asked again: each starts a Python on the web server. */
const PAUSE_MS = 10_000;

export function openCliTransport<C extends Command>(transport: Transport): AirflowEnvironment<C> {
  const { side, description, mwaa, clock, log } = transport;
  const name = description.Name, dagId = 'db_export';
  if (side !== 'source') throw new InternalError(`Target "${name}" runs Airflow ${description.AirflowVersion}; no target is that old.`);
  const words = wordsFor(description.AirflowVersion);
  const place: DagPlace = { dagId, environment: name, bucket: transport.dagBucket, dagFolder: description.DagS3Path, clock, log };
  const key = ownDagKey(place.dagFolder, dagId);

  const ask = async <Known extends string>(command: readonly string[], read: (answer: CliAnswer) => Meaning<Known>): Promise<Known> => {
    requireActing(transport);
    const answer = await mwaa.cli(name, command);
    const meaning = read(answer);
    if (meaning !== 'unclear') return meaning;
    throw new UserError(
      `"${command.join(' ')}" fails in Airflow's CLI of "${name}".`, `its last word was: ${failureIn(answer)}`,
      'repair what it names (its database, an Airflow option that it cannot read), then run the phase again: it goes on where it stopped.',
    );
  };

  /** Asks until the DAG is known: to the database when the scheduler has read the file, to the web server when its own folder is synced. */
  const whenKnown = async <Known extends string>(until: number, look: () => Promise<Known | 'no such DAG'>): Promise<Known> => {
    const started = clock.now().getTime();
    for (let told = started; ; ) {
      const found = await look();
      if (found !== 'no such DAG') return found;
      const now = clock.now().getTime();
      if (now >= until) throw notParsed(name, dagId, `s3://${transport.dagBucket.name}/${key}`, Math.round((now - started) / 60_000), `Airflow knows no DAG ${dagId}`);
      if (now - told >= TELL_MS) {
        told = now;
        log.info(`Waiting for the scheduler of "${name}" to read the DAG file (${Math.round((now - started) / 1000)} s; new files are found by a folder scan, every 5 minutes by default).`);
      }
      await clock.sleep(PAUSE_MS);
    }
  };

  const stateOf = async (runId: string): Promise<string | undefined> => {
    const state = await ask(words.state(dagId, runId), readState);
    return state === 'none' ? undefined : state === 'no such DAG' ? 'unknown' : state;
  };
  const soon = (): number => clock.now().getTime() + PARSE_MINUTES * 60_000;

  const dagRuns: DagRuns = {
    looksPerQuestion: 15,
    // No list without reading every DAG file: only the tries that may be newer than what S3 tells are asked for.
    async list(command, attempt, { finished, seen }) {
      const found: { runId: string; state: string }[] = [];
      if ((await place.bucket.head(key)) === undefined) return found;
      for (let number = finished + 1; ; number += 1) {
        const runId = runIdOf(command, attempt, number), state = await stateOf(runId);
        if (state !== undefined && state !== 'unknown') found.push({ runId, state });
        else if (number > seen) return found;
      }
    },
    // Which rendering the scheduler has read is not told: a worker that still has an older one refuses, and the next try follows.
    async prepare(_, placedAt, deadline) {
      const until = Math.min(deadline, Math.max(placedAt, clock.now().getTime()) + PARSE_MINUTES * 60_000);
      await whenKnown(until, () => ask(words.unpause(dagId), (answer) => readUnpause(answer, dagId)));
    },
    async start(runId) {
      await whenKnown(soon(), () => ask(words.trigger(dagId, runId), (answer) => readTrigger(answer, dagId, runId)));
    },
    state: stateOf,
  };

  const run = runByDagRuns(transport, place, dagRuns);
  const remove = (): Promise<void> => removeDag(place, () => ask(words.remove(dagId), (answer) => readRemove(answer, dagId)));
  const look = async (since: string): Promise<LookData> => {
    requireActing(transport);
    return await lookInside({ transport, since, run, fileOf: async () => attemptOf(await place.bucket.read(key)), remove });
  };
  const onlyOfTargets = (what: string) => () => Promise.reject(new InternalError(`${what} is for targets, and "${name}" is a source.`));

  return {
    side,
    name,
    async run(command, order) {
      requireActing(transport);
      return await run(command, order);
    },
    hasDag: async () => (await place.bucket.head(key)) !== undefined,
    removeDag: async () => {
      requireActing(transport);
      await remove();
    },
    count: () => Promise.resolve(undefined),
    readVariable: onlyOfTargets('A variable'),
    removeVariable: onlyOfTargets('A variable'),
    listActiveDagIds: async () => (await look(clock.now().toISOString())).activeDags,
    listNamesakes: () => Promise.reject(new InternalError('Below 2.4.3 command preflight tells the namesakes.')),
    lookInside: async (since) => {
      if (transport.mayAct === false) {
        log.warn(`Whether "${name}" stands still is not looked at: ${NO_REST(description.AirflowVersion)}, and a dry run starts nothing there.`);
        return undefined;
      }
      return await look(since);
    },
  };
}

/** -1: somebody has changed the file. */
const attemptOf = (file: Readonly<{ body: Buffer }> | undefined): number | undefined => file && (readRendered(file.body.toString('utf8'))?.attempt ?? -1);

const NO_REST = (version: string): string => `Airflow ${version} has no REST API that AWS reaches`;

/** The plan role may not have a CLI token, for it could do anything with it; and a dry run starts nothing. */
function requireActing({ description, mayAct = true }: Transport): void {
  if (mayAct) return;
  throw new UserError(
    `Airflow of "${description.Name}" is not asked here.`,
    `${NO_REST(description.AirflowVersion)}: asking it takes a DAG run inside, which the plan role and a dry run do not start.`,
    'run the phase itself with source-role; the numbers of this environment are in the report of the rehearsal (phase export).',
  );
}
