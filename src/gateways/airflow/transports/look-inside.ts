/** What moves in an environment that no REST API reaches: asked from inside by command `look`, with a DAG file of its own for as long as it takes. */
import { PROTOCOL_SCHEMA, type Command, type DataOf, type Job, type LookData } from '../../../airflow/protocol.js';
import { InternalError } from '../../../errors.js';
import type { Order } from '../../../ports.js';
import type { Transport } from './transport.js';

/** No attempt has this number: whoever looks disturbs none of them, and none takes an old look for an answer. */
const LOOK_ATTEMPT = 0;
/** Minutes: a new DAG file is found within 5 by default. */
const LOOK_MINUTES = 20;

export type Looking = Readonly<{
  transport: Transport;
  /** ISO 8601; runs that began from then on are told. */
  since: string;
  run: <K extends Command>(command: K, order: Order) => Promise<DataOf[K]>;
  /** Attempt of our DAG file that is there; undefined: none is. */
  fileOf: () => Promise<number | undefined>;
  remove: () => Promise<void>;
}>;

export async function lookInside({ transport, since, run, fileOf, remove }: Looking): Promise<LookData> {
  // One of an attempt belongs to a phase that is at work, or was killed: whoever goes on with it takes it away.
  const before = await fileOf();
  transport.log.info(`Asking "${transport.description.Name}" from inside what moves there; its Airflow ${transport.description.AirflowVersion} cannot be asked from outside.`);
  const found = await run('look', { attempt: LOOK_ATTEMPT, job: jobOf(transport, since), timeoutMinutes: LOOK_MINUTES, fresh: true });
  if (before === undefined || before === LOOK_ATTEMPT) await remove();
  return found;
}

/** All that a command without an attempt reads of a job. */
function jobOf({ side, prefix, description }: Transport, since: string): Job {
  const [, , to, migrationId] = /^data\/migration\/([^/]+)_to_([^/]+)\/([^/]+)\/$/u.exec(prefix) ?? [];
  if (!to || !migrationId) throw new InternalError(`"${prefix}" is no prefix of a migration.`);
  const job = { schema: PROTOCOL_SCHEMA, migrationId, attempt: LOOK_ATTEMPT, side, mode: 'rehearsal', sourceVersion: description.AirflowVersion, targetVersion: to, tables: [], activeDags: [], since } satisfies Partial<Job>;
  return job as unknown as Job;
}
