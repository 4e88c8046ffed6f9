/** The process environment of an environment's components, in the order of precedence of MWAA's images. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { EnvironmentSettings } from './contract.js';
import { isAtLeast, type Release } from './releases.js';

export type Secrets = Readonly<{ fernetKey: string; webserverKey: string; databaseUrl: string }>;

export type VariablesInput = Readonly<{
  settings: EnvironmentSettings;
  release: Release;
  /** AIRFLOW_HOME; HOME is its folder `home`. */
  airflowHome: string;
  /** Folder `bin` of the installation. */
  programs: string;
  secrets: Secrets;
  webserverPort: number;
  endpointUrl: string | undefined;
  /** The execution role's, as a container gets them. */
  credentials: Readonly<Record<string, string>>;
  /** What the startup script exported. */
  startup: Readonly<Record<string, string>>;
}>;

/** Nothing is inherited from the sandbox's own environment. Later layers win: own defaults, MWAA's, startup script, user's options, protected. */
export function airflowVariables(input: VariablesInput): Readonly<Record<string, string>> {
  return { ...lightDefaults(), ...opinionated(), ...input.startup, ...userOptions(input.settings.options), ...protectedVariables(input), ...taskLogs(input) };
}

/** 32 random bytes in Fernet's own alphabet. */
export const newFernetKey = (): string => `${randomBytes(32).toString('base64url')}=`;

/** AIRFLOW__SECTION__KEY for `section.key`. */
export function optionVariable(option: string): string {
  const [section = '', ...key] = option.split('.');
  return `AIRFLOW__${section}__${key.join('_')}`.toUpperCase();
}

const userOptions = (options: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(options).map(([option, value]) => [optionVariable(option), value]));

/** Ours: many environments share two cores. They change how much and how soon, never what happens. */
function lightDefaults(): Readonly<Record<string, string>> {
  return {
    AIRFLOW__CORE__PARALLELISM: '16', // LocalExecutor forks this many workers at once; not below max_tis_per_query (16)
    AIRFLOW__SCHEDULER__PARSING_PROCESSES: '1',
    AIRFLOW__SCHEDULER__MAX_THREADS: '1', // its name below 1.10.14
    AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL: '5', // 300 by default: nobody wants to wait that long for a new file
    AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL: '5', // its name since 3.0
    AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES: '1',
    AIRFLOW__WEBSERVER__AUTH_RATE_LIMITED: 'False',
    AIRFLOW__FAB__AUTH_RATE_LIMITED: 'False',
    AIRFLOW__WEBSERVER__SHOW_TRIGGER_FORM_IF_NO_PARAMS: 'False',
  };
}

/**
 * What MWAA sets unless the user says otherwise (public images, python/mwaa/config/airflow.py).
 * Left out: EXECUTE_TASKS_NEW_PYTHON_INTERPRETER, which costs 3 s of CPU for each task.
 */
function opinionated(): Readonly<Record<string, string>> {
  return {
    AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES: 'proxy,proxies',
    AIRFLOW__SCHEDULER__SCHEDULE_AFTER_TASK_EXECUTION: 'False',
    AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT: '1800.0',
    AIRFLOW__SECRETS__BACKEND_KWARGS: '{"connections_lookup_pattern": "^(?!aws_default$).*$"}',
    AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'False',
    AIRFLOW_CONN_AWS_DEFAULT: 'aws://',
  };
}

/** What no user may change. */
function protectedVariables({ settings, release, airflowHome, programs, secrets, webserverPort, endpointUrl, credentials }: VariablesInput): Readonly<Record<string, string>> {
  const baseUrl = `http://127.0.0.1:${webserverPort}`;
  return {
    PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`, HOME: path.join(airflowHome, 'home'), LANG: 'C.UTF-8', TZ: 'UTC', PYTHONUNBUFFERED: '1',
    AIRFLOW_HOME: airflowHome, AIRFLOW_VERSION: settings.airflowVersion, AIRFLOW_ENV_NAME: settings.name,
    AWS_EXECUTION_ENV: 'Amazon_MWAA_2103', AWS_REGION: settings.region, AWS_DEFAULT_REGION: settings.region, AWS_EC2_METADATA_DISABLED: 'true',
    ...(endpointUrl === undefined ? {} : { AWS_ENDPOINT_URL: endpointUrl }), ...credentials,
    AIRFLOW__CORE__EXECUTOR: 'LocalExecutor', AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW__CORE__LOAD_DEFAULT_CONNECTIONS: 'False', AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS: 'False',
    AIRFLOW__CORE__FERNET_KEY: secrets.fernetKey,
    // Its section moved with 2.3; the old name beside the new one warns at every start.
    [`AIRFLOW__${isAtLeast(release.version, '2.3') ? 'DATABASE' : 'CORE'}__SQL_ALCHEMY_CONN`]: secrets.databaseUrl,
    AIRFLOW__CORE__DAGS_FOLDER: path.join(airflowHome, 'dags'), AIRFLOW__CORE__PLUGINS_FOLDER: path.join(airflowHome, 'plugins'),
    AIRFLOW__LOGGING__BASE_LOG_FOLDER: path.join(airflowHome, 'logs'), AIRFLOW__CORE__BASE_LOG_FOLDER: path.join(airflowHome, 'logs'),
    // MWAA runs the DAG processor as a process of its own; a child of the scheduler does the same work with one Python less. 3.x has only the former.
    AIRFLOW__SCHEDULER__STANDALONE_DAG_PROCESSOR: 'False',
    AIRFLOW__WEBSERVER__BASE_URL: baseUrl, AIRFLOW__WEBSERVER__SECRET_KEY: secrets.webserverKey, AIRFLOW__WEBSERVER__COOKIE_SECURE: 'False', AIRFLOW__WEBSERVER__RBAC: 'True',
    AIRFLOW__API__AUTH_BACKENDS: authBackends(release.version), AIRFLOW__API__AUTH_BACKEND: `airflow.api.auth.backend.${isAtLeast(release.version, '2.0') ? 'basic_auth' : 'deny_all'}`,
    ...(isAtLeast(release.version, '3.0') ? airflow3(baseUrl, secrets) : {}),
  };
}

/** The FAB provider has the first since 2.9, where the old name warns at every start. */
const authBackends = (version: string): string =>
  `${isAtLeast(version, '2.9') ? 'airflow.providers.fab.auth_manager.api.auth.backend.basic_auth' : 'airflow.api.auth.backend.basic_auth'},airflow.api.auth.backend.session`;

const airflow3 = (baseUrl: string, secrets: Secrets): Readonly<Record<string, string>> => ({
  AIRFLOW__CORE__AUTH_MANAGER: 'airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager',
  AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `${baseUrl}/execution/`,
  AIRFLOW__API__BASE_URL: baseUrl, AIRFLOW__API__SECRET_KEY: secrets.webserverKey, AIRFLOW__API_AUTH__JWT_SECRET: secrets.fernetKey,
});

/** Task logs go to the group airflow-<name>-Task where there is a CloudWatch Logs to take them (MWAA user guide, monitoring). */
function taskLogs({ settings, endpointUrl }: VariablesInput): Readonly<Record<string, string>> {
  const task = settings.logging.TaskLogs;
  const level = task?.LogLevel ?? 'INFO';
  // Below 2.4 watchtower (0.7, 1.0) waits in a forked task for ever for a thread that only its parent has [seen, 2.2.2], and 1.10 has none. On MWAA a task
  // gets a new interpreter.
  const isRemote = endpointUrl !== undefined && isAtLeast(settings.airflowVersion, '2.4') && (task?.Enabled ?? true);
  const group = `cloudwatch://arn:aws:logs:${settings.region}:${settings.account}:log-group:airflow-${settings.name}-Task`;
  return Object.fromEntries(['LOGGING', 'CORE'].flatMap((section) => [
    [`AIRFLOW__${section}__LOGGING_LEVEL`, level],
    [`AIRFLOW__${section}__REMOTE_LOGGING`, isRemote ? 'True' : 'False'],
    ...(isRemote ? [[`AIRFLOW__${section}__REMOTE_BASE_LOG_FOLDER`, group], [`AIRFLOW__${section}__REMOTE_LOG_CONN_ID`, 'aws_default']] : []),
  ]));
}
