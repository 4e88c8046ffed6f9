/** Whose credentials a client asks with: one session per role, named, narrowed and held to the allowed accounts as the inputs say; or the job's own. */
import { setSecret } from '@actions/core';
import type { STSClient } from '@aws-sdk/client-sts';
import { requireAllowedAccount } from './credentials/accounts.js';
import { ambientOutlook } from './credentials/ambient.js';
import { sessionName, userAgent, type SessionOf } from './credentials/session-name.js';
import { sessionPolicy } from './credentials/session-policy.js';
import type { RightsOf, RoleInput } from './credentials/session-rights.js';
import type { Caller } from './gateways/aws/call.js';
import { assumeByOidc, type CredentialProvider } from './gateways/aws/credentials.js';
import { createIdTokenReader } from './gateways/github/id-token.js';
import type { Inputs } from './inputs.js';
import type { MigrationFile } from './migration-file/migration-file.js';
import type { Clock, Identity, Log } from './ports.js';

type Env = Readonly<Record<string, string | undefined>>;
export type SessionsOf = Readonly<{ inputs: Inputs; file: MigrationFile; env: Env; clock: Clock; log: Log; version: string }>;

/** Calls and identity of one role, or of the job, after what must be known of it before the first of them. */
export type Watched = Readonly<{ call: Caller; identity: () => Promise<Identity> }>;

export type Sessions = Readonly<{
  /** For every client, also those with the job's own credentials. */
  userAgent: [string, string][];
  /** undefined: the SDK's own search for the job's credentials. @param openSts an STS client without credentials, made when the first session is bought */
  credentials: (input: RoleInput, roleArn: string | undefined, openSts: () => Pick<STSClient, 'send'>) => CredentialProvider | undefined;
  /** Hides a secret in the job's log. */
  mask: (secret: string) => void;
  /** @param identity asks who these credentials are */
  watch: (input: RoleInput, isAssumed: boolean, call: Caller, identity: () => Promise<Identity>) => Watched;
}>;

export function openSessions({ inputs, file, env, clock, log, version }: SessionsOf): Sessions {
  const providers = new Map<string, CredentialProvider>();
  const warned = new Set<RoleInput>();
  const readIdToken = createIdTokenReader(env);
  // On GitHub the runner swallows the command and hides the value; anywhere else the command itself would show it.
  const mask = env['GITHUB_ACTIONS'] === 'true' ? setSecret : (): void => undefined;
  const session: SessionOf = { phase: inputs.phase, run: env['GITHUB_RUN_ID'], attempt: env['GITHUB_RUN_ATTEMPT'] };
  const { allowedAccountIds, narrowsSessions } = inputs.workflow;

  const checkFirst = async (input: RoleInput, isAssumed: boolean, identity: () => Promise<Identity>): Promise<void> => {
    const outlook = isAssumed || warned.has(input) ? undefined : ambientOutlook(env, clock.now(), inputs.timeoutMinutes);
    if (outlook) log.warn(`Input ${input} is empty, so the job's own credentials are used: ${outlook}. With ${input} set, sessions are renewed for as long as the phase lasts.`);
    warned.add(input);
    if (allowedAccountIds.length > 0) requireAllowedAccount({ ...(await identity()), actor: input, isAssumed }, allowedAccountIds);
  };

  return {
    mask,
    userAgent: userAgent(version, session),
    credentials(input, roleArn, openSts) {
      if (!roleArn) return undefined;
      const known = providers.get(roleArn);
      if (known) return known;
      const order = { input, roleArn, sessionName: sessionName(session), ...(narrowsSessions ? { sessionPolicy: sessionPolicy(usesOf(roleArn, inputs, file)) } : {}) };
      const provider = assumeByOidc(order, openSts(), { readIdToken, mask }, clock, log);
      providers.set(roleArn, provider);
      return provider;
    },
    watch(input, isAssumed, call, identity) {
      const checked = once(() => checkFirst(input, isAssumed, identity));
      return {
        call: async (asked, work) => {
          await checked();
          return await call(asked, work);
        },
        identity: async () => {
          await checked();
          return await identity();
        },
      };
    },
  };
}

/** One role may be named by several inputs: its one session must do for all of them. */
function usesOf(roleArn: string, inputs: Inputs, file: MigrationFile): readonly RightsOf[] {
  const named: readonly (readonly [RoleInput, string | undefined])[] = [
    ['plan-role', inputs.planRole], ['target-plan-role', inputs.targetPlanRole], ['source-role', inputs.sourceRole], ['target-role', inputs.targetRole],
  ];
  const { executionRole } = file.target;
  return named.filter(([, arn]) => arn === roleArn).map(([role]) => ({
    role, phase: inputs.phase, partition: roleArn.split(':')[1] ?? 'aws', source: file.source.environment, target: file.target.environment,
    executionRole: executionRole.startsWith('arn:') ? executionRole : undefined, looks: inputs.planRole === undefined, isDry: inputs.dryRun,
  }));
}

/** A failure is not kept: the next call checks again. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
