/** The migration bucket as a resource. */
import {
  CreateBucketCommand, DeleteBucketPolicyCommand, GetBucketEncryptionCommand, GetBucketPolicyCommand, GetBucketVersioningCommand, GetPublicAccessBlockCommand, HeadBucketCommand,
  PutBucketEncryptionCommand, PutBucketPolicyCommand, PutBucketVersioningCommand, PutPublicAccessBlockCommand, type BucketLocationConstraint,
} from '@aws-sdk/client-s3';
import { UserError } from '../../errors.js';
import type { BucketAdmin, Clock } from '../../ports.js';
import { parsePolicy, renderPolicy, samePolicy, withoutSids, withStatements, type Policy } from './bucket-policy.js';
import { nameOf, unless, type Caller } from './call.js';
import type { Here, S3 } from './s3-bucket.js';

const ALL_BLOCKED = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true } as const;
/** Times a policy is merged again because somebody else wrote it in between. */
const POLICY_TRIES = 5;
/** A role made seconds ago is not yet known to S3: "Invalid principal in policy" for up to this many waits of 3 s. */
const PRINCIPAL_WAITS = 20;

/** @param account owner of every bucket this may touch: the account of these credentials */
export function openBucketAdmin(client: S3, call: Caller, clock: Clock, region: string, account: () => Promise<string>): BucketAdmin {
  const hereOf = async (name: string): Promise<Here> => ({ Bucket: name, ExpectedBucketOwner: await account() });

  const exists: BucketAdmin['exists'] = async (name) => {
    const here = await hereOf(name);
    return await call({ action: 's3:ListBucket', resource: `arn:aws:s3:::${name}` }, async () => {
      try {
        return (await unless(['NotFound', 'NoSuchBucket'], client.send(new HeadBucketCommand(here)))) !== undefined;
      } catch (error) {
        const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        // HEAD has no body: a stranger's bucket and a missing permission look the same.
        if (status === 403)
          throw new UserError(`Bucket ${name} is not ours, or may not be looked at.`, `S3 refused it to account ${here.ExpectedBucketOwner}; bucket names are shared by all AWS accounts.`, 'name another bucket under "bucket.name" in the migration file, or allow s3:ListBucket on it.', { cause: error });
        throw error;
      }
    });
  };

  const readPolicy = async (here: Here, name: string): Promise<Policy> => {
    const answer = await call({ action: 's3:GetBucketPolicy', resource: `arn:aws:s3:::${name}` }, () => unless(['NoSuchBucketPolicy'], client.send(new GetBucketPolicyCommand(here))));
    return parsePolicy(answer?.Policy, name);
  };

  /** Reads, changes and writes the policy. S3 has no conditional write here: it is read again afterwards, and a lost change is made again. */
  const changePolicy = async (name: string, change: (policy: Policy) => Policy): Promise<'changed' | 'there'> => {
    const here = await hereOf(name);
    const resource = `arn:aws:s3:::${name}`;
    const read = (): Promise<Policy> => readPolicy(here, name);
    let outcome: 'changed' | 'there' = 'there';
    for (let attempt = 1; attempt <= POLICY_TRIES; attempt += 1) {
      const before = await read();
      const after = change(before);
      if (samePolicy(before.Statement, after.Statement)) return outcome;
      // What was read must still stand when it is replaced: another writer's statement would be lost silently.
      if (!samePolicy(before, await read())) continue;
      if (after.Statement.length === 0) await call({ action: 's3:DeleteBucketPolicy', resource }, () => client.send(new DeleteBucketPolicyCommand(here)));
      else await call({ action: 's3:PutBucketPolicy', resource }, () => putPolicy(client, clock, here, renderPolicy(after, name)));
      outcome = 'changed';
    }
    if (samePolicy((await read()).Statement, change(await read()).Statement)) return outcome;
    throw new UserError(`The policy of bucket ${name} changes all the time.`, `somebody else wrote it ${POLICY_TRIES} times in a row between our reading and writing.`, 'find who writes it (CloudTrail: PutBucketPolicy), wait until that is done, and run the phase again.');
  };

  const look: BucketAdmin['look'] = async (name) => {
    if (!(await exists(name))) return { name, exists: false, isVersioned: undefined, isClosedToPublic: undefined };
    const here = await hereOf(name), resource = `arn:aws:s3:::${name}`;
    const versioning = await call({ action: 's3:GetBucketVersioning', resource }, () => client.send(new GetBucketVersioningCommand(here)));
    const access = await call({ action: 's3:GetBucketPublicAccessBlock', resource }, () => unless(['NoSuchPublicAccessBlockConfiguration'], client.send(new GetPublicAccessBlockCommand(here))));
    return { name, exists: true, isVersioned: versioning.Status === 'Enabled', isClosedToPublic: samePolicy(access?.PublicAccessBlockConfiguration ?? {}, ALL_BLOCKED) };
  };

  return {
    exists,
    look,

    async ensure(name, kmsKeyArn) {
      const here = await hereOf(name);
      const resource = `arn:aws:s3:::${name}`;
      const isThere = await exists(name);
      if (!isThere)
        await call({ action: 's3:CreateBucket', resource }, async () => {
          try {
            // us-east-1 is the one region that must not be named: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
            await client.send(new CreateBucketCommand({ Bucket: name, ...(region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }) }));
          } catch (error) {
            if (nameOf(error) === 'BucketAlreadyOwnedByYou') return; // a second runner, or a lost answer
            if (nameOf(error) === 'BucketAlreadyExists') throw new UserError(`Bucket ${name} belongs to somebody else.`, 'bucket names are shared by all AWS accounts.', 'name another bucket under "bucket.name" in the migration file.', { cause: error });
            throw error;
          }
        });
      const versioning = await call({ action: 's3:GetBucketVersioning', resource }, () => client.send(new GetBucketVersioningCommand(here)));
      if (versioning.Status !== 'Enabled')
        await call({ action: 's3:PutBucketVersioning', resource }, () => client.send(new PutBucketVersioningCommand({ ...here, VersioningConfiguration: { Status: 'Enabled' } })));
      const access = await call({ action: 's3:GetBucketPublicAccessBlock', resource }, () => unless(['NoSuchPublicAccessBlockConfiguration'], client.send(new GetPublicAccessBlockCommand(here))));
      if (!samePolicy(access?.PublicAccessBlockConfiguration ?? {}, ALL_BLOCKED))
        await call({ action: 's3:PutBucketPublicAccessBlock', resource }, () => client.send(new PutPublicAccessBlockCommand({ ...here, PublicAccessBlockConfiguration: ALL_BLOCKED })));
      await ensureEncryption(client, call, here, kmsKeyArn);
      return isThere ? 'there' : 'created';
    },

    grant: (name, statements) => changePolicy(name, (policy) => withStatements(policy, statements)),
    isGranted: async (name, sidPrefix) => {
      if (!(await exists(name))) return false;
      const policy = await readPolicy(await hereOf(name), name);
      return withoutSids(policy, sidPrefix).Statement.length < policy.Statement.length;
    },
    revoke: async (name, sidPrefix) => ((await exists(name)) ? await changePolicy(name, (policy) => withoutSids(policy, sidPrefix)) : 'there'),
  };
}

/** Default encryption: the user's key where one is named, else whatever is there (S3 gives every bucket SSE-S3). */
async function ensureEncryption(client: S3, call: Caller, here: Here, kmsKeyArn: string | undefined): Promise<void> {
  const resource = `arn:aws:s3:::${here.Bucket}`;
  const answer = await call({ action: 's3:GetEncryptionConfiguration', resource }, () => unless(['ServerSideEncryptionConfigurationNotFoundError'], client.send(new GetBucketEncryptionCommand(here))));
  const current = answer?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
  if (kmsKeyArn ? current?.SSEAlgorithm === 'aws:kms' && current.KMSMasterKeyID === kmsKeyArn : current !== undefined) return;
  // A bucket key: one KMS call for many objects instead of one each.
  const rule = kmsKeyArn ? { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: kmsKeyArn }, BucketKeyEnabled: true } : { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } };
  await call({ action: 's3:PutEncryptionConfiguration', resource }, () => client.send(new PutBucketEncryptionCommand({ ...here, ServerSideEncryptionConfiguration: { Rules: [rule] } })));
}

async function putPolicy(client: S3, clock: Clock, here: Here, text: string): Promise<void> {
  for (let waits = 0; ; waits += 1) {
    try {
      await client.send(new PutBucketPolicyCommand({ ...here, Policy: text }));
      return;
    } catch (error) {
      const isUnknownPrincipal = nameOf(error) === 'MalformedPolicy' && error instanceof Error && /invalid principal/iu.test(error.message);
      if (!isUnknownPrincipal || waits >= PRINCIPAL_WAITS) throw error;
      await clock.sleep(3_000);
    }
  }
}
