/** The throw-away PostgreSQL server: what it offers to tests, and that it never outlives them. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres, type PostgresServer } from '../../sandbox/environments/postgres.js';
import { eventually } from './waiting.js';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
let postgres: PostgresServer;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-postgres-test-'));
  postgres = await startPostgres(() => undefined);
}, 60_000);
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('clones a database and keeps the clone apart', async () => {
  await postgres.createDatabase('first');
  await postgres.psql('first', `CREATE TABLE t (name text, at timestamptz, gone text); INSERT INTO t VALUES ('it''s', '2026-01-02 03:04:05+02', NULL)`);
  await postgres.createDatabase('second "of" two', 'first');
  await postgres.psql('first', 'DELETE FROM t');

  expect(await postgres.psql('first', 'SELECT * FROM t')).toEqual([]);
  expect(await postgres.psql('second "of" two', 'SELECT * FROM t;')).toEqual([{ name: "it's", at: '2026-01-02T01:04:05+00:00', gone: null }]);
});

it('restores its own dump, and nothing of one that breaks off', async () => {
  await postgres.createDatabase('origin');
  await postgres.psql('origin', `CREATE TABLE t (n int PRIMARY KEY, raw bytea); INSERT INTO t SELECT n, '\\x00ff' FROM generate_series(1, 1000) n`);
  const whole = path.join(folder, 'whole.sql'), broken = path.join(folder, 'broken.sql');
  await postgres.dump('origin', whole);
  writeFileSync(broken, `${readFileSync(whole, 'utf8')}\nSELECT no_such_function();\n`);

  const url = await postgres.createDatabase('copy');
  await postgres.restore('copy', whole);
  await postgres.createDatabase('none');

  expect(await postgres.psql(url, 'SELECT count(*) AS rows, min(raw::text) AS raw FROM t')).toEqual([{ rows: 1000, raw: '\\x00ff' }]);
  await expect(postgres.restore('none', broken)).rejects.toThrow('no_such_function');
  expect(await postgres.psql('none', `SELECT to_regclass('t') AS found`)).toEqual([{ found: null }]);
});

it('drops a database that is in use, and again one that is gone', async () => {
  await postgres.createDatabase('busy');
  const sleeping = postgres.psql('busy', 'SELECT pg_sleep(60)').then(() => 'finished', () => 'cut');
  await eventually('the connection', async () => (await postgres.psql('postgres', `SELECT 1 AS found FROM pg_stat_activity WHERE datname = 'busy'`))[0], 10);

  await postgres.dropDatabase('busy');
  await postgres.dropDatabase('busy');

  expect(await sleeping).toBe('cut');
  expect(await postgres.hasDatabase('busy')).toBe(false);
});

it('refuses a wrong password', async () => {
  await expect(postgres.psql(postgres.databaseUrl('postgres').replace(postgres.password, 'wrong'), 'SELECT 1')).rejects.toThrow('password authentication failed');
});

it('is ended with its data when the program that started it is killed', async () => {
  const program = `
    const { startGuardian } = await import('./test/sandbox/environments/guardian.ts');
    const { startPostgres } = await import('./test/sandbox/environments/postgres.ts');
    const { processGroup } = await startPostgres(() => undefined, startGuardian());
    console.log(processGroup);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = await new Promise<number>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))));
  const data = /-D (\S+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '))?.[1] ?? '';
  expect(existsSync(path.dirname(data))).toBe(true);

  child.kill('SIGKILL');

  await eventually('the end of the server', () => (existsSync(`/proc/${pid}`) ? undefined : true), 20);
  await eventually('the end of its data', () => (existsSync(path.dirname(data)) ? undefined : true), 20);
}, 60_000);
