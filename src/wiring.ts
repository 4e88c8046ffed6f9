/** Puts the real world behind the ports. The only place that creates SDK clients; nothing is called here. */
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import packageFile from '../package.json' with { type: 'json' };
import type { Command, Side } from './airflow/protocol.js';
import { check } from './check/check.js';
import type { Ticker } from './clock.js';
import { InternalError } from './errors.js';
import { openEnvironment } from './gateways/airflow/transports/choose.js';
import { createCaller, type Caller } from './gateways/aws/call.js';
import { openRoles } from './gateways/aws/iam.js';
import { openKeys } from './gateways/aws/kms.js';
import { readLogGroups } from './gateways/aws/logs-groups.js';
import { openMwaa } from './gateways/aws/mwaa.js';
import { readAccountPolicies } from './gateways/aws/references-iam.js';
import { openBucket } from './gateways/aws/s3-bucket.js';
import { openBucketAdmin } from './gateways/aws/s3-bucket-admin.js';
import { openIdentity } from './gateways/aws/sts.js';
import { openGithubApi } from './gateways/github/api.js';
import { openPullRequestComments } from './gateways/github/comments.js';
import { GATE_PURPOSE, openGatekeeper } from './gateways/github/gatekeeper.js';
import { readWorkflowRun } from './gateways/github/workflow-run.js';
import { listRepositoryFiles } from './gateways/repository-files.js';
import { openJournalStore } from './gateways/journal/store.js';
import { searchLines } from './gateways/workspace-lines.js';
import type { Inputs } from './inputs.js';
import { newJournal } from './journal/transitions.js';
import type { MigrationFile } from './migration-file/migration-file.js';
import { reportFilesOf } from './report-files.js';
import { openSessions } from './sessions.js';
import { COMMANDS, type RoleInput } from './credentials/session-rights.js';
import type { Clock, Context, JournalStore, Log, OpenJournal, SideContext } from './ports.js';

export type Env = Readonly<Record<string, string | undefined>>;
export type Wiring = Readonly<{ inputs: Inputs; file: MigrationFile; env: Env; /** Folder of the running index file; the DAG files lie in `dags/` beside it. */ home: string; clock: Clock; ticker: Ticker; log: Log }>;

/** Milliseconds. A copy of 5 GiB answers only when it is done; everything else that is silent for a minute is a lost connection. */
const CONNECT_MS = 10_000, ANSWER_MS = 60_000, COPY_MS = 600_000;

/** `close` gives back what is held (the journal's lock), for the end and for a signal. */
export function wire(wiring: Wiring): Readonly<{ context: Context; close: () => Promise<void> }> {
  const { inputs, file, env, home, clock, log } = wiring;
  const openJournals = new Set<OpenJournal>();
  const sessions = openSessions({ inputs, file, env, clock, log, version: packageFile.version });
  const readDag: Context['readDag'] = async (name) => {
    try {
      return await readFile(path.join(home, 'dags', `${name}.py`), 'utf8');
    } catch (error) {
      throw new InternalError(`The DAG file dags/${name}.py is not beside index.js; it belongs to the release.`, { cause: error });
    }
  };
  const asking = (region: string, input: RoleInput, role: string | undefined) => {
    const plain = { region, customUserAgent: sessions.userAgent, maxAttempts: 1, requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS } };
    const credentials = sessions.credentials(input, role, () => new STSClient({ ...plain, credentials: { accessKeyId: '', secretAccessKey: '' } }));
    const base = { ...plain, ...(credentials ? { credentials } : {}) };
    const call = createCaller(clock, log, input, role !== undefined);
    return { base, ...sessions.watch(input, role !== undefined, call, openIdentity(new STSClient(base), call)) };
  };
  const side = <C extends Command>(of: Side, input: RoleInput, role: string | undefined): SideContext<C> => {
    const region = file[of].region;
    const { base, call, identity } = asking(region, input, role);
    const s3 = new S3Client({ ...base, requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: COPY_MS }, followRegionRedirects: true, forcePathStyle: hasOwnEndpoint(env, 'S3') });
    const account = async (): Promise<string> => (await identity()).account;
    const mwaa = openMwaa({
      // The SDK puts "api." and "env." before custom endpoints too, where no such host exists.
      client: new MWAAClient({ ...base, ...ownEndpoint(env, 'MWAA'), disableHostPrefix: hasOwnEndpoint(env, 'MWAA') }),
      call, clock, region, account, airflowRole: isPlanRole(input) ? 'Viewer' : 'Op',
      mask: sessions.mask, webServerProtocol: ownEndpoint(env, 'MWAA').endpoint?.startsWith('http:') ? 'http:' : 'https:',
    });
    const open: SideContext<C>['openBucket'] = (name, ownerAccountId) => openBucket(s3, call, { name, region, ownerAccountId });
    return {
      identity, mwaa,
      roles: openRoles(new IAMClient(base), call, account, { 'mwaa-migrate:migration': file.id, 'mwaa-migrate:run': ownerOf(env) }),
      openBucket: open,
      buckets: openBucketAdmin(s3, call, clock, region, account),
      keys: openKeys(new KMSClient(base), call),
      airflow: (description, migration, prefix) =>
        openEnvironment<C>({ side: of, description, mwaa, dagBucket: open(arnPart(description.SourceBucketArn, 5), arnPart(description.Arn, 4)), migration, prefix, readDag, clock, log, mayAct: !isPlanRole(input) && !inputs.dryRun && COMMANDS.includes(inputs.phase) }),
    };
  };

  const context: Context = {
    inputs, file, clock, log, readDag,
    runCheck: () => check({ file, config: inputs.config, token: inputs.githubToken, env, scripts: path.join(home, 'check'), clock, log }),
    plan: { source: side('source', 'plan-role', inputs.planRole), target: inputs.targetPlanRole ? side('target', 'target-plan-role', inputs.targetPlanRole) : side('target', 'plan-role', inputs.planRole) },
    references: referenceSources(asking(file.source.region, 'plan-role', inputs.planRole), env),
    source: side('source', 'source-role', inputs.sourceRole),
    target: side('target', 'target-role', inputs.targetRole),
    journal: (bucket, prefix) => remembering(openJournalStore({ bucket, prefix, initial: initialJournal(file, prefix), clock, ticker: wiring.ticker, log }), openJournals),
    github: { run: () => readWorkflowRun(env), comments: commentsOf(wiring), gatekeeper: gatekeeperOf(wiring), toolVersion: packageFile.version },
    repositoryFiles: (folder) => listRepositoryFiles(env['GITHUB_WORKSPACE'] || process.cwd(), folder),
    readPlanFile: () => readFile(reportFilesOf('plan', env).json, 'utf8').catch(() => undefined),
    owner: ownerOf(env),
  };
  return {
    context,
    close: async () => {
      await Promise.all([...openJournals].map((journal) => journal.close()));
    },
  };
}

function referenceSources({ base, call }: Readonly<{ base: Readonly<{ region: string }>; call: Caller }>, env: Env): Context['references'] {
  return {
    policies: () => readAccountPolicies(new IAMClient(base), call),
    logGroups: (prefix, isWanted) => readLogGroups(new CloudWatchLogsClient(base), call, prefix, isWanted, base.region),
    lines: (search) => searchLines(env['GITHUB_WORKSPACE'] || process.cwd(), search),
  };
}

function commentsOf({ inputs, env, clock }: Wiring): Context['github']['comments'] {
  const { GITHUB_API_URL: apiUrl, GITHUB_REPOSITORY: repository } = env;
  if (inputs.githubToken === undefined || !repository) return undefined;
  return openPullRequestComments(openGithubApi({ apiUrl: apiUrl || 'https://api.github.com', token: inputs.githubToken, clock }), repository);
}

function gatekeeperOf({ inputs, env, clock }: Wiring): Context['github']['gatekeeper'] {
  const { GITHUB_API_URL: apiUrl, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: runId } = env;
  if (inputs.githubToken === undefined || !repository) return undefined;
  return openGatekeeper(openGithubApi({ apiUrl: apiUrl || 'https://api.github.com', token: inputs.githubToken, clock, purpose: GATE_PURPOSE }), repository, runId || undefined);
}

const isPlanRole = (input: RoleInput): boolean => input === 'plan-role' || input === 'target-plan-role';

/** Names this runner in locks: a person who reads it must find the run. */
function ownerOf(env: Env): string {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt } = env;
  if (server && repository && run) return `${server}/${repository}/actions/runs/${run}${attempt ? `/attempts/${attempt}` : ''}`;
  return `process ${process.pid} on ${os.hostname()}`;
}

/** The versions stand in the prefix, where the phase that made it has put what it found. */
function initialJournal(file: MigrationFile, prefix: string): ReturnType<typeof newJournal> {
  const [, from, to, migrationId] = /^data\/migration\/([^/]+)_to_([^/]+)\/([^/]+)\/$/u.exec(prefix) ?? [];
  if (!from || !to || migrationId !== file.id) throw new InternalError(`"${prefix}" is not the prefix of migration "${file.id}".`);
  return newJournal({
    migrationId: file.id,
    source: { environment: file.source.environment, region: file.source.region, airflowVersion: from },
    target: { environment: file.target.environment, region: file.target.region, airflowVersion: to },
  });
}

/** Knows every journal that is open, so that a signal can give the locks back. */
const remembering = (store: JournalStore, open: Set<OpenJournal>): JournalStore => ({
  location: store.location,
  peek: () => store.peek(),
  async open(owner, patience) {
    const journal = await store.open(owner, patience);
    open.add(journal);
    return {
      get current() {
        return journal.current;
      },
      update: (change) => journal.update(change),
      close: async () => {
        // Known until it is closed: a signal in between must wait for the lock too.
        await journal.close();
        open.delete(journal);
      },
    };
  },
});

/** An endpoint of one's own, by the variables that the newer SDKs read by themselves: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
function ownEndpoint(env: Env, service: 'MWAA' | 'S3'): Readonly<{ endpoint?: string }> {
  if (env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return {};
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`] || env['AWS_ENDPOINT_URL'];
  return endpoint ? { endpoint } : {};
}
const hasOwnEndpoint = (env: Env, service: 'MWAA' | 'S3'): boolean => ownEndpoint(env, service).endpoint !== undefined;

/** 4: account, 5: resource. */
function arnPart(arn: string, index: 4 | 5): string {
  const part = arn.split(':')[index];
  if (!part) throw new InternalError(`"${arn}" is not a whole ARN.`);
  return part;
}
