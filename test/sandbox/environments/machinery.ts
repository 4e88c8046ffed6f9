/** Runs real Airflow on real PostgreSQL for the sandbox: one server, any number of environments. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { AirflowMachinery, EnvironmentSettings } from './contract.js';
import { startEnvironment, type StartedEnvironment } from './environment.js';
import { startGuardian } from './guardian.js';
import { startPostgres, type PostgresServer } from './postgres.js';
import { templatesOf } from './template-database.js';

export type MachineryOptions = Readonly<{
  /** Temporary; every environment makes its folder below it. */
  workFolder: string;
  /** The AWS front. Without it there is no folder sync and task logs stay local. */
  endpointUrl: string | undefined;
  /** Environment variables that carry the execution role's credentials (container endpoint or keys). */
  credentialsEnv: (settings: EnvironmentSettings) => Promise<Readonly<Record<string, string>>>;
  log: (line: string) => void;
}>;

export interface Machinery extends AirflowMachinery {
  readonly postgres: PostgresServer;
  start(settings: EnvironmentSettings): Promise<StartedEnvironment>;
}

/** Starts PostgreSQL (1 s). @throws Error when it does not start */
export async function createMachinery(options: MachineryOptions): Promise<Machinery> {
  mkdirSync(options.workFolder, { recursive: true });
  const guardian = startGuardian();
  const postgres = await startPostgres(options.log, guardian);
  const templates = templatesOf(postgres, path.join(options.workFolder, 'templates'), options.log);
  const running = new Set<StartedEnvironment>();
  const start = async (settings: EnvironmentSettings): Promise<StartedEnvironment> => {
    const environment = await startEnvironment({ ...options, postgres, templates, guardian }, settings, (ended) => running.delete(ended));
    running.add(environment);
    return environment;
  };
  return {
    postgres,
    start,
    async clone(of, name) {
      const file = path.join(options.workFolder, `${name}.sql`);
      // A dump, not CREATE DATABASE … TEMPLATE: the original goes on running, and a template may have no connection.
      await postgres.dump(of.databaseUrl, file);
      // Task logs stay in its own folder: CloudWatch has no groups for it.
      return start({ ...of.settings, name, logging: { TaskLogs: { Enabled: false } }, database: { kind: 'dump', file, fernetKey: of.fernetKey } });
    },
    async close() {
      await Promise.allSettled([...running].map((environment) => environment.stop()));
      await postgres.stop();
      guardian.dismiss();
    },
  };
}
