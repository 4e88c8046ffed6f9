/** How the migration bucket's own policy lets the two execution roles in, limited to one migration's prefix (design §7). */
import { shortHash } from './naming.js';

export type Statement = Readonly<Record<string, unknown>> & Readonly<{ Sid: string }>;

/** Sids begin with it, so that cleanup finds them: only letters and digits are allowed there. */
export const sidPrefix = (migrationId: string): string => `MwaaMigrate${shortHash(migrationId)}`;

/** What the commands of each side write. Neither may touch the journal, the plan, `active-dags.json` or what the other side answers: whoever writes DAGs there has its role. */
const SOURCE_WRITES = ['preflight/*', 'look/*', 'drain/*', 'export/*', 'restore/*', 'in-flight.json', 'schedules.json'] as const;
const TARGET_FOLDERS = ['preflight', 'keypair', 'import', 'verify', 'activate', 'deactivate'] as const;

export type Grantees = Readonly<{
  migrationId: string;
  partition: string;
  bucket: string;
  /** data/migration/…/<id>/ */
  prefix: string;
  sourceExecutionRole: string;
  /** undefined: there is no target yet. */
  targetExecutionRole: string | undefined;
}>;

export function bucketStatements({ migrationId, partition, bucket, prefix, sourceExecutionRole, targetExecutionRole }: Grantees): readonly Statement[] {
  const sid = sidPrefix(migrationId);
  const below = (pattern: string) => `arn:${partition}:s3:::${bucket}/${prefix}${pattern}`;
  const allow = (name: string, role: string, Action: readonly string[], Resource: readonly string[]): Statement => ({
    Sid: `${sid}${name}`, Effect: 'Allow', Principal: { AWS: role }, Action, Resource,
  });
  // Ends uploads that a killed task left. That action knows no condition on the prefix: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
  const uploads = (name: string, role: string): Statement => allow(name, role, ['s3:ListBucketMultipartUploads'], [`arn:${partition}:s3:::${bucket}`]);
  // Without it S3 answers 403 for an object that is not there (yet), and a task could not tell "absent" from "forbidden".
  const list = (name: string, role: string): Statement => ({
    ...allow(name, role, ['s3:ListBucket'], [`arn:${partition}:s3:::${bucket}`]),
    Condition: { StringLike: { 's3:prefix': [`${prefix}*`] } },
  });
  return [
    allow('SourceWrite', sourceExecutionRole, ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], SOURCE_WRITES.map((name) => below(`*/${name}`))),
    allow('SourceRead', sourceExecutionRole, ['s3:GetObject', 's3:GetObjectVersion'], [below('*.json'), below('*/preflight/*')]),
    allow('SourceProbe', sourceExecutionRole, ['s3:DeleteObject'], [below('*/preflight/*')]),
    list('SourceList', sourceExecutionRole),
    uploads('SourceUploads', sourceExecutionRole),
    ...(targetExecutionRole
      ? [
          allow('TargetRead', targetExecutionRole, ['s3:GetObject', 's3:GetObjectVersion'], [below('*')]),
          allow('TargetWrite', targetExecutionRole, ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'], TARGET_FOLDERS.map((name) => below(`*/${name}/*`))),
          allow('TargetProbe', targetExecutionRole, ['s3:DeleteObject'], ['preflight', 'import/rejected', 'import/replaced'].map((folder) => below(`*/${folder}/*`))),
          list('TargetList', targetExecutionRole),
          uploads('TargetUploads', targetExecutionRole),
        ]
      : []),
  ];
}
