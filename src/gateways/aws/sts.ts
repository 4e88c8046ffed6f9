import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { InternalError } from '../../errors.js';
import type { Identity } from '../../ports.js';
import type { Caller } from './call.js';

/** Who these credentials are. Asked once: a role does not change its account. */
export function openIdentity(client: Pick<STSClient, 'send'>, call: Caller): () => Promise<Identity> {
  let known: Promise<Identity> | undefined;
  const ask = async (): Promise<Identity> => {
    const { Account, Arn } = await call({ action: 'sts:GetCallerIdentity', resource: 'the caller' }, () => client.send(new GetCallerIdentityCommand({})));
    if (!Account || !Arn) throw new InternalError('GetCallerIdentity answered without account or ARN.');
    return { account: Account, arn: Arn };
  };
  return () => {
    known ??= ask().catch((error: unknown) => {
      known = undefined; // a failure is not kept
      throw error;
    });
    return known;
  };
}
