/** An initialised, empty metadata database of each Airflow version: made once, dumped into the cache, cloned for every environment. */
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder } from '../../../scripts/python.mjs';
import { prepareAirflowHome } from './airflow-home.js';
import { airflowArguments, type Installation } from './airflow-installation.js';
import { airflowVariables, newFernetKey } from './airflow-variables.js';
import { runOrFail } from './command.js';
import type { EnvironmentSettings } from './contract.js';
import { quoted, type PostgresServer } from './postgres.js';
import { isAtLeast } from './releases.js';

/** Raised when the content of a template changes. */
const LAYOUT = 1;

/** `schema`: Alembic's revision. Nobody may connect to a template, or cloning it fails, so it is read once. */
export type Template = Readonly<{ name: string; schema: string | undefined }>;
export type Templates = ReturnType<typeof templatesOf>;

/** The templates of one server. @param workFolder for the Airflow that makes a first one */
export function templatesOf(postgres: PostgresServer, workFolder: string, log: (line: string) => void) {
  const made = new Map<string, Promise<Template>>();
  return {
    /** Sees to it that the server has the version's template. */
    of(installation: Installation): Promise<Template> {
      const promised = made.get(installation.key) ?? makeTemplate(postgres, installation, path.join(workFolder, installation.key), log);
      made.set(installation.key, promised);
      return promised;
    },
  };
}

async function makeTemplate(postgres: PostgresServer, installation: Installation, airflowHome: string, log: (line: string) => void): Promise<Template> {
  const name = `template_${installation.key}`, file = path.join(cacheFolder, `${installation.key}.database-${LAYOUT}.sql`);
  const half = `${name}_half`;
  const databaseUrl = await postgres.createDatabase(half);
  if (existsSync(file)) {
    await postgres.restore(half, file);
  } else {
    const started = Date.now();
    prepareAirflowHome(airflowHome);
    const env = bareVariables(installation, airflowHome, databaseUrl);
    await migrateDatabase(installation, env, 'empty');
    await runOrFail(installation.python, isAtLeast(installation.release.version, '3.0') ? ['-m', 'airflow', 'sync-perm'] : ['-c', SYNC_ROLES], { env, timeoutSeconds: 300 });
    const partial = `${file}.${process.pid}`;
    await postgres.dump(half, partial);
    renameSync(partial, file);
    log(`The database of Airflow ${installation.release.version} was made in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  }
  const schema = await schemaOf(postgres, half);
  await postgres.psql('postgres', `ALTER DATABASE ${quoted(half)} RENAME TO ${quoted(name)}`);
  return { name, schema };
}

/** An Airflow of no environment. Its Fernet key is used for nothing that stays: the database holds no connection. */
function bareVariables(installation: Installation, airflowHome: string, databaseUrl: string): Readonly<Record<string, string>> {
  const settings: EnvironmentSettings = {
    name: 'template', account: '000000000000', region: 'us-east-1', airflowVersion: installation.release.version, bucket: '', dagPath: '',
    executionRoleArn: '', options: {}, logging: {}, syncSeconds: 0,
  };
  return airflowVariables({
    settings, release: installation.release, airflowHome, programs: path.dirname(installation.python), webserverPort: 0, endpointUrl: undefined, credentials: {}, startup: {},
    secrets: { fernetKey: newFernetKey(), webserverKey: randomBytes(16).toString('hex'), databaseUrl },
  });
}

/** Creating the web application writes the default roles and their permissions; `airflow sync-perm` below 3.0 asks for them to be there. */
const SYNC_ROLES = `
try:
    from airflow.www.app import create_app
except ImportError:
    from airflow.www_rbac.app import create_app
create_app()
`;

/** Brings a database to the installation's schema. @param from 'existing': has an older or the same schema */
export async function migrateDatabase(installation: Installation, env: Readonly<Record<string, string>>, from: 'empty' | 'existing'): Promise<void> {
  const { version } = installation.release;
  const command = isAtLeast(version, '2.7') ? ['db', 'migrate'] : isAtLeast(version, '2.0') ? ['db', from === 'empty' ? 'init' : 'upgrade'] : [from === 'empty' ? 'initdb' : 'upgradedb'];
  await runOrFail(installation.python, airflowArguments(installation, command), { env, timeoutSeconds: 600 });
}

/** Alembic's revision; undefined when the database has no Airflow in it. */
export async function schemaOf(postgres: PostgresServer, database: string): Promise<string | undefined> {
  const [table] = await postgres.psql(database, `SELECT to_regclass('alembic_version') IS NOT NULL AS found`);
  if (table?.found !== true) return undefined;
  return (await postgres.psql(database, 'SELECT version_num FROM alembic_version ORDER BY 1')).map((row) => String(row.version_num)).join(' ');
}
