import { bucketStatements, sidPrefix } from '../plan/grants.js';
import { partitionOf } from '../plan/naming.js';
import type { Context } from '../ports.js';
import type { Place } from './way-back.js';

/** Lets the two execution roles into the migration bucket, below this migration's prefix, and to its key where it has one. */
export async function grantAccess({ file, log, source }: Pick<Context, 'file' | 'log' | 'source'>, seen: Place): Promise<void> {
  const roles = [seen.source.ExecutionRoleArn, ...(seen.target ? [seen.target.ExecutionRoleArn] : [])];
  const outcome = await source.buckets.grant(seen.bucketName, bucketStatements({
    migrationId: file.id, partition: partitionOf(seen.source.Arn), bucket: seen.bucketName, prefix: seen.prefix,
    sourceExecutionRole: seen.source.ExecutionRoleArn, targetExecutionRole: seen.target?.ExecutionRoleArn,
  }));
  if (outcome === 'changed') log.info(`Opened s3://${seen.bucketName}/${seen.prefix} to the execution role${roles.length > 1 ? 's of both environments' : ' of the source'}.`);
  if (file.bucket.kmsKey === undefined) return;
  for (const [at, role] of roles.entries()) await source.keys.grant(file.bucket.kmsKey, role, `${sidPrefix(file.id)}${at === 0 ? 'Source' : 'Target'}`);
}

/** Takes back what grantAccess gave; does nothing where that is gone already. */
export async function revokeAccess({ file, log, source }: Pick<Context, 'file' | 'log' | 'source'>, bucketName: string): Promise<void> {
  if ((await source.buckets.revoke(bucketName, sidPrefix(file.id))) === 'changed') log.info(`Closed s3://${bucketName} to the execution roles again.`);
  if (file.bucket.kmsKey !== undefined) await source.keys.revoke(file.bucket.kmsKey, sidPrefix(file.id));
}
