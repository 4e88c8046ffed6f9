/** psql and pg_dump against one database; the password goes by environment, statements by standard input. */
import { createReadStream } from 'node:fs';
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { runOrFail } from './command.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import path from 'node:path';

export type Row = Readonly<Record<string, unknown>>;

/** @param url SQLAlchemy's or libpq's form, `postgresql[+psycopg2]://user:password@host:port/database` */
export function openDatabase(binaries: PostgresBinaries, url: string) {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url.replace(/^postgres(ql)?(\+\w+)?:/, 'http:'));
  const env = {
    PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...binaries.env,
    PGHOST: searchParams.get('host') ?? hostname, PGPORT: port || '5432', PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)), PGTZ: 'UTC', PGOPTIONS: '-c client_min_messages=warning', PGCONNECT_TIMEOUT: '10',
    ...(searchParams.get('sslmode') ? { PGSSLMODE: searchParams.get('sslmode') ?? '' } : {}),
  };
  const psql = path.join(binaries.folder, 'psql');
  const flags = ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1'];
  const run = (sql: string, more: readonly string[] = []) => runOrFail(psql, [...flags, ...more], { env, input: sql });
  return {
    /** Statements without an interest in their rows. @throws Error with the server's message */
    async run(sql: string): Promise<void> {
      await run(sql);
    },
    /** One SELECT, rows in its order; timestamps are ISO texts, bytea is `\x…`, numbers beyond 2^53 lose digits. */
    async rows(select: string): Promise<readonly Row[]> {
      const text = await run(`SELECT coalesce(json_agg(answer), '[]') FROM (${select.replace(/;\s*$/, '')}\n) AS answer`, ['--tuples-only', '--no-align']);
      return JSON.parse(text) as readonly Row[];
    },
    /** In one transaction, streamed: a dump may be larger than memory. */
    async runFile(file: string): Promise<void> {
      const child = spawn(psql, [...flags, '--single-transaction', '--output=/dev/null'], { env, stdio: ['pipe', 'ignore', 'pipe'] });
      const errors: Buffer[] = [];
      child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
      const ended = new Promise<number>((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code ?? 137)));
      // psql closes its input at the first error: the exit code and stderr say what it was.
      await pipeline(createReadStream(file), child.stdin).catch(() => undefined);
      const code = await ended;
      if (code !== 0) throw new Error(`psql ended with code ${code} while it restored ${file}: ${Buffer.concat(errors).toString('utf8').slice(-2000)}`);
    },
    async dump(file: string): Promise<void> {
      await runOrFail(path.join(binaries.folder, 'pg_dump'), ['--no-owner', '--no-privileges', '--file', file], { env });
    },
  };
}
