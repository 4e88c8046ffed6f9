/**
 * What the phases ask of the outside world, in our words; src/gateways implements it, tests double it. No SDK type crosses this file.
 * A phase takes only the members it uses: `Pick<Context, 'source' | 'journal'>`.
 */
import type { CheckReport } from './check/check-report.js';
import type { Command, DataOf, Job, LookData, ObjectRef, Progress, Side, SourceCommand, TargetCommand } from './airflow/protocol.js';
import type { Gatekeeper } from './gatekeeper.js';
import type { Inputs } from './inputs.js';
import type { Journal } from './journal/journal.js';
import type { MigrationFile } from './migration-file/migration-file.js';
import type { ReferenceSources } from './reference-sources.js';

export type Clock = Readonly<{ now: () => Date; sleep: (milliseconds: number) => Promise<void> }>;

/** One fact per line, in the words of style.md §3, never the value of a variable or connection. */
export type Log = Readonly<{ info: (line: string) => void; warn: (line: string) => void; group: <T>(title: string, work: () => Promise<T>) => Promise<T> }>;

/** GetEnvironment's answer as it came: fields this release does not know are kept, so that plan can show them. */
export type EnvironmentDescription = Readonly<Record<string, unknown>> &
  Readonly<{
    Name: string;
    Arn: string;
    Status: string;
    AirflowVersion: string;
    ExecutionRoleArn: string;
    SourceBucketArn: string;
    DagS3Path: string;
    WebserverUrl?: string;
    WebserverAccessMode?: string;
    KmsKey?: string;
    AirflowConfigurationOptions?: Readonly<Record<string, string>>;
    Tags?: Readonly<Record<string, string>>;
    LastUpdate?: Readonly<Record<string, unknown>>;
  }>;

/** MWAA of one region seen through one role. */
export interface Mwaa {
  readonly region: string;
  /** undefined: there is none of that name. @throws UserError when the role may not look. */
  get(name: string): Promise<EnvironmentDescription | undefined>;
  list(): Promise<readonly string[]>;
  /** Fields as CreateEnvironment takes them, Name included. Newer fields than the SDK knows are sent as they are. */
  create(fields: Readonly<Record<string, unknown>>): Promise<void>;
  /** @throws UserError for a 4xx of the service itself; Airflow's own 4xx and 5xx come back as an answer. */
  rest(name: string, request: RestRequest): Promise<RestAnswer>;
  /**
   * `airflow <words…>` on the web server. There is no exit status: what was done must be read from the text.
   * @throws UserError when the web server does not run it
   */
  cli(name: string, words: readonly string[]): Promise<CliAnswer>;
}
export type CliAnswer = Readonly<{ stdout: string; stderr: string }>;
export type RestRequest = Readonly<{
  /** ≤ 64 characters, without /api/v1. */
  path: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  query?: Readonly<Record<string, string | number | boolean>>;
  body?: unknown;
  /** Ends the call; it is not repeated then. */
  signal?: AbortSignal;
}>;
export type RestAnswer = Readonly<{ status: number; body: unknown }>;

export type StoredObject = Readonly<{ key: string; bytes: number; etag: string; versionId: string | undefined; modified: Date }>;

/** `versionId` is "null" for what was written without versioning. */
export type ObjectVersion = Readonly<{ versionId: string; bytes: number; modified: Date; isNewest: boolean }>;

/** One bucket through one role; every request names the owner it expects. */
export interface Bucket {
  readonly name: string;
  readonly region: string;
  readonly ownerAccountId: string;
  /** undefined: no such object (or version). */
  read(key: string, versionId?: string): Promise<Readonly<{ body: Buffer; etag: string; versionId: string | undefined }> | undefined>;
  head(key: string, versionId?: string): Promise<(StoredObject & Readonly<{ metadata: Readonly<Record<string, string>> }>) | undefined>;
  write(key: string, body: Buffer | string, options?: WriteOptions): Promise<ObjectRef>;
  /** Writes if the key is free. "taken": somebody was first, and their object is untouched. */
  writeOnce(key: string, body: Buffer | string): Promise<'written' | 'taken'>;
  /** Replaces exactly the object with this ETag. "changed": it is another one by now. */
  replace(key: string, body: Buffer | string, etag: string): Promise<'written' | 'changed'>;
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Versions of one object, the newest first, without reading it. */
  versions(key: string): Promise<readonly ObjectVersion[]>;
  remove(key: string, versionId?: string): Promise<void>;
  /** How many versions, delete markers and open multipart uploads there are below the prefix. */
  countBelow(prefix: string): Promise<number>;
  /** Every version and delete marker below the prefix, and every open multipart upload. Returns how many went. */
  purge(prefix: string): Promise<number>;
  /** Server-side copy of one version into this bucket; multipart above 5 GiB. `metadata` replaces the object's own when given. */
  copyFrom(from: Readonly<{ bucket: string; ownerAccountId: string; key: string; versionId?: string | undefined; bytes: number }>, key: string,
    metadata?: Readonly<Record<string, string>>): Promise<Readonly<{ versionId: string | undefined }>>;
}
export type WriteOptions = Readonly<{ contentType?: string; cacheControl?: string; metadata?: Readonly<Record<string, string>> }>;

/** The bucket as a resource: created, encrypted, versioned, and opened to the two execution roles by its own policy. */
export interface BucketAdmin {
  exists(name: string): Promise<boolean>;
  /** Settings that MWAA wants of an environment's bucket. @throws UserError when the role may not look */
  look(name: string): Promise<Readonly<{ name: string; exists: boolean; isVersioned: boolean | undefined; isClosedToPublic: boolean | undefined }>>;
  /** Creates it with versioning, the four public access blocks and default encryption; does nothing that is there already. */
  ensure(name: string, kmsKeyArn: string | undefined): Promise<'created' | 'there'>;
  /** Adds or replaces the statements with our Sids in the bucket's policy, and leaves everybody else's as they are. */
  grant(name: string, statements: readonly Readonly<Record<string, unknown>>[]): Promise<'changed' | 'there'>;
  revoke(name: string, sidPrefix: string): Promise<'changed' | 'there'>;
  /** Whether the bucket's policy has a statement whose Sid begins so. */
  isGranted(name: string, sidPrefix: string): Promise<boolean>;
}

/** A way to run our commands inside one environment (design §4). */
export interface AirflowEnvironment<C extends Command = Command> {
  readonly side: Side;
  readonly name: string;
  /**
   * Runs one command of the attempt's DAG file and waits for its result object. Safe to repeat: a command whose result is there
   * returns it; one that still runs is waited for; one whose task died is started again as the next try.
   * @throws UserError with the task's own what/why/fix when the command failed, or with the resume command after the timeout.
   */
  run<K extends C>(command: K, order: Order): Promise<DataOf[K]>;
  /** Whether our DAG file or its `dag` row is there. */
  hasDag(): Promise<boolean>;
  /** Deletes the DAG file and its `dag` row. Does nothing when they are gone. */
  removeDag(): Promise<void>;
  /** total_entries of one list, by REST as the plan's role; undefined when it cannot be had. */
  count(list: 'dags' | 'dagRuns' | 'taskInstances' | 'pools' | 'importErrors'): Promise<number | undefined>;
  /** Value of an Airflow variable by REST; undefined when there is none. Only for our own public key. */
  readVariable(key: string): Promise<string | undefined>;
  /** Deletes an Airflow variable by REST; does nothing when there is none. Only for our own key pair. */
  removeVariable(key: string): Promise<void>;
  /** DAGs that are unpaused and active, by REST, without ours. */
  listActiveDagIds(): Promise<readonly string[]>;
  /** DAGs of the user that are called as ours are, deleted files included, by REST: what is ours carries our tag. */
  listNamesakes(): Promise<readonly string[]>;
  /**
   * Only where no REST API reaches: what moves there, asked from inside. undefined: nothing may be started now (plan role, dry run).
   * @param since ISO 8601
   */
  lookInside?(since: string): Promise<LookData | undefined>;
}
export type SourceEnvironment = AirflowEnvironment<SourceCommand>;
export type TargetEnvironment = AirflowEnvironment<TargetCommand>;

export type Order = Readonly<{
  attempt: number;
  job: Job;
  /** import, verify: rendered into the file. */
  manifest?: ObjectRef;
  timeoutMinutes: number;
  onProgress?: (progress: Progress) => void;
  /** Repeat even when a result is there: for commands that look at the present (preflight, verify, activate). */
  fresh?: boolean;
}>;

/** The journal, held under its lock from open to close (design §6). */
export interface OpenJournal {
  readonly current: Journal;
  /** Writes the changed journal conditionally; refuses when the lease was lost. */
  update(change: (journal: Journal) => Journal): Promise<Journal>;
  close(): Promise<void>;
}
export interface JournalStore {
  /** Where the journal lies, for messages: s3://… */
  readonly location: string;
  /** undefined: this migration has not begun. Takes no lock. */
  peek(): Promise<Journal | undefined>;
  /**
   * Takes the lock.
   * @param patience 'one-lease': whoever holds it may be a runner that died a moment ago, so one lease is waited out; a holder that renews it lives
   * @throws LockHeld that names the holder and when its lease ends
   */
  open(owner: string, patience?: 'none' | 'one-lease'): Promise<OpenJournal>;
}

export interface Roles {
  /** undefined: there is none of that name. */
  get(arn: string): Promise<RoleDescription | undefined>;
  /** The permissions boundary that `createClone` gives a role. @param arn of the role that is cloned; undefined: it has none, so the clone gets that of our template. @throws UserError when the role may not look. */
  boundary(arn: string | undefined): Promise<BoundaryDescription>;
  /** Creates an execution role from a plan's cloned one: trust policy, boundary, inline policies. Only names `mwaa-migrate-*`. */
  createClone(role: Readonly<{ name: string; trustPolicy: unknown; inlinePolicies: Readonly<Record<string, unknown>>; attached: readonly string[]; boundary: string | undefined }>): Promise<string>;
}
export type RoleDescription = Readonly<{ arn: string; name: string; trustPolicy: unknown; inlinePolicies: Readonly<Record<string, unknown>>; attached: readonly Readonly<{ arn: string; document: unknown }>[]; boundary: string | undefined }>;

export type BoundaryDescription = Readonly<{ arn: string; exists: boolean }>;

/** KMS keys, for a migration bucket that is encrypted with the user's own. */
export interface Keys {
  /** undefined: there is none, or it is in another region. @throws UserError when the role may not look. */
  describe(keyArn: string): Promise<KeyDescription | undefined>;
  /** Lets a role use the key for objects of the migration bucket, by a KMS grant of this name; does nothing when it is there. */
  grant(keyArn: string, granteeRoleArn: string, name: string): Promise<'created' | 'there'>;
  /** Ends every grant whose name begins with `namePrefix`; returns how many. */
  revoke(keyArn: string, namePrefix: string): Promise<number>;
  /** How many grants have a name that begins so. */
  countGrants(keyArn: string, namePrefix: string): Promise<number>;
}
export type KeyDescription = Readonly<{ arn: string; isEnabled: boolean; isSymmetric: boolean }>;

export type Identity = Readonly<{ account: string; arn: string }>;

/** Everything of one side: its role's view of MWAA, its bucket, its Airflow. */
export type SideContext<C extends Command> = Readonly<{
  identity: () => Promise<Identity>;
  mwaa: Mwaa;
  roles: Roles;
  openBucket: (name: string, ownerAccountId: string) => Bucket;
  buckets: BucketAdmin;
  keys: Keys;
  /**
   * @param description of the environment, read before
   * @param migration bucket in which the attempt's objects lie
   * @param prefix the migration's, as for the journal; the attempt's number is added from the order
   */
  airflow: (description: EnvironmentDescription, migration: Bucket, prefix: string) => AirflowEnvironment<C>;
}>;

/** What the runner knows of the workflow run that we are part of. */
export type WorkflowRun = Readonly<{
  /** Page of the run, with its summaries; undefined: by hand. */
  url: string | undefined;
  id: string | undefined;
  /** From 1; more than that: it is run again, with the files of the first. undefined: by hand. */
  attempt?: number | undefined;
  /** "workflow_dispatch"; undefined: by hand. */
  event: string | undefined;
  /** "refs/heads/main". */
  ref: string | undefined;
  /** File name of the workflow that was started, the caller's of a reusable one; undefined: not known. */
  workflowFile?: string | undefined;
  /** Logins of who started the run, and of who re-ran it where that is somebody else. */
  startedBy: readonly string[];
  /** The head of the pull request, else what the run was started for. */
  commit: string | undefined;
  pullRequest: Readonly<{ number: number; /** Its runs get a token that only reads. */ isFork: boolean }> | undefined;
}>;

/** Our one comment per migration on a pull request. */
export interface PullRequestComments {
  /** Writes it, or changes it where it says something else. @throws UserError for what GitHub refuses */
  put(pullRequest: number, migrationId: string, body: string): Promise<'created' | 'updated' | 'unchanged'>;
}

/** One file of the checked-out repository; `path` from the folder that was asked for, with "/"; `md5`: 32 lower-case hex digits of the content. */
export type RepositoryFile = Readonly<{ path: string; bytes: number; md5: string }>;

export type Context = Readonly<{
  inputs: Inputs;
  file: MigrationFile;
  clock: Clock;
  log: Log;
  /** Plan role's view of both sides; read-only by its policy. */
  plan: Readonly<{ source: SideContext<never>; target: SideContext<never> }>;
  /** What may still point at the source, as the plan role sees its account, and the checked-out repository. */
  references: ReferenceSources;
  source: SideContext<SourceCommand>;
  target: SideContext<TargetCommand>;
  /** @param bucket migration bucket, @param prefix `data/migration/<from>_to_<to>/<id>/` */
  journal: (bucket: Bucket, prefix: string) => JournalStore;
  /** `comments` is undefined without a token. */
  github: Readonly<{ run: () => Promise<WorkflowRun>; comments: PullRequestComments | undefined; /** undefined without a token. */ gatekeeper: Gatekeeper | undefined; toolVersion: string }>;
  /** Files below a folder of the checked-out repository; undefined: there is no such folder. */
  repositoryFiles: (folder: string) => Promise<readonly RepositoryFile[] | undefined>;
  /** plan.json where phase plan writes it on this runner; undefined: there is none. */
  readPlanFile: () => Promise<string | undefined>;
  /** Names this runner in locks: the workflow run's URL, or host and process. */
  owner: string;
  /** Reads src/dags/<name>.py as shipped in dist. */
  readDag: (name: 'db_export' | 'db_import') => Promise<string>;
  /** Loads the repository's files on the target's Airflow. @throws UserError beside credentials, or when something needed is missing */
  runCheck: () => Promise<Readonly<{ report: CheckReport; /** Where the report was written, for another job. */ path: string }>>;
}>;

/** What every phase gives back; main() writes it to outputs and summary. `outputs` keys are those of action.yml. */
export type PhaseResult = Readonly<{
  outputs: Readonly<Record<string, string>>;
  /** Markdown of the job summary. */
  summary: string;
  /** The same report as one self-contained HTML file, for whoever saves it. */
  html?: string;
  /** One HTML file of the whole migration, for phase status; its path on the runner becomes output `page`. */
  page?: string;
  /** The same for machines, as JSON; its path on the runner becomes the output of that name. */
  document?: Readonly<{ output: 'plan' | 'check-report'; text: string }>;
  /** False ends the step red although nothing was thrown (blockers, differences). `failure` says why, and what to do where the phase knows more than "read the summary". */
  ok: boolean;
  failure?: string | Readonly<{ what: string; why: string; fix: string }>;
}>;
