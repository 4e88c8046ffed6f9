/** One running environment: its folder, database, processes and folder sync. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { startComponents, waitUntilHealthy } from './airflow-components.js';
import { prepareAirflowHome } from './airflow-home.js';
import { airflowArguments, ensureAirflow, type Installation } from './airflow-installation.js';
import { airflowVariables, newFernetKey } from './airflow-variables.js';
import { openBucket } from './bucket-folder.js';
import { runCommand } from './command.js';
import { tailOf, type Component } from './component.js';
import type { EnvironmentSettings, RunningEnvironment } from './contract.js';
import { createEnvironmentDatabase, type EnvironmentDatabase } from './environment-database.js';
import { startFolderSync, type FolderSync } from './folder-sync.js';
import type { Guardian } from './guardian.js';
import type { MachineryOptions } from './machinery.js';
import { freePort } from './free-port.js';
import type { PostgresServer } from './postgres.js';
import { endSessions } from './process-tree.js';
import { restClient } from './rest-client.js';
import type { Templates } from './template-database.js';
import { newLogins, usersSql } from './users.js';
import { installWorkflowResources } from './workflow-resources.js';

export interface StartedEnvironment extends RunningEnvironment {
  /** AIRFLOW_HOME: dags, plugins, logs, and the components' output in components/<name>.txt. */
  readonly airflowHome: string;
}

export type EnvironmentContext = MachineryOptions & Readonly<{ postgres: PostgresServer; templates: Templates; guardian: Guardian }>;

const HEALTH_SECONDS = 180, CLI_SECONDS = 600;
/** What a component gets to close its files when its database is kept; one whose database goes too has nothing to save. */
const GRACE_MILLISECONDS = 5000;

/** @throws Error with the log's tail; nothing of the environment is left then */
export async function startEnvironment(context: EnvironmentContext, first: EnvironmentSettings, onStop: (environment: StartedEnvironment) => void): Promise<StartedEnvironment> {
  const { log, postgres, endpointUrl } = context;
  const airflowHome = mkdtempSync(path.join(context.workFolder, `${first.name}-`));
  context.guardian.watchFolder(airflowHome);
  const webserverPort = await freePort();
  const webserverUrl = `http://127.0.0.1:${webserverPort}`;
  const logins = newLogins(), webserverKey = randomBytes(24).toString('hex');
  const fernetKey = first.database !== undefined && first.database.kind !== 'empty' ? first.database.fernetKey : newFernetKey();

  let settings = first;
  let database: EnvironmentDatabase | undefined;
  let installation: Installation | undefined;
  let variables: Readonly<Record<string, string>> = {};
  let components: Component[] = [];
  let sync: FolderSync | undefined;
  let credentials: Readonly<Record<string, string>> = {};
  let rest: ReturnType<typeof restClient> | undefined;
  const commands = new Set<number>();

  const secrets = (): readonly string[] => [
    fernetKey, webserverKey, ...Object.values(logins).map(({ password }) => password), ...(database ? [database.url, database.password] : []),
    ...Object.entries(credentials).flatMap(([name, value]) => (/SECRET|TOKEN/.test(name) ? [value] : [])),
  ];
  const sessions = (): readonly number[] => [...components.map(({ pid }) => pid), ...commands];
  const onEnd = (component: Component, how: string): void => {
    // Those that we end ourselves are taken from the list first.
    if (components.includes(component)) log(`${settings.name}: the ${component.name} ended with ${how}.\n${tailOf(component.logFile, secrets(), 15)}`);
  };

  async function up(): Promise<void> {
    const started = Date.now();
    prepareAirflowHome(airflowHome);
    const base = await ensureAirflow(settings.airflowVersion, log);
    credentials = await context.credentialsEnv(settings);
    rest = restClient(settings.airflowVersion, webserverUrl, logins);
    const bucket = endpointUrl === undefined ? undefined : openBucket(settings, endpointUrl, credentials);
    const ownDatabase = (database ??= await createEnvironmentDatabase(context, settings, base));
    const variablesOf = (programs: string, startup: Readonly<Record<string, string>>) => airflowVariables({
      settings, release: base.release, airflowHome, programs, webserverPort, endpointUrl, credentials, startup,
      secrets: { fernetKey, webserverKey, databaseUrl: ownDatabase.url },
    });
    const { installation: own, startup } = bucket === undefined
      ? { installation: base, startup: {} }
      : await installWorkflowResources({ settings, base, airflowHome, bucket, log }, variablesOf(path.dirname(base.python), {}));
    installation = own;
    variables = variablesOf(path.dirname(own.python), startup);
    // Without the user's requirements and startup script, as MWAA's migrate-db container.
    await ownDatabase.bringToSchema(base, variablesOf(path.dirname(base.python), {}));
    sync = bucket === undefined ? undefined : await startFolderSync({ bucket, settings, folder: path.join(airflowHome, 'dags'), log });
    await startComponents({ installation: own, variables, airflowHome, webserverPort, withTriggerer: settings.triggerer ?? false, onEnd }, (component) => {
      components.push(component);
      context.guardian.watch(component.pid);
    });
    await waitUntilHealthy(settings.airflowVersion, webserverUrl, components, secrets(), HEALTH_SECONDS);
    // Now, not earlier: an older database may get its roles only from the web server.
    await postgres.psql(ownDatabase.url, usersSql(logins));
    log(`${settings.name}: Airflow ${settings.airflowVersion} is healthy after ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  }

  async function down(graceMilliseconds: number): Promise<void> {
    await sync?.stop();
    sync = undefined;
    const ending = sessions();
    components = [];
    commands.clear();
    await endSessions(ending, graceMilliseconds);
    ending.forEach((pid) => context.guardian.release(pid));
  }

  async function stop({ keepDatabase = false }: Readonly<{ keepDatabase?: boolean }> = {}): Promise<void> {
    await down(keepDatabase || settings.database?.kind === 'url' ? GRACE_MILLISECONDS : 0);
    if (!keepDatabase) await database?.drop();
    rmSync(airflowHome, { recursive: true, force: true });
    onStop(environment);
  }

  const environment: StartedEnvironment = {
    get settings() { return settings; },
    airflowHome, webserverUrl, fernetKey,
    get databaseUrl() { return database?.url ?? ''; },
    get processGroups() { return components.map(({ pid }) => pid); },
    login: logins.Admin,
    async rest(role, request) {
      if (rest === undefined) throw new Error(`${settings.name} is not running.`);
      return rest(role, request);
    },
    async cli(args) {
      if (installation === undefined) throw new Error(`${settings.name} is not running.`);
      return runCommand(installation.python, airflowArguments(installation, args), { env: variables, folder: airflowHome, timeoutSeconds: CLI_SECONDS, sessions: commands });
    },
    async syncNow() {
      await sync?.now();
    },
    async applySettings(next) {
      await down(GRACE_MILLISECONDS);
      settings = next;
      await up();
    },
    stop,
  };
  try {
    mkdirSync(airflowHome, { recursive: true });
    await up();
    return environment;
  } catch (error) {
    await stop();
    throw error;
  }
}
