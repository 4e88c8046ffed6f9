/** One throw-away PostgreSQL server for all environments of a sandbox. */
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runOrFail } from './command.js';
import { startComponent, tailOf, type Component } from './component.js';
import { freePort } from './free-port.js';
import type { Guardian } from './guardian.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { openDatabase, type Row } from './postgres-client.js';
import { endSessions } from './process-tree.js';

/** Short-lived data: nothing is synced to disk, a crash of the machine may lose it. */
const SETTINGS = {
  fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '500', shared_buffers: '128MB',
  max_wal_size: '4GB', checkpoint_timeout: '30min', listen_addresses: '127.0.0.1', timezone: 'UTC', log_min_messages: 'warning',
} as const;

export type PostgresServer = Awaited<ReturnType<typeof startPostgres>>;

/**
 * Makes and starts the server; about 1 s.
 * @param guardian ends it when this process is killed
 * @throws Error when there are no binaries to be had, or with the log's tail
 */
export async function startPostgres(log: (line: string) => void, guardian?: Guardian) {
  const binaries = await findPostgresBinaries(log);
  const user = await databaseUser();
  // Not below the sandbox's own folder: another user than root must be able to walk to it.
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-postgres-'));
  const data = path.join(folder, 'data'), logFile = path.join(folder, 'server.txt'), passwordFile = path.join(folder, 'password');
  const password = randomBytes(18).toString('hex');
  guardian?.watchFolder(folder);
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  writeFileSync(logFile, '', { mode: 0o600 });
  if (user) [folder, data, passwordFile, logFile].forEach((each) => chownSync(each, user.uid, user.gid));
  const env = { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', TZ: 'UTC', ...binaries.env };
  const tool = (name: string) => path.join(binaries.folder, name);
  await runOrFail(tool('initdb'), ['-D', data, '-U', 'airflow', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], { env, folder, user });
  rmSync(passwordFile);

  const { component, port } = await startOnFreePort(async (candidate) => startComponent({
    name: 'PostgreSQL', command: tool('postgres'), folder, env, logFile, user,
    args: ['-D', data, '-p', String(candidate), '-k', '', ...Object.entries(SETTINGS).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
  }), async (candidate) => {
    await openDatabase(binaries, urlOf(candidate, 'postgres')).run('SELECT 1');
  });
  guardian?.watch(component.pid);
  log(`PostgreSQL listens on 127.0.0.1:${port}.`);

  function urlOf(onPort: number, database: string): string {
    return `postgresql+psycopg2://airflow:${password}@127.0.0.1:${onPort}/${database}`;
  }
  const databaseUrl = (name: string): string => urlOf(port, name);
  const database = (nameOrUrl: string) => openDatabase(binaries, nameOrUrl.includes('://') ? nameOrUrl : databaseUrl(nameOrUrl));
  const server = {
    port,
    /** Id of the server's process, which is that of its session. */
    processGroup: component.pid,
    password,
    /** SQLAlchemy's form, as Airflow takes it. It holds the password. */
    databaseUrl,
    /** @returns the URL; a template must have no connection while it is copied */
    async createDatabase(name: string, template?: string): Promise<string> {
      await database('postgres').run(`CREATE DATABASE ${quoted(name)}${template === undefined ? '' : ` TEMPLATE ${quoted(template)}`}`);
      return databaseUrl(name);
    },
    /** Cuts its connections too; one that is not there is no error. */
    dropDatabase: (name: string) => database('postgres').run(`DROP DATABASE IF EXISTS ${quoted(name)} WITH (FORCE)`),
    async hasDatabase(name: string): Promise<boolean> {
      return (await database('postgres').rows(`SELECT 1 AS found FROM pg_database WHERE datname = ${literal(name)}`)).length > 0;
    },
    /** Runs a plain SQL dump, whole or not at all. */
    restore: (nameOrUrl: string, file: string) => database(nameOrUrl).runFile(file),
    /** Schema and data as plain SQL, without owners and grants. */
    dump: (nameOrUrl: string, file: string) => database(nameOrUrl).dump(file),
    /** Rows of a SELECT (or WITH, VALUES, TABLE) as JSON values; for other statements no rows. `database` may also be a URL. */
    async psql(nameOrUrl: string, query: string): Promise<readonly Row[]> {
      if (/^\s*(select|with|values|table)\b/i.test(query)) return database(nameOrUrl).rows(query);
      await database(nameOrUrl).run(query);
      return [];
    },
    /** Ends the server and deletes all of its data. */
    async stop(): Promise<void> {
      // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client (server shutdown, PostgreSQL manual 19.5).
      if (component.ended() === undefined) process.kill(component.pid, 'SIGINT');
      for (const deadline = Date.now() + 5000; component.ended() === undefined && Date.now() < deadline; ) await sleep(20);
      await endSessions([component.pid], 0);
      guardian?.release(component.pid);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return server;
}

/** `"name"` with quotes doubled. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** `'text'` with quotes doubled; standard_conforming_strings is on by default, so a backslash is itself. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** PostgreSQL knows no port 0, so another program may take the probed one first: up to 5 tries. */
async function startOnFreePort(start: (port: number) => Promise<Component>, check: (port: number) => Promise<void>): Promise<Readonly<{ component: Component; port: number }>> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const component = await start(port);
    for (const deadline = Date.now() + 30_000; component.ended() === undefined; await sleep(50)) {
      try {
        await check(port);
        return { component, port };
      } catch (cause) {
        if (Date.now() < deadline) continue; // not listening yet
        await endSessions([component.pid], 0);
        throw new Error(`PostgreSQL did not answer on 127.0.0.1:${port} within 30 s:\n${tailOf(component.logFile, [])}`, { cause });
      }
    }
    if (attempt === 5) throw new Error(`PostgreSQL ended with ${component.ended()}:\n${tailOf(component.logFile, [])}`);
  }
}

/** The server refuses to run as root; any other user does, and `nobody` is on every Linux. */
async function databaseUser(): Promise<Readonly<{ uid: number; gid: number }> | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const env = { PATH: process.env.PATH ?? '' };
  const idOf = (flag: string, name: string) => runOrFail('id', [flag, name], { env });
  const name = await idOf('-u', 'postgres').then(() => 'postgres', () => 'nobody');
  return { uid: Number(await idOf('-u', name)), gid: Number(await idOf('-g', name)) };
}
