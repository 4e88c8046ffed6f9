/** What the MWAA service of the front asks of the machinery that runs real Airflow. */
export type AirflowRole = 'Admin' | 'Op' | 'User' | 'Viewer' | 'Public';

export type EnvironmentSettings = Readonly<{
  name: string; account: string; region: string; airflowVersion: string;
  /** Bucket name and folder from which DAGs are synced every `syncSeconds`. */
  bucket: string; dagPath: string;
  pluginsPath?: string | undefined; pluginsVersion?: string | undefined;
  requirementsPath?: string | undefined; requirementsVersion?: string | undefined;
  startupScriptPath?: string | undefined; startupScriptVersion?: string | undefined;
  executionRoleArn: string;
  /** section.key → value, as AirflowConfigurationOptions gives them. */
  options: Readonly<Record<string, string>>;
  logging: Readonly<Record<string, { Enabled?: boolean; LogLevel?: string }>>;
  /** How the database begins. `dump`: an SQL file with its Fernet key. `url`: an existing PostgreSQL. Default: empty. */
  database?: Readonly<{ kind: 'empty' }> | Readonly<{ kind: 'dump'; file: string; fernetKey: string }> | Readonly<{ kind: 'template'; name: string; fernetKey: string }> | Readonly<{ kind: 'url'; url: string; fernetKey: string }>;
  syncSeconds: number;
  /** Runs a triggerer where the version has one (≥ 2.2). Default: none, so that a deferred task stays deferred and two cores stay free. */
  triggerer?: boolean | undefined;
}>;

export interface RunningEnvironment {
  readonly settings: EnvironmentSettings;
  /** Loopback address of the real web server, e.g. http://127.0.0.1:41231 */
  readonly webserverUrl: string;
  readonly databaseUrl: string;
  readonly fernetKey: string;
  /** Process ids of its process groups, for crash tests. */
  readonly processGroups: readonly number[];
  /** Its AIRFLOW_HOME, with the folders dags, plugins, logs and components. */
  readonly airflowHome: string;
  /** Admin login for a browser. */
  readonly login: Readonly<{ username: string; password: string }>;
  /** One REST call as this Airflow role; `path` starts behind /api/v1. */
  rest(role: AirflowRole, request: Readonly<{ method: string; path: string; query: URLSearchParams; body?: string | undefined }>): Promise<Readonly<{ status: number; body: string }>>;
  /** `airflow <args…>` in the environment, 10-minute limit. */
  cli(args: readonly string[]): Promise<Readonly<{ code: number; stdout: string; stderr: string }>>;
  /** Pulls the DAG folder from S3 at once, instead of at the next interval. */
  syncNow(): Promise<void>;
  applySettings(settings: EnvironmentSettings): Promise<void>;
  /** Ends every process of it, by id; drops the database unless it was given by URL. */
  stop(options?: Readonly<{ keepDatabase?: boolean }>): Promise<void>;
}

export interface AirflowMachinery {
  /** Installs (cached), creates the database, starts scheduler and web server, waits until both are healthy. @throws Error with the log's tail */
  start(settings: EnvironmentSettings): Promise<RunningEnvironment>;
  /** Real machinery only: one more environment of the same version and settings, on a copy of the other's database as it is now. */
  clone?(of: RunningEnvironment, name: string): Promise<RunningEnvironment>;
  close(): Promise<void>;
}
