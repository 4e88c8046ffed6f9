import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command, Job, Result } from '../../../src/airflow/protocol.js';
import { openEnvironment } from '../../../src/gateways/airflow/transports/choose.js';
import { readRendered } from '../../../src/gateways/airflow/transports/dag-file.js';
import type { Bucket, CliAnswer, EnvironmentDescription, Mwaa, Order } from '../../../src/ports.js';

const SOURCE = 'import json\nRENDERED = None  # mwaa-migrate: rendered\n';
const PREFIX = 'data/migration/2.2.2_to_2.10.3/m/', KEY = 'dags/mwaa_migrate/db_export.py', START = Date.parse('2026-11-22T10:00:00Z');
const job = { schema: 1, migrationId: 'm', attempt: 1, side: 'source', mode: 'final', sourceVersion: '2.2.2', targetVersion: '2.10.3', tables: [] } as unknown as Job;
const order: Order = { attempt: 1, job, timeoutMinutes: 30 };
const EXPORTED = { manifest: { key: 'm', versionId: 'v', sha256: 's', bytes: 1 } }, LOOKED = { activeDags: ['a'], began: [], queued: [] };

type Answer = CliAnswer & Readonly<{ command: string; code: number }>;
const recorded = (version: string) => JSON.parse(readFileSync(path.join(process.cwd(), 'test/unit/gateways/cli-answers', `${version}.json`), 'utf8')) as readonly Answer[];

function aBucket(name: string) {
  const objects = new Map<string, Buffer>();
  const bucket = {
    name, region: 'eu-west-1', ownerAccountId: '111122223333',
    read: async (key: string) => { const body = objects.get(key); return body && { body, etag: 'e', versionId: undefined }; },
    head: async (key: string) => (objects.has(key) ? { key, bytes: 1, etag: 'e', versionId: undefined, modified: new Date(0), metadata: {} } : undefined),
    write: async (key: string, body: Buffer | string) => {
      objects.set(key, Buffer.from(body));
      return { key, versionId: 'v', sha256: createHash('sha256').update(body).digest('hex'), bytes: Buffer.byteLength(body) };
    },
    remove: async (key: string) => void objects.delete(key),
  } as unknown as Bucket;
  return { bucket, objects };
}

type Try = (world: World, number: number, command: Command) => void;
type World = ReturnType<typeof aWorld>;

/** Airflow as its CLI shows it: the texts are those that the real one answered, with the run's id put in. `tries` says how the first, second, … DAG run ends. */
function aWorld(tries: readonly Try[] = [], { version = '2.2.2', knownAfterMs = 0, syncedAfterMs = 0, mayAct = true }: Readonly<{ version?: string; knownAfterMs?: number; syncedAfterMs?: number; mayAct?: boolean }> = {}) {
  let now = START;
  const dags = aBucket('dags-bucket'), migration = aBucket('migration'), answers = recorded(version);
  const say = (command: RegExp, code: number, text: RegExp, run = ''): CliAnswer => {
    const found = answers.find((one) => command.test(one.command) && one.code === code && text.test(one.stdout + one.stderr));
    if (!found) throw new Error(`Airflow ${version} was not heard to say ${text.source}`);
    const put = (said: string) => said.replaceAll('export-1-1', run);
    return { stdout: put(found.stdout), stderr: put(found.stderr) };
  };
  const runs = new Map<string, { date: string; state: string; endsAt: number; end?: (() => void) | undefined }>();
  const calls: string[] = [], lines: string[] = [], state = { placedAt: -1, rows: 0, odd: undefined as CliAnswer | undefined, isBusy: false };
  const write = dags.bucket.write.bind(dags.bucket);
  Object.assign(dags.bucket, { write: async (...given: Parameters<typeof write>) => { if (!dags.objects.has(KEY)) state.placedAt = now; state.rows ||= 1; return await write(...given); } });
  const isKnown = () => state.rows > 0 && now >= state.placedAt + knownAfterMs, isSynced = () => dags.objects.has(KEY) && now >= state.placedAt + syncedAfterMs;

  const cli: Mwaa['cli'] = async (_, words) => {
    calls.push(words.join(' '));
    now += 3_000;
    for (const run of runs.values()) if (run.end && now >= run.endsAt) { const { end } = run; run.end = undefined; end(); }
    if (state.odd) return state.odd;
    const line = words.join(' ');
    if (/unpause/u.test(line)) return isKnown() ? say(/unpause/u, 0, /paused: False/u) : say(/unpause/u, 1, /./u);
    if (/delete/u.test(line)) {
      if (state.isBusy) { state.isBusy = false; return { stdout: '', stderr: 'airflow.exceptions.AirflowException: TaskInstances still running\n' }; }
      if (state.rows === 0) return say(/delete/u, 1, /not found/u);
      state.rows -= 1;
      return say(/delete/u, 0, /Removed/u);
    }
    if (/trigger/u.test(line)) {
      if (!isKnown() || !isSynced()) return say(/trigger/u, 1, /DagNotFound/u);
      const id = words[words.indexOf('-r') + 1] ?? '', date = words[words.indexOf('-e') + 1] ?? '';
      if (runs.has(id)) return say(/trigger/u, 1, /AlreadyExists/u, id);
      const number = runs.size, [command, , which] = id.split('-');
      runs.set(id, { date, state: 'running', endsAt: now + 20_000, end: () => tries[number]?.(world, Number(which), command as Command) });
      return say(/trigger/u, 0, /Created/u, id);
    }
    if (!isSynced()) return say(/state/u, 1, /could not be found/u);
    const run = [...runs.values()].find(({ date }) => date === words.at(-1));
    return run ? { ...say(/state/u, 0, /failed\n/u), stdout: say(/state/u, 0, /failed\n/u).stdout.replace(/failed\n$/u, `${run.state}\n`) } : say(/state/u, 0, /None\n/u);
  };
  const description: EnvironmentDescription = { Name: 'analytics', Arn: 'arn:aws:airflow:eu-west-1:111122223333:environment/analytics', Status: 'AVAILABLE', AirflowVersion: version, ExecutionRoleArn: 'r', SourceBucketArn: 'arn:aws:s3:::dags-bucket', DagS3Path: 'dags/', WebserverAccessMode: 'PUBLIC_ONLY' };
  const environment = openEnvironment<'export' | 'preflight'>({
    side: 'source', description, mwaa: { cli, rest: () => Promise.reject(new Error('REST was called')) } as unknown as Mwaa, dagBucket: dags.bucket, migration: migration.bucket, prefix: PREFIX, readDag: async () => SOURCE, mayAct,
    clock: { now: () => new Date(now), sleep: async (milliseconds) => { now += milliseconds; for (const run of runs.values()) if (run.end && now >= run.endsAt) { const { end } = run; run.end = undefined; end(); } } },
    log: { info: (line) => lines.push(line), warn: (line) => lines.push(line), group: (_, work) => work() },
  });
  const world = {
    environment, runs, calls, lines, state, dags, migration,
    minutes: () => (now - START) / 60_000,
    triggered: () => calls.filter((line) => /trigger/u.test(line)).map((line) => /-r (\S+)/u.exec(line)?.[1]),
    end: (command: string, number: number, how: string, attempt = 1) => { const run = runs.get(`${command}-${attempt}-${number}`); if (run) run.state = how; },
    result: (command: string, number: number, more: object, attempt = 1) => void migration.objects.set(`${PREFIX}${attempt}/${command}/result.json`, Buffer.from(JSON.stringify({ schema: 1, command, attempt, try: number, startedAt: 'a', finishedAt: 'b', ...more } as Result))),
  };
  return world;
}

const done: Try = (world, number, command) => { world.result(command, number, { status: 'done', data: EXPORTED }); world.end(command, number, 'success'); };
const killed: Try = (world, number, command) => world.end(command, number, 'failed');
const failed = (code: string): Try => (world, number, command) => { world.result(command, number, { status: 'failed', error: { code, what: 'w', why: 'y', fix: 'f' } }); world.end(command, number, 'failed'); };
const looked: Try = (world, number) => { world.result('look', number, { status: 'done', data: LOOKED }, 0); world.end('look', number, 'success', 0); };
const theRun = (state: string, endsAt = START, end?: () => void) => ({ date: '2020-01-02T03:20:01+00:00', state, endsAt, end });

describe.each(['1.10.12', '2.0.2', '2.2.2'])('a command by the CLI of %s', (version) => {
  it('writes job and DAG file, waits until Airflow knows it, starts one run, and brings the data', async () => {
    const world = aWorld([done], { version, knownAfterMs: 90_000 });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(readRendered(world.dags.objects.get(KEY)?.toString() ?? '')).toMatchObject({ attempt: 1, prefix: `${PREFIX}1/`, job: { key: `${PREFIX}1/source/job.json`, sha256: createHash('sha256').update(world.migration.objects.get(`${PREFIX}1/source/job.json`) ?? '').digest('hex') } });
    expect([world.triggered(), world.calls.at(-1)?.includes('-e 2020-01-02T03:20:01+00:00') || /state/u.test(world.calls.at(-1) ?? '')]).toEqual([['export-1-1'], true]);
    expect(world.lines.join('\n')).toMatch(/Waiting for the scheduler of "analytics"/u);
  });

  it('finds the run that an earlier runner started, and starts no second one', async () => {
    const world = aWorld([], { version });
    world.dags.objects.set(KEY, Buffer.from('whatever'));
    world.state.rows = 1;
    world.runs.set('export-1-1', theRun('running', START + 30_000, () => done(world, 1, 'export')));
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect([world.triggered(), world.dags.objects.get(KEY)?.toString()]).toEqual([[], 'whatever']);
  });

  it('finds a run of a try that only S3 still knows the number of', async () => {
    const world = aWorld([], { version });
    world.dags.objects.set(KEY, Buffer.from('whatever'));
    world.state.rows = 1;
    // The rows of the tries before went with the DAG, when an earlier phase took it away.
    world.runs.set('export-1-3', { date: '2020-01-02T03:20:03+00:00', state: 'running', endsAt: START + 30_000, end: () => done(world, 3, 'export') });
    world.migration.objects.set(`${PREFIX}1/export/progress.json`, Buffer.from(JSON.stringify({ schema: 1, command: 'export', try: 3, at: 'x', message: 'm', table: null, rowsDone: 0, rowsTotal: null })));
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(world.triggered()).toEqual([]);
  });

  it('waits for the one result where a second runner was faster', async () => {
    const world = aWorld([], { version, syncedAfterMs: 0 });
    world.runs.set('export-1-1', theRun('running', START + 60_000, () => done(world, 1, 'export')));
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(world.triggered()).toEqual(['export-1-1']);
  });

  it('starts the next try where a task died without a word, and an older DAG file refused', async () => {
    const world = aWorld([killed, failed('job-changed'), done], { version });
    expect(await world.environment.run('export', order)).toEqual(EXPORTED);
    expect(world.triggered()).toEqual(['export-1-1', 'export-1-2', 'export-1-3']);
    // What has ended is not asked for again: each question starts a Python on the web server.
    expect(world.calls.filter((line) => /state/u.test(line) && line.endsWith('2020-01-02T03:20:01+00:00')).length).toBeLessThanOrEqual(1);
  });

  it('takes the DAG away: the file, then its row until it does not come back', async () => {
    const world = aWorld([], { version });
    world.dags.objects.set(KEY, Buffer.from('file'));
    Object.assign(world.state, { rows: 2, isBusy: true });
    await world.environment.removeDag();
    expect([world.dags.objects.has(KEY), world.calls.length, world.state.rows]).toEqual([false, 4, 0]);
  });
});

describe('a command by the CLI', () => {
  it('is not started when its result is there', async () => {
    const world = aWorld();
    world.result('export', 2, { status: 'done', data: EXPORTED });
    expect([await world.environment.run('export', order), world.calls]).toEqual([EXPORTED, []]);
  });

  it('runs again for the present as the try after the last one', async () => {
    const world = aWorld([done]);
    world.result('export', 4, { status: 'done', data: {} });
    await world.environment.run('export', { ...order, fresh: true });
    expect(world.triggered()).toEqual(['export-1-5']);
  });

  it('goes on asking while the web server\'s own folder lacks the file', async () => {
    const world = aWorld([done], { syncedAfterMs: 60_000 });
    await world.environment.run('export', order);
    expect(new Set(world.triggered())).toEqual(new Set(['export-1-1']));
    expect(world.triggered().length).toBeGreaterThan(2);
  });

  it('gives up after a quarter of an hour when Airflow never knows the DAG, and says what delays it', async () => {
    const world = aWorld([], { knownAfterMs: Infinity });
    await expect(world.environment.run('export', order)).rejects.toThrow(/has not read our DAG file within 15 minutes[^]*Airflow knows no DAG db_export[^]*\.airflowignore/u);
    expect([world.triggered(), Math.floor(world.minutes())]).toEqual([[], 15]);
  });

  it('asks seldom while it waits, for every question starts a Python on the web server', async () => {
    const slow: Try = (world, number, command) => world.end(command, number, 'running');
    const world = aWorld([slow]);
    await expect(world.environment.run('export', { ...order, timeoutMinutes: 10 })).rejects.toThrow(/did not end within 10 minutes/u);
    expect(world.calls.filter((line) => /state/u.test(line)).length).toBeLessThan(25);
  });

  it('names the last word of a failure, and no address that it may hold', async () => {
    const world = aWorld();
    world.state.odd = { stdout: '', stderr: 'Traceback\nOperationalError: postgresql://airflow:hunter2@db/AirflowMetadata is gone\n' };
    const refusal = await world.environment.run('export', order).catch((error: unknown) => String(error));
    expect(refusal).toMatch(/"dags unpause db_export" fails in Airflow's CLI of "analytics"[^]*OperationalError: \(address\) is gone/u);
    expect(refusal + world.lines.join('\n')).not.toContain('hunter2');
  });

  it('counts nothing, for that would take a DAG run', async () => expect(await aWorld().environment.count('dags')).toBeUndefined());
});

describe('what moves in such an environment', () => {
  it('is asked from inside, with a file of no attempt that goes again', async () => {
    const world = aWorld([looked]);
    expect(await world.environment.lookInside?.('2026-11-22T09:00:00Z')).toEqual(LOOKED);
    expect(JSON.parse(world.migration.objects.get(`${PREFIX}0/source/job.json`)?.toString() ?? '')).toMatchObject({ migrationId: 'm', attempt: 0, side: 'source', since: '2026-11-22T09:00:00Z' });
    expect([world.triggered(), world.dags.objects.size, world.state.rows]).toEqual([['look-0-1'], 0, 0]);
  });

  it('is never an older answer', async () => {
    const world = aWorld([looked]);
    world.result('look', 1, { status: 'done', data: { activeDags: ['old'], began: [], queued: [] } }, 0);
    expect(await world.environment.listActiveDagIds()).toEqual(['a']);
    expect(world.triggered()).toEqual(['look-0-2']);
  });

  it('takes no file away that an attempt has put there', async () => {
    const world = aWorld([done, looked]);
    await world.environment.run('export', order);
    await world.environment.listActiveDagIds();
    expect([world.dags.objects.has(KEY), world.calls.filter((line) => /delete/u.test(line))]).toEqual([true, []]);
  });

  it('is not asked by the plan role or in a dry run: nothing is written, and nobody gets a token', async () => {
    const world = aWorld([], { mayAct: false });
    expect(await world.environment.lookInside?.('2026-11-22T09:00:00Z')).toBeUndefined();
    expect(world.lines.join('\n')).toMatch(/Whether "analytics" stands still is not looked at: Airflow 2\.2\.2 has no REST API/u);
    await expect(world.environment.listActiveDagIds()).rejects.toThrow(/is not asked here/u);
    await expect(world.environment.run('export', order)).rejects.toThrow(/is not asked here/u);
    await expect(world.environment.removeDag()).rejects.toThrow(/is not asked here/u);
    expect([world.calls, world.dags.objects.size, world.migration.objects.size]).toEqual([[], 0, 0]);
  });
});
