/** Where a migration's things lie and what they are called. */
import { InternalError } from '../errors.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import { sha256 } from './canonical.js';

/** First 8 hex digits of SHA-256 of the migration id: names Sids, staging tables, variables (PostgreSQL cuts names at 63 bytes). */
export const shortHash = (migrationId: string): string => sha256(migrationId).slice(0, 8);

/** Variables of the target that hold the two halves of the one-time key (src/dags/_parts/secrets_in.py makes them). */
export const keyVariables = (migrationId: string): Readonly<{ privateKey: string; publicKey: string }> => ({ privateKey: `mwaa_migrate_${shortHash(migrationId)}_private_key`, publicKey: `mwaa_migrate_${shortHash(migrationId)}_public_key` });

/** Key prefix of everything this migration writes into the migration bucket; the first two folders are those of AWS's guide. */
export const migrationPrefix = (file: Pick<MigrationFile, 'id'>, sourceVersion: string, targetVersion: string): string =>
  `data/migration/${sourceVersion}_to_${targetVersion}/${file.id}/`;

/** `{account}` and `{region}` stand for the source's, because the bucket lies there. */
export const migrationBucketName = (file: Pick<MigrationFile, 'bucket' | 'source'>, sourceAccount: string): string =>
  file.bucket.name.replaceAll('{account}', sourceAccount).replaceAll('{region}', file.source.region);

/** arn:aws:airflow:eu-west-1:123456789012:environment/name → 123456789012 */
export function accountOf(arn: string): string {
  const account = arn.split(':')[4];
  if (!account) throw new InternalError(`no account in ARN ${arn}`);
  return account;
}

/** arn:aws:s3:::name → name */
export const bucketOf = (arn: string): string => arn.split(':').slice(5).join(':');

/** "aws", "aws-cn", "aws-us-gov" */
export const partitionOf = (arn: string): string => arn.split(':')[1] ?? 'aws';

/** IAM allows 64 characters (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html), an environment's name has up to 80. */
const MAX_ROLE_NAME = 64;

/** The only prefix under which our IAM template allows roles to be made. */
export function clonedRoleName(targetEnvironment: string): string {
  const name = `mwaa-migrate-${targetEnvironment}`;
  return name.length <= MAX_ROLE_NAME ? name : `${name.slice(0, MAX_ROLE_NAME - 9)}-${sha256(targetEnvironment).slice(0, 8)}`;
}
