/** Both sides of a migration in memory. A runner can be killed at any of its calls; the world keeps what had happened by then. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Canary, Command, ImportData, InFlightRun, PreflightData, RanOnTarget, VerifyData } from '../../src/airflow/protocol.js';
import { LockHeld, type UserError } from '../../src/errors.js';
import type { Gatekeeper } from '../../src/gatekeeper.js';
import type { Inputs } from '../../src/inputs.js';
import type { Journal } from '../../src/journal/journal.js';
import { newJournal } from '../../src/journal/transitions.js';
import { TABLES } from '../../src/metadata/catalogue.js';
import type { Manifest } from '../../src/metadata/manifest.js';
import type { MigrationFile } from '../../src/migration-file/migration-file.js';
import type { AirflowEnvironment, BucketAdmin, Context, EnvironmentDescription, JournalStore, Mwaa, Order, RoleDescription, SideContext } from '../../src/ports.js';
import { BothSides } from './both-sides.js';
import { memoryBucket, type Objects } from './memory-bucket.js';
import { ACCOUNT, aManifest, aManifestTable, aMigrationFile, anActiveDag, anEnvironment, aRole, importData, preflightData, someInputs, verifyData } from './values.js';

/** A runner that is gone: no product code may catch it. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

const KEY = String(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }));
const FINGERPRINT = createHash('sha256').update(Buffer.from(KEY.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64')).digest('hex');
const KEY_VARIABLE = 'mwaa_migrate_929b91b6_public_key', PRIVATE_VARIABLE = 'mwaa_migrate_929b91b6_private_key';

const refill = <V>(map: Map<string, V>, from: ReadonlyMap<string, V>) => {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
};

export class World {
  now = Date.parse('2026-11-22T10:00:00Z');
  readonly lines: string[] = [];
  readonly buckets = new Map<string, Objects>();
  readonly environments = new Map<string, EnvironmentDescription>([['analytics', anEnvironment()]]);
  readonly roles = new Map<string, RoleDescription>([[aRole().arn, aRole()]]);
  readonly sides = new BothSides();
  readonly boundaries = new Set([`arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`]);
  /** DAGs of the user on the source that are called as ours. */
  namesakes: readonly string[] = [];
  /** dagId → paused. */
  readonly dags = this.sides.dags;
  /** Variables of the target that hold a half of the one-time key. */
  readonly publicKeys = new Map<string, string>();
  /** Name → role. */
  readonly keyGrants = new Map<string, string>();
  readonly policySids = new Map<string, string[]>();
  readonly dagFiles = new Set<'source' | 'target'>();
  journalValue: Journal | undefined;
  lockedBy: string | undefined;
  /** DAG runs by REST that began after the snapshot. */
  runsSinceSnapshot: readonly Readonly<{ dag_id: string; dag_run_id: string }>[] = [];
  queuedRuns: readonly Readonly<{ dag_id: string; dag_run_id: string }>[] = [];
  /** DAG runs of the target by REST that began after the import. */
  runsSinceImport: readonly Readonly<{ dag_id: string; dag_run_id: string }>[] = [];
  /** Names the runner in locks and steps. */
  owner = 'runner';
  /** Logins of who started the workflow run. */
  people: readonly string[] = [];
  gatekeeper: Gatekeeper | undefined;
  /** plan.json on this runner. */
  planFile: string | undefined;
  /** DAG files of the checked-out repository; undefined: it has no such folder. */
  repository: Awaited<ReturnType<Context['repositoryFiles']>>;
  /** Numbers that Airflow's lists tell. */
  readonly counts = { dags: 7, dagRuns: 7, taskInstances: 7, pools: 7, importErrors: 0 };
  /** Paths of the REST API that answer 403. */
  readonly deniedPaths = new Set<string>();
  createCalls = 0;
  /** Orders that were carried out. */
  readonly jobs: Readonly<{ command: Command; job: Order['job']; manifest?: Order['manifest'] }>[] = [];
  /** What a command answers with instead of doing its work. */
  readonly answers: { manifest?: (manifest: Manifest) => Manifest; import?: (data: ImportData) => ImportData; verify?: (data: VerifyData) => VerifyData; preflight?: (data: PreflightData) => PreflightData; failing?: Partial<Record<Command, UserError>>; left?: readonly Readonly<{ dagId: string; reason: string }>[]; canaries?: readonly Canary[]; stillRunning?: number; deafTarget?: UserError } = {};
  /** States that the target goes through, one per look. */
  states: string[] = [];
  private readonly results = new Map<string, unknown>();
  private ids = 0;
  private calls = 0;
  private killAt = Infinity;
  private isDead = false;

  constructor() {
    this.put('analytics-bucket', 'dags/nightly_load.py', 'dag = 1');
    this.put('analytics-bucket', 'dags/lib/tools.py', 'tools = 1');
    this.put('analytics-bucket', 'dags/mwaa_migrate/db_export.py', 'ours');
    this.put('analytics-bucket', 'requirements.txt', 'pandas\n', 'requirements-1');
    this.put('analytics-bucket', 'plugins.zip', 'zip', 'plugins-1');
  }

  put(bucket: string, key: string, body: string, id = this.nextId()): void {
    const objects = this.objects(bucket);
    objects.set(key, [...(objects.get(key) ?? []), { id, body: Buffer.from(body), metadata: {} }]);
  }
  objects(name: string): Objects {
    const found = this.buckets.get(name) ?? new Map();
    this.buckets.set(name, found);
    return found;
  }
  keys(name: string): readonly string[] {
    return [...this.objects(name).keys()].sort();
  }
  text(bucket: string, key: string): string | undefined {
    return this.objects(bucket).get(key)?.at(-1)?.body.toString('utf8');
  }

  /** An equal world that goes its own way. */
  copy(): World {
    const copy = new World();
    copy.now = this.now;
    copy.buckets.clear();
    for (const [name, objects] of this.buckets) copy.buckets.set(name, new Map(objects));
    refill(copy.environments, this.environments);
    refill(copy.roles, this.roles);
    this.sides.copyInto(copy.sides);
    refill(copy.policySids, this.policySids);
    refill(copy.results, this.results);
    refill(copy.publicKeys, this.publicKeys);
    refill(copy.keyGrants, this.keyGrants);
    for (const side of this.dagFiles) copy.dagFiles.add(side);
    copy.journalValue = this.journalValue;
    copy.createCalls = this.createCalls;
    copy.ids = this.ids;
    return copy;
  }

  /** The runner dies at its n-th call from now; every later call of it fails too. */
  killAtCall(n: number): void {
    this.calls = 0;
    this.killAt = n;
    this.isDead = false;
  }
  /** A new runner: the old one's lease has run out. */
  revive(): void {
    this.killAt = Infinity;
    this.isDead = false;
    this.lockedBy = undefined;
  }

  readonly tick = (what: string): void => {
    this.calls += 1;
    if (this.isDead || this.calls >= this.killAt) {
      this.isDead = true;
      throw new Killed(what);
    }
  };

  context(inputs: Partial<Inputs> = {}, file: MigrationFile = aMigrationFile()): Context {
    const log = (line: string) => void this.lines.push(line);
    const source = this.side('source'), target = this.side('target');
    return {
      inputs: someInputs(inputs), file,
      clock: { now: () => new Date(this.now), sleep: (milliseconds) => { this.tick('sleep'); this.now += milliseconds; return Promise.resolve(); } },
      log: { info: log, warn: log, group: (_, work) => work() },
      plan: { source, target } as Context['plan'],
      references: {
        policies: () => this.effect('policies', () => ({ policies: [], isWhole: true })), logGroups: () => this.effect('log groups', () => []),
        lines: () => this.effect('lines', () => ({ lines: [], files: 1, unread: 0, isWhole: true })),
      },
      source: source as Context['source'], target: target as Context['target'],
      repositoryFiles: () => Promise.resolve(this.repository), readPlanFile: () => Promise.resolve(this.planFile),
      journal: () => this.store(file), owner: this.owner,
      github: { run: () => Promise.resolve({ url: undefined, id: undefined, event: undefined, ref: undefined, startedBy: this.people, commit: undefined, pullRequest: undefined }), comments: undefined, gatekeeper: this.gatekeeper, toolVersion: '0.0.0' },
      readDag: () => Promise.resolve('# dag'), runCheck: () => Promise.reject(new Error('this world has no Airflow to load DAGs on')),
    };
  }

  private nextId(): string {
    this.ids += 1;
    return `v${this.ids}`;
  }

  private side(side: 'source' | 'target'): SideContext<Command> {
    const mwaa: Mwaa = {
      region: 'eu-west-1',
      get: (name) => this.effect(`get ${name}`, () => {
        const found = this.environments.get(name);
        const status = found && name !== 'analytics' ? this.states.shift() : undefined;
        if (!found || status === undefined) return found;
        const changed = { ...found, Status: status };
        this.environments.set(name, changed);
        return changed;
      }),
      list: () => this.effect('list environments', () => [...this.environments.keys()]),
      create: (fields) => this.effect('create environment', () => {
        this.createCalls += 1;
        const name = String(fields.Name);
        this.environments.set(name, { ...fields, Arn: `arn:aws:airflow:eu-west-1:${ACCOUNT}:environment/${name}`, Status: this.states.length > 0 ? 'CREATING' : 'AVAILABLE', WebserverUrl: 'new.airflow.example' } as unknown as EnvironmentDescription);
      }),
      rest: (name, request) => this.effect(`rest ${request.path}`, () => {
        if (this.deniedPaths.has(request.path)) return { status: 403, body: { title: 'Forbidden' } };
        const dags = name === 'analytics' ? this.dags.source : this.dags.target;
        if (request.path === '/dags') return { status: 200, body: { dags: [...dags].map(([dag_id, is_paused]) => ({ dag_id, is_paused, is_active: true, next_dagrun: '2026-11-22T00:00:00+00:00', next_dagrun_data_interval_start: '2026-11-22T00:00:00+00:00', next_dagrun_data_interval_end: '2026-11-23T00:00:00+00:00', next_dagrun_create_after: '2026-11-23T00:00:00+00:00' })), total_entries: dags.size } };
        if (request.path === '/dags/~/dagRuns/~/taskInstances/list') {
          const tasks = this.sides.busy(this.answers.stillRunning ?? 0).map((task) => ({ dag_id: task.dagId, dag_run_id: task.runId, task_id: task.taskId, map_index: task.mapIndex, state: 'running', start_date: task.since }));
          return { status: 200, body: { task_instances: tasks, total_entries: tasks.length } };
        }
        const states = (request.body as { states?: readonly string[] }).states;
        const flying = this.sides.inFlight.map(({ dagId, runId }) => ({ dag_id: dagId, dag_run_id: runId }));
        const made = this.sides.madeByHand.map(({ dagId, runId }) => ({ dag_id: dagId, dag_run_id: runId }));
        const runs = name !== 'analytics' ? [...this.runsSinceImport, ...made] : states?.includes('running') ? flying : states ? this.queuedRuns : this.runsSinceSnapshot;
        return { status: 200, body: { dag_runs: runs, total_entries: runs.length } };
      }),
      cli: (name, words) => Promise.reject(new Error(`"${words.join(' ')}" was asked of the CLI of ${name}, which this world has not`)),
    };
    const buckets: BucketAdmin = {
      exists: (name) => this.effect(`exists ${name}`, () => this.buckets.has(name)),
      look: (name) => this.effect(`look ${name}`, () => ({ name, exists: this.buckets.has(name), isVersioned: true, isClosedToPublic: true })),
      ensure: (name) => this.effect(`ensure ${name}`, () => { const was = this.buckets.has(name); this.objects(name); return was ? 'there' : 'created'; }),
      grant: (name, statements) => this.effect(`grant ${name}`, () => { const sids = statements.map(({ Sid }) => String(Sid)); const same = this.policySids.get(name)?.join() === sids.join(); this.policySids.set(name, sids); return same ? 'there' : 'changed'; }),
      revoke: (name) => this.effect(`revoke ${name}`, () => (this.policySids.delete(name) ? 'changed' : 'there')),
      isGranted: (name) => this.effect(`is granted ${name}`, () => this.policySids.has(name)),
    };
    return {
      identity: () => Promise.resolve({ account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/x/y` }),
      mwaa, buckets,
      roles: {
        get: (arn) => this.effect('get role', () => this.roles.get(arn)),
        boundary: (arn = `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`) => this.effect('get boundary', () => ({ arn, exists: this.boundaries.has(arn) })),
        createClone: (role) => this.effect('create role', () => {
          const arn = `arn:aws:iam::${ACCOUNT}:role/${role.name}`;
          this.roles.set(arn, { arn, name: role.name, trustPolicy: role.trustPolicy, inlinePolicies: role.inlinePolicies, attached: role.attached.map((one) => ({ arn: one, document: {} })), boundary: role.boundary });
          return arn;
        }),
      },
      keys: {
        describe: (arn) => Promise.resolve({ arn, isEnabled: true, isSymmetric: true }), grant: (_, role, name) => this.effect(`key grant ${name}`, () => { const was = this.keyGrants.get(name); this.keyGrants.set(name, role); return was === role ? 'there' : 'created'; }),
        revoke: () => this.effect('revoke key grants', () => { const { size } = this.keyGrants; this.keyGrants.clear(); return size; }), countGrants: () => this.effect('count key grants', () => this.keyGrants.size),
      },
      openBucket: (name) => memoryBucket(name, this.buckets, this.tick, () => this.nextId()),
      airflow: (description, migration, prefix) => this.airflow(side, description.Name, migration.name, prefix),
    };
  }

  private async effect<T>(what: string, work: () => T): Promise<T> {
    this.tick(`${what} (before)`);
    const result = work();
    this.tick(`${what} (after)`);
    return await Promise.resolve(result);
  }

  private store(file: MigrationFile): JournalStore {
    return {
      location: 's3://journal', peek: () => this.effect('peek', () => this.journalValue),
      open: async (owner) => {
        await this.effect('lock', () => {
          if (this.lockedBy) throw new LockHeld(`Another runner works on this migration: ${this.lockedBy}.`, 'lock', 'wait');
          this.lockedBy = owner;
          this.journalValue ??= newJournal({ migrationId: file.id, source: { environment: 'analytics', region: 'eu-west-1', airflowVersion: '2.7.2' }, target: { environment: 'analytics-v2', region: 'eu-west-1', airflowVersion: '2.10.3' } });
        });
        const current = () => this.journalValue as Journal;
        return {
          get current() { return current(); },
          update: (change) => this.effect('journal', () => (this.journalValue = change(current()))),
          close: () => {
            if (this.isDead) return Promise.reject(new Killed('close'));
            this.lockedBy = undefined;
            return Promise.resolve();
          },
        };
      },
    };
  }

  private airflow(side: 'source' | 'target', name: string, bucket: string, prefix: string): AirflowEnvironment {
    return {
      side, name,
      run: async (command, order) => {
        this.tick(`${side} ${command} (before)`);
        const key = `${side} ${command} ${order.attempt}`;
        const failure = this.answers.failing?.[command];
        if (failure) throw failure;
        this.dagFiles.add(side);
        if (!this.results.has(key) || order.fresh) this.results.set(key, this.work(side, command, order, bucket, prefix));
        this.tick(`${side} ${command} (after)`);
        return (await Promise.resolve(this.results.get(key))) as never;
      },
      hasDag: () => this.effect(`${side} hasDag`, () => this.dagFiles.has(side)),
      removeDag: () => this.effect(`${side} removeDag`, () => void this.dagFiles.delete(side)),
      count: (list) => this.effect(`${side} count`, () => this.counts[list]),
      readVariable: (key) => this.effect('read variable', () => this.publicKeys.get(key)),
      removeVariable: (key) => this.effect(`remove variable ${key}`, () => void this.publicKeys.delete(key)),
      listActiveDagIds: () => this.effect(`${side} list active`, () => {
        if (side === 'target' && this.answers.deafTarget) throw this.answers.deafTarget;
        return this.sides.active(side);
      }),
      listNamesakes: () => this.effect(`${side} list namesakes`, () => (side === 'source' ? this.namesakes : [])),
    };
  }

  private work(side: 'source' | 'target', command: Command, order: Order, bucket: string, prefix: string): unknown {
    const { sides } = this;
    const { job } = order;
    this.jobs.push({ command, job, manifest: order.manifest });
    const active = sides.active(side);
    if (command === 'preflight') {
      const data = preflightData({ airflowVersion: side === 'source' ? '2.7.2' : '2.10.3', activeDags: active.map((dagId) => anActiveDag(dagId)), pausedDags: this.dags[side].size - active.length });
      return this.answers.preflight?.(data) ?? data;
    }
    if (command === 'keypair') {
      if (!this.publicKeys.has(KEY_VARIABLE)) this.publicKeys.set(KEY_VARIABLE, KEY).set(PRIVATE_VARIABLE, 'sealed');
      return { fingerprint: FINGERPRINT, variable: KEY_VARIABLE };
    }
    if (command === 'drain') return sides.drain(job);
    if (command === 'activate') {
      const isRecorded = this.journalValue?.attempts.find(({ number }) => number === order.attempt)?.steps.some(({ name }) => name === 'activation-begun');
      if (!isRecorded) sides.accidents.push('activated before the journal says so');
      if (!order.manifest) throw new Error('activate has no manifest');
      return sides.activate(job, this.answers);
    }
    if (command === 'deactivate') return sides.deactivate(job, this.answers.stillRunning ?? 0, (ran) => order.manifest === undefined ? null : this.write(bucket, `${prefix}${order.attempt}/deactivate/ran.json`, JSON.stringify(ran)));
    if (command === 'restore') {
      const { ran } = job;
      const body = ran && this.objects(bucket).get(ran.key)?.find(({ id }) => id === ran.versionId)?.body.toString('utf8');
      if (ran && body === undefined) throw new Error(`no object ${ran.key}`);
      return sides.restore(job, body ? (JSON.parse(body) as RanOnTarget) : undefined);
    }
    const manifest = this.manifest(order, bucket, prefix, active.length);
    if (command === 'export') {
      return { manifest: this.write(bucket, `${prefix}${order.attempt}/export/manifest.json`, JSON.stringify(manifest)) };
    }
    if (command === 'import') {
      sides.import();
      this.publicKeys.clear();
    }
    if (command === 'import') return this.answers.import?.(importData(manifest)) ?? importData(manifest);
    const data = verifyData(manifest, { unpausedDags: active });
    return this.answers.verify?.(data) ?? data;
  }

  private write(bucket: string, key: string, text: string) {
    this.put(bucket, key, text);
    return { key, versionId: this.objects(bucket).get(key)?.at(-1)?.id ?? 'gone', sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) };
  }

  private manifest(order: Order, bucket: string, prefix: string, activeDags: number): Manifest {
    const isFinal = order.job.mode === 'final';
    const at = `${prefix}${order.attempt}/`;
    const write = (key: string, body: string) => {
      if (order.job.side === 'source') this.put(bucket, key, body);
      const version = this.objects(bucket).get(key)?.at(-1);
      return { key, versionId: version?.id ?? 'gone', sha256: createHash('sha256').update(body).digest('hex'), bytes: body.length };
    };
    const tables = TABLES.map(({ name, secret }) => {
      if (secret && !isFinal) return aManifestTable(name, { rows: 2, bytes: 0, parts: [] });
      const part = write(`${at}export/${name}.${secret ? 'sealed' : 'csv.gz'}`, `rows of ${name}`);
      return aManifestTable(name, { rows: 3, bytes: part.bytes, parts: [{ ...part, rows: 3 }] });
    });
    const whole = aManifest({ attempt: order.attempt, mode: order.job.mode, snapshotAt: new Date(this.now).toISOString(), envelope: isFinal ? { wrap: 'rsa', fingerprint: FINGERPRINT } : null, tables, activeDags,
      inFlight: this.sides.inFlight.map((run): InFlightRun => (order.job.drain.leftover === 'fail' ? { ...run, fate: 'left' } : run)), inFlightRef: write(`${at}in-flight.json`, '{}'),
      checksumsRef: write(`${at}export/checksums.jsonl.gz`, 'sums of every table and DAG'),
      schedulesRef: write(`${at}schedules.json`, JSON.stringify({ format: 1, snapshotAt: new Date(this.now).toISOString(), dags: ['hourly', 'nightly_load'].map((dagId) => anActiveDag(dagId)), pausedAt: {}, owedEvents: [] })),
    });
    return this.answers.manifest?.(whole) ?? whole;
  }
}
