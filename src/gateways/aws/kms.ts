/** The user's own KMS key of the migration bucket: looked at, and opened to the execution roles by grants. */
import { CreateGrantCommand, DescribeKeyCommand, ListGrantsCommand, RevokeGrantCommand, type GrantListEntry, type KMSClient } from '@aws-sdk/client-kms';
import type { Keys } from '../../ports.js';
import { unless, type Caller } from './call.js';

/** What SSE-KMS needs of a reader and writer: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (multipart uploads decrypt too). */
const OPERATIONS = ['Decrypt', 'GenerateDataKey', 'DescribeKey'] as const;

export function openKeys(client: Pick<KMSClient, 'send'>, call: Caller): Keys {
  const listGrants = async (keyArn: string): Promise<readonly GrantListEntry[]> => {
    const grants: GrantListEntry[] = [];
    let marker: string | undefined;
    do {
      const page = await call({ action: 'kms:ListGrants', resource: keyArn }, () => client.send(new ListGrantsCommand({ KeyId: keyArn, Limit: 100, ...(marker ? { Marker: marker } : {}) })));
      grants.push(...(page.Grants ?? []));
      marker = page.Truncated ? page.NextMarker : undefined;
    } while (marker);
    return grants;
  };
  const ours = async (keyArn: string, namePrefix: string): Promise<readonly GrantListEntry[]> => (await listGrants(keyArn)).filter((grant) => grant.Name?.startsWith(namePrefix));
  return {
    async describe(keyArn) {
      const answer = await call({ action: 'kms:DescribeKey', resource: keyArn }, () => unless(['NotFoundException'], client.send(new DescribeKeyCommand({ KeyId: keyArn }))));
      const key = answer?.KeyMetadata;
      return key && { arn: key.Arn ?? keyArn, isEnabled: key.Enabled === true, isSymmetric: (key.KeySpec ?? 'SYMMETRIC_DEFAULT') === 'SYMMETRIC_DEFAULT' };
    },

    async grant(keyArn, granteeRoleArn, name) {
      // CreateGrant with the same name and parameters answers with the same grant, so a lost answer does no harm.
      const isThere = (await listGrants(keyArn)).some((grant) => grant.Name === name && grant.GranteePrincipal === granteeRoleArn);
      if (isThere) return 'there';
      await call({ action: 'kms:CreateGrant', resource: keyArn }, () => client.send(new CreateGrantCommand({ KeyId: keyArn, GranteePrincipal: granteeRoleArn, Name: name, Operations: [...OPERATIONS] })));
      return 'created';
    },

    async revoke(keyArn, namePrefix) {
      const found = await ours(keyArn, namePrefix);
      for (const { GrantId } of found)
        if (GrantId) await call({ action: 'kms:RevokeGrant', resource: keyArn }, () => unless(['NotFoundException'], client.send(new RevokeGrantCommand({ KeyId: keyArn, GrantId }))));
      return found.length;
    },

    countGrants: async (keyArn, namePrefix) => (await ours(keyArn, namePrefix)).length,
  };
}
