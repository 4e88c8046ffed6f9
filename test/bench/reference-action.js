/**
 * The reference for `action`: the least that an action with AWS credentials loads before it says anything, as
 * aws-actions/configure-aws-credentials does: inputs by @actions/core, one STS client, a line of log.
 */
import * as core from '@actions/core';
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

const role = core.getInput('role-to-assume'), region = core.getInput('aws-region');
const sts = new STSClient({ region });
core.info(`Assuming ${role} in ${region}`);
// Never reached by the bench, which ends the process at its first line; without it the bundler would leave the commands out.
const { Credentials: session } = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role, RoleSessionName: 'bench', WebIdentityToken: await core.getIDToken() }));
core.info(`${session?.Expiration}, ${(await sts.send(new GetCallerIdentityCommand({}))).Arn}`);
