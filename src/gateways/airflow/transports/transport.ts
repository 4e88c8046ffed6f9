/** What every way into an environment is made of. */
import type { Side } from '../../../airflow/protocol.js';
import type { Bucket, Clock, EnvironmentDescription, Log, Mwaa } from '../../../ports.js';

export type Transport = Readonly<{
  side: Side;
  description: EnvironmentDescription;
  mwaa: Mwaa;
  /** The environment's own bucket, where its DAG folder lies. */
  dagBucket: Bucket;
  migration: Bucket;
  /** The migration's prefix, with "/" at its end. */
  prefix: string;
  readDag: (name: 'db_export' | 'db_import') => Promise<string>;
  clock: Clock;
  log: Log;
  /** False for the plan role and in a dry run: nothing may be written or started. */
  mayAct?: boolean;
}>;
