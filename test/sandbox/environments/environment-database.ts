/** The metadata database of one environment, in one of its four beginnings. */
import { randomBytes } from 'node:crypto';
import type { Installation } from './airflow-installation.js';
import type { EnvironmentSettings } from './contract.js';
import type { PostgresServer } from './postgres.js';
import { migrateDatabase, schemaOf, type Templates } from './template-database.js';

export type EnvironmentDatabase = Readonly<{
  url: string;
  password: string;
  /** Brings a database that did not begin with this version to its schema; an equal one costs one query. */
  bringToSchema(installation: Installation, variables: Readonly<Record<string, string>>): Promise<void>;
  drop(): Promise<void>;
}>;

export async function createEnvironmentDatabase(
  { postgres, templates }: Readonly<{ postgres: PostgresServer; templates: Templates }>, settings: EnvironmentSettings, installation: Installation,
): Promise<EnvironmentDatabase> {
  const template = await templates.of(installation);
  const name = `${settings.name}-${randomBytes(4).toString('hex')}`.slice(-63);
  const begin = settings.database ?? { kind: 'empty' };
  const url = begin.kind === 'url' ? begin.url : await postgres.createDatabase(name, begin.kind === 'empty' ? template.name : begin.kind === 'template' ? begin.name : undefined);
  if (begin.kind === 'dump') await postgres.restore(name, begin.file);
  return {
    url,
    password: decodeURIComponent(new URL(url.replace(/^\w+(\+\w+)?:/, 'http:')).password),
    async bringToSchema(target, variables) {
      const schema = await schemaOf(postgres, url);
      if (schema !== (await templates.of(target)).schema) await migrateDatabase(target, variables, schema === undefined ? 'empty' : 'existing');
    },
    async drop() {
      if (begin.kind !== 'url') await postgres.dropDatabase(name);
    },
  };
}
