/** Looks at an environment's bucket the way MWAA does: over S3, as the execution role, so that its policies, the bucket's and the key's all count. */
import {
  GetBucketVersioningCommand, GetPublicAccessBlockCommand, HeadObjectCommand, ListObjectsV2Command, S3Client, S3ServiceException,
} from '@aws-sdk/client-s3';

export type SessionCredentials = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken: string }>;
export type WantedObject = Readonly<{ path: string; version: string | undefined }>;

export type BucketFindings =
  | Readonly<{ kind: 'missing' }>
  /** The execution role may not look; `action` is what it lacks, on which `location`. */
  | Readonly<{ kind: 'denied'; action: string; location: string }>
  | Readonly<{
      kind: 'found'; region: string; versioned: boolean; publicAccessBlocked: boolean;
      /** Of the wanted objects those that are not there (in that version). */
      absent: readonly WantedObject[];
    }>;

export type LookAtBucket = (look: Readonly<{
  credentials: SessionCredentials; region: string; account: string; bucket: string; dagPath: string; objects: readonly WantedObject[];
}>) => Promise<BucketFindings>;

/** @param endpoint address of the front */
export function bucketLooker(endpoint: string): LookAtBucket {
  return async ({ credentials, region, account, bucket, dagPath, objects }) => {
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 2 });
    const here = { Bucket: bucket, ExpectedBucketOwner: account };
    let looking = { action: 's3:ListBucket', location: `${bucket}/${dagPath}` };
    try {
      const listing = await client.send(new ListObjectsV2Command({ ...here, Prefix: dagPath, MaxKeys: 1 }));
      looking = { action: 's3:GetBucketVersioning', location: bucket };
      const versioning = await client.send(new GetBucketVersioningCommand(here));
      looking = { action: 's3:GetBucketPublicAccessBlock', location: bucket };
      const blocked = await publicAccessBlocked(client, here);
      const absent: WantedObject[] = [];
      for (const object of [...objects, ...(listing.Contents ?? []).flatMap(({ Key }) => (Key ? [{ path: Key, version: undefined }] : []))]) {
        looking = { action: object.version ? 's3:GetObjectVersion' : 's3:GetObject', location: `${bucket}/${object.path}` };
        if (!(await isThere(client, here, object))) absent.push(object);
      }
      return { kind: 'found', region, versioned: versioning.Status === 'Enabled', publicAccessBlocked: blocked, absent };
    } catch (error) {
      if (!(error instanceof S3ServiceException)) throw error;
      if (error.name === 'NoSuchBucket') return { kind: 'missing' };
      const status = error.$metadata.httpStatusCode;
      if (status === 403) return { kind: 'denied', ...looking };
      if (status === 301) return { kind: 'found', region: error.$response?.headers['x-amz-bucket-region'] ?? 'another region', versioned: true, publicAccessBlocked: true, absent: [] };
      throw error;
    } finally {
      client.destroy();
    }
  };
}

async function publicAccessBlocked(client: S3Client, here: Readonly<{ Bucket: string; ExpectedBucketOwner: string }>): Promise<boolean> {
  try {
    const { PublicAccessBlockConfiguration: blocks } = await client.send(new GetPublicAccessBlockCommand(here));
    return Boolean(blocks?.BlockPublicAcls && blocks.IgnorePublicAcls && blocks.BlockPublicPolicy && blocks.RestrictPublicBuckets);
  } catch (error) {
    if (error instanceof S3ServiceException && error.name === 'NoSuchPublicAccessBlockConfiguration') return false;
    throw error;
  }
}

async function isThere(client: S3Client, here: Readonly<{ Bucket: string; ExpectedBucketOwner: string }>, { path, version }: WantedObject): Promise<boolean> {
  try {
    await client.send(new HeadObjectCommand({ ...here, Key: path, ...(version ? { VersionId: version } : {}) }));
    return true;
  } catch (error) {
    // HEAD has no body, so an unknown version is a plain 400 and an unknown key a plain 404.
    if (error instanceof S3ServiceException && [400, 404].includes(error.$metadata.httpStatusCode ?? 0)) return false;
    throw error;
  }
}
