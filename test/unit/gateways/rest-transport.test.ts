import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import type { Job, Progress, Result } from '../../../src/airflow/protocol.js';
import { openEnvironment } from '../../../src/gateways/airflow/transports/choose.js';
import { readRendered } from '../../../src/gateways/airflow/transports/dag-file.js';
import type { Bucket, EnvironmentDescription, Mwaa, Order, RestAnswer, RestRequest } from '../../../src/ports.js';

const SOURCE = 'import json\nRENDERED = None  # mwaa-migrate: rendered\n';
const PREFIX = 'data/migration/2.7.2_to_2.10.3/m/';
const KEY = 'dags/mwaa_migrate/db_export.py';
const description: EnvironmentDescription = {
  Name: 'analytics', Arn: 'arn:aws:airflow:eu-west-1:111122223333:environment/analytics', Status: 'AVAILABLE', AirflowVersion: '2.7.2', ExecutionRoleArn: 'r', SourceBucketArn: 'arn:aws:s3:::dags-bucket', DagS3Path: 'dags/',
  WebserverAccessMode: 'PUBLIC_ONLY',
};
const job: Job = {
  schema: 1, migrationId: 'm', attempt: 1, side: 'source', mode: 'final', sourceVersion: '2.7.2', targetVersion: '2.10.3', tables: [],
  metadata: { historyDays: null, auditLogDays: null, dags: { include: [], exclude: [] }, xcom: true, xcomMaxBytes: null, jobs: false, taskReschedule: false, variables: true, connections: true, onConflict: { variables: 'keep', connections: 'keep', pools: 'keep' } }, drain: { timeoutMinutes: 1, taskMinutes: 1, leftover: 'resume', resumeDeferred: false }, cutover: { canary: [], canaryMinutes: 1, batchSize: 0, batchPauseSeconds: 0, missedIntervals: 'report' }, envelope: null, activeDags: [], earlierAttempts: [], earlierManifests: [], earlierRan: [], ran: null,
};
const order: Order = { attempt: 1, job, timeoutMinutes: 30 };
const EXPORTED = { manifest: { key: 'm', versionId: 'v', sha256: 's', bytes: 1 } };

function aBucket(name: string) {
  const objects = new Map<string, Buffer>();
  const bucket = {
    name, region: 'eu-west-1', ownerAccountId: '111122223333',
    read: async (key: string) => {
      const body = objects.get(key);
      return body && { body, etag: 'e', versionId: undefined };
    },
    head: async (key: string) => (objects.has(key) ? { key, bytes: 1, etag: 'e', versionId: undefined, modified: new Date(0), metadata: {} } : undefined),
    write: async (key: string, body: Buffer | string) => {
      objects.set(key, Buffer.from(body));
      return { key, versionId: 'v', sha256: createHash('sha256').update(body).digest('hex'), bytes: Buffer.byteLength(body) };
    },
    remove: async (key: string) => void objects.delete(key),
  } as unknown as Bucket;
  return { bucket, objects };
}

type Try = (world: World, number: number) => void;
type World = ReturnType<typeof aWorld>;

/** Airflow as the REST API shows it; `tries` says how the first, second, … DAG run ends. */
function aWorld(tries: readonly Try[] = [], options: Readonly<{ parsesAfterMs?: number; maximumPage?: number; description?: EnvironmentDescription }> = {}) {
  let now = Date.parse('2026-11-22T10:00:00Z');
  const dags = aBucket('dags-bucket'), migration = aBucket('migration');
  const runs = new Map<string, { state: string; endsAt?: number; end?: () => void }>();
  const calls: RestRequest[] = [];
  const lines: string[] = [];
  const state = { placedAt: 0, paused: true, deleted: 0, importErrors: [] as unknown[], failures: [] as number[], dagsListed: [] as unknown[] };
  const placed = () => dags.objects.get(KEY)?.toString();
  const write = dags.bucket.write.bind(dags.bucket);
  Object.assign(dags.bucket, { write: async (...given: Parameters<typeof write>) => { state.placedAt = now; return await write(...given); } });

  const answer = (status: number, body: unknown = {}): RestAnswer => ({ status, body });
  const rest: Mwaa['rest'] = async (_, request) => {
    calls.push(request);
    expect(request.path.length).toBeLessThanOrEqual(64);
    for (const run of runs.values()) if (run.end && run.endsAt !== undefined && now >= run.endsAt) { run.end(); delete run.end; }
    const failure = state.failures.shift();
    if (failure) return answer(failure, { detail: 'no' });
    const { path, method } = request;
    if (path === '/dags/db_export' && method === 'GET') {
      const rendering = placed() === undefined ? undefined : readRendered(placed() ?? '');
      if (!rendering || now < state.placedAt + (options.parsesAfterMs ?? 0)) return answer(404);
      return answer(200, { dag_id: 'db_export', is_active: true, is_paused: state.paused, tags: ['mwaa-migrate', `attempt-${rendering.attempt}`, `job-${rendering.job.sha256.slice(0, 12)}`].map((name) => ({ name })) });
    }
    if (path === '/dags/db_export' && method === 'PATCH') { state.paused = false; return answer(200); }
    if (path === '/dags/db_export' && method === 'DELETE') { state.deleted += 1; return answer(204); }
    if (path === '/dags/db_export/dagRuns' && method === 'GET') {
      const limit = Math.min(Number(request.query?.['limit']), options.maximumPage ?? 100), offset = Number(request.query?.['offset'] ?? 0);
      return answer(200, { dag_runs: [...runs].slice(offset, offset + limit).map(([dag_run_id, run]) => ({ dag_run_id, state: run.state })), total_entries: runs.size });
    }
    if (path === '/dags/db_export/dagRuns' && method === 'POST') {
      const { dag_run_id: id, conf } = request.body as { dag_run_id: string; conf: unknown };
      expect(conf).toEqual({ attempt: 1 });
      if (runs.has(id)) return answer(409);
      const number = runs.size;
      runs.set(id, { state: 'running', endsAt: now + 5_000, end: () => tries[number]?.(world, Number(id.split('-')[2])) });
      return answer(200);
    }
    const run = /^\/dags\/db_export\/dagRuns\/(.+)$/u.exec(path)?.[1];
    if (run) return runs.has(run) ? answer(200, { state: runs.get(run)?.state }) : answer(404);
    if (path === '/importErrors') return answer(200, { import_errors: state.importErrors, total_entries: state.importErrors.length });
    if (path === '/dags') return answer(200, { dags: state.dagsListed.slice(Number(request.query?.['offset'] ?? 0), Number(request.query?.['offset'] ?? 0) + 100), total_entries: state.dagsListed.length });
    return answer(404);
  };
  const environment = openEnvironment<'export' | 'preflight'>({
    side: 'source', description: options.description ?? description, mwaa: { rest } as Mwaa, dagBucket: dags.bucket, migration: migration.bucket, prefix: PREFIX, readDag: async () => SOURCE,
    clock: { now: () => new Date(now), sleep: async (milliseconds) => void (now += milliseconds) },
    log: { info: (line) => lines.push(line), warn: (line) => lines.push(line), group: (_, work) => work() },
  });
  const world = {
    environment, runs, calls, lines, state, dags, migration,
    end: (command: string, number: number, how: string) => { const run = runs.get(`${command}-1-${number}`); if (run) run.state = how; },
    result: (command: string, number: number, more: object) =>
      migration.objects.set(`${PREFIX}1/${command}/result.json`, Buffer.from(JSON.stringify({ schema: 1, command, attempt: 1, try: number, startedAt: 'a', finishedAt: 'b', ...more } as Result))),
    progress: (command: string, number: number, at: string) =>
      migration.objects.set(`${PREFIX}1/${command}/progress.json`, Buffer.from(JSON.stringify({ schema: 1, command, try: number, at, message: 'half', table: 'dag_run', rowsDone: 5, rowsTotal: 10 } as Progress))),
  };
  return world;
}

const done: Try = (world, number) => { world.result('export', number, { status: 'done', data: EXPORTED }); world.end('export', number, 'success'); };
const killed: Try = (world, number) => world.end('export', number, 'failed');
const failed = (code: string): Try => (world, number) => { world.result('export', number, { status: 'failed', error: { code, what: 'w', why: 'y', fix: 'f' } }); world.end('export', number, 'failed'); };
const started = (world: World) => world.calls.filter(({ method, path }) => method === 'POST' && path.endsWith('/dagRuns')).map(({ body }) => (body as { dag_run_id: string }).dag_run_id);

it('finds DAGs of the user that are called as ours, without a file too, and not ours', async () => {
  const world = aWorld();
  const row = (dag_id: string, tags: readonly string[] = [], is_active = true) => ({ dag_id, is_active, is_paused: false, tags: tags.map((name) => ({ name })) });
  world.state.dagsListed = [row('db_export', ['mwaa-migrate', 'attempt-1']), row('db_export_2', ['team']), row('db_import', [], false), row('db_exports'), row('my_db_export')];
  expect(await world.environment.listNamesakes()).toEqual(['db_export_2', 'db_import']);
  expect(world.calls.at(-1)).toMatchObject({ path: '/dags', query: { only_active: false, dag_id_pattern: 'db_' } });
});

describe('a command by InvokeRestApi', () => {
  it('writes job and DAG file, waits until it is parsed, unpauses, starts, and brings the data', async () => {
    const world = aWorld([done], { parsesAfterMs: 90_000 });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    const rendered = readRendered(world.dags.objects.get(KEY)?.toString() ?? '');
    const stored = world.migration.objects.get(`${PREFIX}1/source/job.json`);
    expect(rendered).toMatchObject({ migrationId: 'm', attempt: 1, prefix: `${PREFIX}1/`, bucket: 'migration', manifest: null, job: { key: `${PREFIX}1/source/job.json`, sha256: createHash('sha256').update(stored ?? '').digest('hex') } });
    expect(JSON.parse(stored?.toString() ?? '')).toMatchObject(job);
    expect(world.state.paused).toBe(false);
    expect(started(world)).toEqual(['export-1-1']);
    expect(world.lines.join('\n')).toMatch(/Waiting for the scheduler of "analytics"/u);
  });

  it('returns a result that is there, and starts nothing', async () => {
    const world = aWorld();
    world.result('export', 2, { status: 'done', data: EXPORTED });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(world.calls).toEqual([]);
  });

  it('runs again for the present: as the try after the last one', async () => {
    const world = aWorld([done]);
    world.result('export', 4, { status: 'done', data: {} });
    expect(await world.environment.run('export', { ...order, fresh: true })).toEqual(EXPORTED);
    expect(started(world)).toEqual(['export-1-5']);
  });

  it('waits for a DAG run that an earlier runner started, without a new file', async () => {
    const world = aWorld();
    world.runs.set('export-1-3', { state: 'running', endsAt: Date.parse('2026-11-22T10:00:09Z'), end: () => done(world, 3) });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect([started(world), world.dags.objects.size]).toEqual([[], 0]);
  });

  it('tells which DAG run it follows when another command is still at work: Airflow runs one at a time', async () => {
    const world = aWorld([done, (of, number) => { of.result('preflight', number, { status: 'done', data: {} }); of.end('preflight', number, 'success'); }]);
    world.runs.set('export-1-2', { state: 'running' });
    await world.environment.run('preflight', order);
    expect(world.lines).toContain('DAG run export-1-2 is at work in "analytics"; preflight follows when it has ended.');
    expect(started(world)).toEqual(['preflight-1-1']);
  });

  it('starts the next try when a task died, and takes no older result for its own', async () => {
    const world = aWorld([killed, killed, done]);
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(started(world)).toEqual(['export-1-1', 'export-1-2', 'export-1-3']);
  });

  it('gives up after three deaths of a file that every worker has by then', async () => {
    const world = aWorld(Array.from({ length: 60 }, () => killed));
    await expect(world.environment.run('export', order)).rejects.toThrow(/export died 3 times in "analytics"[\s\S]*execution role may not use bucket[\s\S]*read the task's log/u);
  });

  it('tries again while workers may have an older file', async () => {
    const world = aWorld([failed('job-changed'), failed('stale-file'), done]);
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
  });

  it("hands on the task's own what, why and fix; run again, it starts a new try", async () => {
    const world = aWorld([failed('disk-full'), done]);
    await expect(world.environment.run('export', order)).rejects.toMatchObject({ what: 'export failed in "analytics" (disk-full): w', why: 'y', fix: 'f' });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(started(world)).toEqual(['export-1-1', 'export-1-2']);
  });

  it('tells progress of this try only, each once', async () => {
    const seen: string[] = [];
    const world = aWorld([(w, n) => w.end('export', n, 'running')]);
    world.progress('export', 0, 'old');
    world.runs.set('export-1-1', { state: 'running', endsAt: Date.parse('2026-11-22T10:00:20Z'), end: () => done(world, 1) });
    await world.environment.run('export', { ...order, onProgress: ({ at }) => { seen.push(at); } });
    expect(seen).toEqual([]);
    const again = aWorld();
    again.runs.set('export-1-1', { state: 'running', endsAt: Date.parse('2026-11-22T10:00:20Z'), end: () => done(again, 1) });
    again.progress('export', 1, 'now');
    await again.environment.run('export', { ...order, onProgress: ({ at }) => { seen.push(at); } });
    expect(seen).toEqual(['now']);
  });

  it('ends after the timeout with what was last heard and how to go on', async () => {
    const world = aWorld();
    world.runs.set('export-1-1', { state: 'running' });
    world.progress('export', 1, 'T');
    await expect(world.environment.run('export', { ...order, timeoutMinutes: 2 })).rejects.toThrow(/did not end within 2 minutes[\s\S]*at T was: half \(dag_run, 5 rows\)[\s\S]*run the phase again with the same inputs/u);
  });

  it('does not write a file again that says the same, and renders another one for another manifest', async () => {
    const world = aWorld([done, done, done]);
    await world.environment.run('export', order);
    const first = world.dags.objects.get(KEY);
    await world.environment.run('export', { ...order, fresh: true });
    expect(world.dags.objects.get(KEY)).toBe(first);
    await world.environment.run('export', { ...order, fresh: true, manifest: EXPORTED.manifest });
    const [a, b] = [first, world.dags.objects.get(KEY)].map((file) => readRendered(file?.toString() ?? ''));
    expect(b?.manifest).toEqual(EXPORTED.manifest);
    expect(b?.job.sha256).not.toBe(a?.job.sha256);
  });

  it('explains a file that the scheduler cannot import, and one it never reads', async () => {
    const broken = aWorld([], { parsesAfterMs: Infinity });
    broken.state.importErrors = [{ filename: '/usr/local/airflow/dags/mwaa_migrate/db_export.py', stack_trace: 'ModuleNotFoundError: psycopg2', timestamp: '2026-11-22T10:00:10Z' }];
    await expect(broken.environment.run('export', order)).rejects.toThrow(/cannot import our DAG file[\s\S]*ModuleNotFoundError: psycopg2/u);
    const silent = aWorld([], { parsesAfterMs: Infinity });
    await expect(silent.environment.run('export', order)).rejects.toThrow(/has not read our DAG file within 15 minutes[\s\S]*dag_dir_list_interval/u);
  });

  it('repeats what the web server could not answer, and explains a role that is too small', async () => {
    const world = aWorld([done]);
    world.state.failures = [503, 500];
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    const small = aWorld([done]);
    small.state.failures = [403];
    await expect(small.environment.run('export', order)).rejects.toThrow(/the Airflow role of these credentials is too small/u);
  });

  it('finds runs on every page of an environment with small pages', async () => {
    const world = aWorld([], { maximumPage: 2 });
    for (const number of [1, 2, 3]) world.runs.set(`preflight-1-${number}`, { state: 'success' });
    world.runs.set('export-1-1', { state: 'running', endsAt: Date.parse('2026-11-22T10:00:05Z'), end: () => done(world, 1) });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(started(world)).toEqual([]);
  });

  it('takes file and row away, once and again', async () => {
    const world = aWorld([done]);
    await world.environment.run('export', order);
    await world.environment.removeDag();
    expect(world.dags.objects.size).toBe(0);
    await world.environment.removeDag();
  });

  it('lists the active DAGs of all pages without ours and without paused ones that an old Airflow sends', async () => {
    const world = aWorld();
    world.state.dagsListed = [...Array.from({ length: 130 }, (_, n) => ({ dag_id: `d${n}`, is_active: true, is_paused: n === 7, tags: [] })), { dag_id: 'db_export', is_active: true, is_paused: false, tags: [{ name: 'mwaa-migrate' }] }];
    const ids = await world.environment.listActiveDagIds();
    expect(ids).toHaveLength(129);
    expect(ids).not.toContain('d7');
    expect(ids).not.toContain('db_export');
  });

  it.each([
    [{ AirflowVersion: '3.0.6' }, 'tasks of Airflow 3 have no database'],
    [{ WebserverAccessMode: 'PRIVATE_ONLY' }, 'is private'],
  ])('refuses %p', (change, words) => expect(() => aWorld([], { description: { ...description, ...change } })).toThrow(words));
});
