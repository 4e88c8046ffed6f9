import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { differences, type Difference } from './difference.js';
import type { Placement } from './environment-fields.js';
import { bucketOf, partitionOf } from './naming.js';

/** The paths of a source's resources, as GetEnvironment names them. */
export const pathOf = (source: EnvironmentDescription, kind: 'Plugins' | 'Requirements' | 'StartupScript'): string | undefined => textOf(source[`${kind}S3Path`]);
/** The object version the source runs on, not the newest one. */
export const versionOf = (source: EnvironmentDescription, kind: 'Plugins' | 'Requirements' | 'StartupScript'): string | undefined => textOf(source[`${kind}S3ObjectVersion`]);

/** Where the target's resources will lie. Never the source's own folder: two environments on one DAG folder change together. */
export function placementOf(source: EnvironmentDescription, file: MigrationFile): Placement {
  const prefix = file.target.prefix === '' || file.target.prefix.endsWith('/') ? file.target.prefix : `${file.target.prefix}/`;
  const place = (kind: 'Plugins' | 'Requirements' | 'StartupScript') => {
    const path = pathOf(source, kind);
    return path === undefined ? undefined : { path: prefix + path.slice(path.lastIndexOf('/') + 1) };
  };
  return {
    bucket: file.target.bucket ?? bucketOf(source.SourceBucketArn),
    partition: partitionOf(source.Arn),
    dags: `${prefix}dags`,
    plugins: place('Plugins'),
    requirements: place('Requirements'),
    startupScript: place('StartupScript'),
  };
}

/** Where an environment that is there reads its DAGs from another place than the plan would give it. A slash at the folder's end makes no other folder. */
export function placeDifferences(target: EnvironmentDescription, wanted: Pick<Placement, 'bucket' | 'dags' | 'partition'>): readonly Difference[] {
  const bucket = `arn:${wanted.partition}:s3:::${wanted.bucket}`;
  return [
    ...differences(bucket, target.SourceBucketArn, 'SourceBucketArn'),
    ...(folderOf(wanted.dags) === folderOf(target.DagS3Path) ? [] : differences(wanted.dags, target.DagS3Path, 'DagS3Path')),
  ];
}

/** Folder of DAGs without the slash at its end. */
export const folderOf = (path: string): string => path.replace(/^\/+|\/+$/g, '');

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
