/** Walks environments through their statuses in the background, as AWS does behind CreateEnvironment, UpdateEnvironment and DeleteEnvironment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AirflowMachinery } from '../../environments/contract.js';
import type { World } from '../../front/contract.js';
import { INCORRECT_CONFIGURATION, type Orders } from './control.js';
import { type EnvironmentRecord, type Extras, type Fields, LOG_MODULES, logGroupName, type Problem, settingsOf } from './environment-record.js';
import { missingPermissions } from './execution-role.js';
import type { StartWebServerHost } from './web-server-host.js';

/** Extra seconds in each status, besides the time the real work takes. AWS needs 20 to 40 minutes; tests take 0. */
export type Delays = Readonly<{ creating: number; updating: number; snapshot: number; deleting: number }>;

export type LifecycleDependencies = Readonly<{
  world: World;
  machinery: AirflowMachinery;
  startHost: StartWebServerHost;
  createLogGroup: (group: Readonly<{ account: string; region: string; name: string; kmsKey: string | undefined }>) => Promise<void>;
  extras: (record: EnvironmentRecord) => Extras;
  delays: Delays;
  orders: Orders;
  /** Told of failures with their whole cause: LastUpdate.Error holds 1,024 characters. */
  report: (line: string) => void;
  /** Told when a creation has ended in AVAILABLE. */
  onAvailable: (record: EnvironmentRecord) => void;
}>;

export function createLifecycle({ world, machinery, startHost, createLogGroup, extras, delays, orders, report, onAvailable }: LifecycleDependencies) {
  /** Resolvers of environments that wait in PENDING. */
  const waiting = new Map<EnvironmentRecord, () => void>();

  const finish = (record: EnvironmentRecord, status: EnvironmentRecord['status'], error?: Problem) => {
    record.status = status;
    record.lastUpdate = { status: error ? 'FAILED' : 'SUCCESS', at: world.clock.now(), error };
  };
  const problemOf = (record: EnvironmentRecord, doing: string, error: unknown): Problem => {
    report(`${record.name}: ${doing} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { code: 'INTERNAL_FAILURE', message: error instanceof Error ? error.message : String(error) };
  };

  /** @returns what ends the creation in CREATE_FAILED */
  async function provision(record: EnvironmentRecord): Promise<Problem | undefined> {
    const ordered = orders.takeCreationFailure(record.name);
    if (ordered) return ordered;
    const missing = missingPermissions(world.authorizer, record);
    if (missing.length > 0) return { ...INCORRECT_CONFIGURATION, message: `The execution role ${record.fields.ExecutionRoleArn} lacks ${missing.join(', ')}. ${INCORRECT_CONFIGURATION.message}` };
    for (const module of Object.keys(LOG_MODULES) as (keyof typeof LOG_MODULES)[]) {
      if (!record.fields.LoggingConfiguration[module]?.Enabled) continue;
      try {
        await createLogGroup({ account: record.account, region: record.region, name: logGroupName(record.name, module), kmsKey: record.fields.KmsKey });
      } catch (error) {
        return { ...INCORRECT_CONFIGURATION, message: `Log group ${logGroupName(record.name, module)} cannot be created: ${error instanceof Error ? error.message : String(error)}` };
      }
    }
    if (record.fields.EndpointManagement === 'CUSTOMER') {
      record.status = 'PENDING';
      await new Promise<void>((resolve) => waiting.set(record, resolve));
      record.status = 'CREATING';
    }
    if (isGoing(record)) return undefined;
    record.running = await machinery.start(settingsOf(record, extras(record)));
    record.host = await startHost(record);
    return undefined;
  }

  return {
    create(record: EnvironmentRecord): void {
      record.work = (async () => {
        await sleep(delays.creating * 1000);
        const problem = await provision(record).catch((error: unknown) => problemOf(record, 'creation', error));
        if (isGoing(record)) return;
        finish(record, problem ? 'CREATE_FAILED' : 'AVAILABLE', problem);
        if (!problem) onAvailable(record);
      })();
    },

    /** @param fields after the update; the old ones come back when it fails */
    update(record: EnvironmentRecord, fields: Fields): void {
      const before = record.fields;
      const isNewVersion = fields.AirflowVersion !== before.AirflowVersion;
      record.status = 'UPDATING';
      record.lastUpdate = { status: 'PENDING', at: world.clock.now() };
      record.work = (async () => {
        await sleep(delays.updating * 1000);
        if (isNewVersion) {
          // UPDATING → CREATING_SNAPSHOT → UPDATING → AVAILABLE ("Upgrading the Apache Airflow version").
          record.status = 'CREATING_SNAPSHOT';
          await sleep(delays.snapshot * 1000);
          record.status = 'UPDATING';
        }
        record.fields = fields;
        const ordered = orders.takeUpdateFailure(record.name);
        const problem = ordered?.problem ?? (await apply(record));
        if (isGoing(record)) return;
        if (!problem) {
          orders.update(record.name);
          return finish(record, 'AVAILABLE');
        }
        record.status = 'ROLLING_BACK';
        record.fields = before;
        const rollback = ordered ? undefined : await apply(record);
        if (isGoing(record)) return;
        finish(record, rollback || ordered?.ending === 'UNAVAILABLE' ? 'UNAVAILABLE' : 'UPDATE_FAILED', problem);
      })();
    },

    /** @param gone called when nothing of it is left */
    remove(record: EnvironmentRecord, gone: () => void): void {
      const earlier = record.work;
      record.status = 'DELETING';
      waiting.get(record)?.();
      record.work = (async () => {
        await earlier;
        await sleep(delays.deleting * 1000);
        await this.stop(record);
        record.status = 'DELETED';
        gone();
      })();
    },

    createEndpoints(record: EnvironmentRecord): void {
      waiting.get(record)?.();
      waiting.delete(record);
    },

    /** Ends host and Airflow; what fails is reported, so that the others still end. */
    async stop(record: EnvironmentRecord): Promise<void> {
      waiting.get(record)?.();
      await record.host?.close().catch((error: unknown) => void problemOf(record, 'ending the web server host', error));
      await record.running?.stop().catch((error: unknown) => void problemOf(record, 'ending Airflow', error));
      record.host = undefined;
      record.running = undefined;
    },
  };

  async function apply(record: EnvironmentRecord): Promise<Problem | undefined> {
    try {
      await record.running?.applySettings(settingsOf(record, extras(record)));
      return undefined;
    } catch (error) {
      return problemOf(record, 'update', error);
    }
  }
}
export type Lifecycle = ReturnType<typeof createLifecycle>;

/** DeleteEnvironment has come in between: whoever still works on the environment leaves its status alone. */
const isGoing = (record: EnvironmentRecord) => record.status === 'DELETING' || record.status === 'DELETED';
