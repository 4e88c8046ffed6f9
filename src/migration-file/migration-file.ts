/** Settings of the target that say something else than the source's of the same name: left as they are, or written over. */
/** fnmatch patterns over DAG ids; an empty `include` takes all. */
export type DagPatterns = Readonly<{ include: readonly string[]; exclude: readonly string[] }>;
export type OnConflict = Readonly<Record<'variables' | 'connections' | 'pools', 'keep' | 'replace'>>;

/** The file that input `config` names, after defaults; shapes and names as in docs/reference/migration-file.md. */
export type MigrationFile = Readonly<{
  /** Names the migration everywhere; default `<source>-to-<target>`. */
  id: string;
  source: Readonly<{ environment: string; region: string; /** For phase check, which may not ask AWS. */ airflowVersion: string | undefined }>;
  target: Readonly<{
    environment: string;
    region: string;
    airflowVersion: string;
    /** Overrides of Airflow options; null removes one. */
    configuration: Readonly<Record<string, string | null>>;
    /** 'clone', or the ARN of a role that exists. */
    executionRole: string;
    /** Overrides of CreateEnvironment fields: class, workers, network, … by their API names. */
    environmentOverrides: Readonly<Record<string, unknown>>;
    /** Bucket of the target's resources; default: the source's bucket. */
    bucket: string | undefined;
    /** Key prefix of the target's resources; default `<target environment>/`. */
    prefix: string;
    /** 'mwaa-migrate' creates the environment; 'external' waits for one that IaC owns. */
    create: 'mwaa-migrate' | 'external';
  }>;
  /** Paths in the repository, for check and plan; undefined: where they usually are. */
  resources: Readonly<{ from: 'source' | 'repository'; dags: string; /** False: `dags` is the default; that folder need not be there. */ isDagsNamed?: boolean; requirements: string | undefined; plugins: string | undefined }>;
  metadata: Readonly<{ historyDays: number | 'all'; auditLogDays: number | 'all'; dags: DagPatterns; xcom: boolean; xcomMaxBytes: number | null; jobs: boolean; taskReschedule: boolean; variables: boolean; connections: boolean; onConflict: OnConflict }>;
  logs: Readonly<{ tasks: 'failed' | 'all' | 'none'; maxDays: number }>;
  drain: Readonly<{ timeoutMinutes: number; taskMinutes: number; leftover: 'resume' | 'fail' | 'abort'; resumeDeferred: boolean }>;
  cutover: Readonly<{ canary: readonly string[]; canaryMinutes: number; batchSize: number; batchPauseSeconds: number; missedIntervals: 'report' | 'run' }>;
  /** GitHub logins, for gate: dispatch. */
  approvers: readonly string[];
  /** `{account}` and `{region}` in the name stand for the source's. */
  bucket: Readonly<{ name: string; kmsKey: string | undefined }>;
}>;
