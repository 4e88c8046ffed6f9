/** What a migration has put into an environment, and into the migration bucket for it, looked for without the product: a way back leaves none of it. */
import { GetBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { query } from '../../oracle/query.js';
import type { SandboxEnvironment } from '../../../sandbox/world.js';
import { MIGRATION_BUCKET } from '../../support/middle.js';
import { ACCOUNT, type MigrationWorld, SOURCE, TARGET } from '../../support/world.js';
import { ownRowsOf } from './counts.js';

/** One line for each thing that is in the environment; none in one as it was. The audit log tells of what was, and stays. */
export async function oursOn(world: MigrationWorld, name: string): Promise<readonly string[]> {
  const environment = world.sandbox.environment(name), { databaseUrl } = environment.running;
  const dags = await query<[string]>(databaseUrl, String.raw`SELECT dag_id FROM dag WHERE dag_id ~ '^db_(export|import)' UNION SELECT dag_id FROM serialized_dag WHERE dag_id ~ '^db_(export|import)'`);
  const relations = await query<[string]>(databaseUrl, String.raw`SELECT relname FROM pg_class WHERE relname LIKE 'mwaa\_migrate%' ORDER BY 1`);
  const variables = await query<[string]>(databaseUrl, String.raw`SELECT key FROM variable WHERE key LIKE 'mwaa\_migrate%' ORDER BY 1`);
  const rows = Object.entries(await ownRowsOf(databaseUrl)).filter(([table, count]) => table !== 'log' && count > 0);
  const objects = world.sandbox.s3.listObjects(environment.bucket).filter(({ key }) => /\/db_(?:export|import)/u.test(key));
  return [
    ...dags.map(([dag]) => `DAG ${dag}`), ...relations.map(([relation]) => `relation ${relation}`), ...variables.map(([key]) => `variable ${key}`),
    ...rows.map(([table, count]) => `${count} rows of ${table}`), ...objects.map(({ key }) => `object ${key}`),
  ];
}

/** In the migration bucket: exported secrets, and statements of its policy that let an environment in. After a cutover phase cleanup takes the statements away. */
export async function openIn(world: MigrationWorld): Promise<readonly string[]> {
  return [...await secretObjects(world), ...(await Promise.all([SOURCE, TARGET].map((name) => statementsFor(world, world.sandbox.environment(name))))).flat()];
}

/** Exported secrets in the migration bucket, in any version. */
export async function secretObjects({ sandbox }: MigrationWorld): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { bucket, key } of sandbox.s3.everyByte()) if (bucket === MIGRATION_BUCKET && /\/export\/(?:variable|connection)\.sealed/u.test(key)) found.push(key);
  return found;
}

/** Statements of the migration bucket's policy that let the environment in. */
async function statementsFor({ sandbox }: MigrationWorld, { executionRoleArn }: SandboxEnvironment): Promise<readonly string[]> {
  const client = new S3Client(sandbox.rootClient(ACCOUNT));
  try {
    const { Policy: policy = '{}' } = await client.send(new GetBucketPolicyCommand({ Bucket: MIGRATION_BUCKET })).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'NoSuchBucketPolicy') return { Policy: undefined };
      throw error;
    });
    const { Statement: statements = [] } = JSON.parse(policy) as { Statement?: readonly unknown[] };
    return statements.map((one) => JSON.stringify(one)).filter((one) => one.includes(executionRoleArn)).map((one) => `statement ${one}`);
  } finally {
    client.destroy();
  }
}
