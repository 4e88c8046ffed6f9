/** The operations of the API on the environments of one world. Wire, validation and own-action authorisation are service.ts's. */
import { AwsError, type FrontRequest, type Principal, type World } from '../../front/contract.js';
import { airflowRoleOf } from './airflow-role.js';
import { type Network, needsOf, requireKey, requireNeeds } from './caller-permissions.js';
import type { Orders } from './control.js';
import { checkBucket, checkCreatable, checkFields, checkNetwork, checkSold, checkTrust } from './creation-rules.js';
import { describe, environmentArn, type EnvironmentRecord, type Fields, newRecord, serviceRoleArn, withDefaults } from './environment-record.js';
import type { Lifecycle } from './lifecycle.js';
import { invokeRestApi, READY, type RestInput } from './rest-api.js';
import type { LookAtBucket } from './source-bucket.js';
import { createThrottle } from './throttle.js';
import type { Tokens } from './tokens.js';
import { refusedMove } from './versions.js';

export type Caller = Readonly<{ principal: Principal; account: string; region: string }>;
export type Input = Readonly<Record<string, unknown>>;
type Answer = Readonly<Record<string, unknown>>;

export type OperationDependencies = Readonly<{
  world: World;
  networks: readonly Network[];
  lookAtBucket: LookAtBucket;
  lifecycle: Lifecycle;
  tokens: Tokens;
  orders: Orders;
  /** Status shown instead of the true one. */
  shown: (record: EnvironmentRecord) => EnvironmentRecord;
  records: Map<string, EnvironmentRecord>;
  restCallsPerSecond: number;
}>;

/** AWS: "above about 10 calls per second" (user guide, "Using the Apache Airflow REST API"). */
export const REST_CALLS_PER_SECOND = 10;
/** Statuses in which an environment takes no change. */
const BUSY: readonly EnvironmentRecord['status'][] = ['CREATING', 'UPDATING', 'DELETING', 'ROLLING_BACK', 'CREATING_SNAPSHOT', 'MAINTENANCE', 'PENDING'];
const MAX_LISTED = 25;

export function createOperations({ world, networks, lookAtBucket, lifecycle, tokens, orders, shown, records, restCallsPerSecond }: OperationDependencies) {
  const throttle = createThrottle(restCallsPerSecond, () => world.clock.now().getTime());
  const accountsWithServiceRole = new Set<string>();

  const permit = ({ principal, account, region }: Caller, operation: string, input: Input) => {
    const subnet = ((input.NetworkConfiguration as { SubnetIds?: readonly string[] } | undefined)?.SubnetIds ?? [])[0];
    const vpc = networks.find(({ subnets }) => subnet !== undefined && subnets.includes(subnet))?.vpc;
    const hasServiceRole = accountsWithServiceRole.has(account) || world.identities.roleExists(serviceRoleArn(account));
    requireNeeds(world.authorizer, principal, account, needsOf({ operation, account, region, input, vpc, hasServiceRole }));
  };
  const find = (arn: string): EnvironmentRecord => {
    const record = records.get(arn);
    if (!record) throw new AwsError('ResourceNotFoundException', `No environment found with ARN ${arn}`, 404);
    return shown(record);
  };
  const named = ({ account, region }: Caller, input: Input) => find(environmentArn(account, region, String(input.Name)));
  const truly = (record: EnvironmentRecord): EnvironmentRecord => records.get(record.arn) ?? record;

  const create = async (caller: Caller, input: Input, checkVersion: (version: string) => void): Promise<Answer> => {
    permit(caller, 'CreateEnvironment', input);
    const { account, region, principal } = caller;
    const fields = withDefaults(input);
    checkVersion(fields.AirflowVersion);
    checkFields(fields, input);
    const arn = environmentArn(account, region, String(input.Name));
    if (records.has(arn)) throw new AwsError('ValidationException', `Environment ${String(input.Name)} already exists`);
    checkNetwork(networks, account, region, fields.NetworkConfiguration);
    const keyArn = fields.KmsKey && requireKey(world.kms, principal, fields.KmsKey, region).keyArn;
    checkTrust(world, { account, arn }, fields.ExecutionRoleArn);
    await checkBucket(world, lookAtBucket, { account, region }, fields);
    // Looked again: another creation may have come while the bucket was read.
    if (records.has(arn)) throw new AwsError('ValidationException', `Environment ${String(input.Name)} already exists`);
    const record = newRecord(account, region, String(input.Name), keyArn ? { ...fields, KmsKey: keyArn } : fields, (input.Tags ?? {}) as Record<string, string>, world.clock.now());
    accountsWithServiceRole.add(account);
    records.set(arn, record);
    lifecycle.create(record);
    return { Arn: arn };
  };

  return {
    /** Like CreateEnvironment, for an environment that was created when its version was still sold. */
    adopt: (caller: Caller, input: Input) => create(caller, input, checkSold),

    CreateEnvironment: (caller: Caller, input: Input) => create(caller, input, checkCreatable),

    GetEnvironment(caller: Caller, input: Input): Answer {
      permit(caller, 'GetEnvironment', input);
      return { Environment: describe(named(caller, input)) };
    },

    ListEnvironments(caller: Caller, input: Input): Answer {
      permit(caller, 'ListEnvironments', input);
      const names = [...records.values()].filter(({ account, region }) => account === caller.account && region === caller.region).map(({ name }) => name).sort();
      const after = input.NextToken === undefined ? '' : Buffer.from(String(input.NextToken), 'base64url').toString();
      const rest = names.filter((name) => name > after);
      const page = rest.slice(0, Number(input.MaxResults ?? MAX_LISTED));
      const last = page.at(-1);
      return { Environments: page, ...(last !== undefined && rest.length > page.length ? { NextToken: Buffer.from(last).toString('base64url') } : {}) };
    },

    async UpdateEnvironment(caller: Caller, input: Input): Promise<Answer> {
      permit(caller, 'UpdateEnvironment', input);
      const seen = named(caller, input);
      requireUpdatable(seen);
      const changes = Object.fromEntries(Object.entries(input).filter(([field]) => !['Name', 'WorkerReplacementStrategy', 'NetworkConfiguration'].includes(field)));
      const securityGroups = (input.NetworkConfiguration as { SecurityGroupIds?: readonly string[] } | undefined)?.SecurityGroupIds;
      const fields = {
        ...seen.fields, ...changes,
        NetworkConfiguration: { ...seen.fields.NetworkConfiguration, ...(securityGroups ? { SecurityGroupIds: securityGroups } : {}) },
      } as Fields;
      const refused = fields.AirflowVersion === seen.fields.AirflowVersion ? undefined : refusedMove(seen.fields.AirflowVersion, fields.AirflowVersion);
      if (refused) throw new AwsError('ValidationException', refused);
      checkFields(fields, input);
      if (securityGroups) checkNetwork(networks, caller.account, caller.region, fields.NetworkConfiguration);
      checkTrust(world, seen, fields.ExecutionRoleArn);
      await checkBucket(world, lookAtBucket, seen, fields);
      // Looked again: another update may have begun while the bucket was read.
      requireUpdatable(named(caller, input));
      lifecycle.update(truly(seen), fields);
      return { Arn: seen.arn };
    },

    DeleteEnvironment(caller: Caller, input: Input): Answer {
      permit(caller, 'DeleteEnvironment', input);
      const seen = named(caller, input);
      if (BUSY.includes(seen.status)) throw new AwsError('ValidationException', `Environment ${seen.name} is ${seen.status} and cannot be deleted`);
      lifecycle.remove(truly(seen), () => records.delete(seen.arn));
      return {};
    },

    TagResource(caller: Caller, input: Input): Answer {
      permit(caller, 'TagResource', input);
      const record = truly(find(String(input.ResourceArn)));
      const tags = { ...record.tags, ...(input.Tags as Record<string, string>) };
      if (Object.keys(tags).length > 50) throw new AwsError('ValidationException', 'An environment has at most 50 tags');
      record.tags = tags;
      return {};
    },

    UntagResource(caller: Caller, input: Input): Answer {
      permit(caller, 'UntagResource', input);
      const record = truly(find(String(input.ResourceArn)));
      record.tags = Object.fromEntries(Object.entries(record.tags).filter(([key]) => !(input.tagKeys as readonly string[]).includes(key)));
      return {};
    },

    ListTagsForResource(caller: Caller, input: Input): Answer {
      permit(caller, 'ListTagsForResource', input);
      const { tags } = find(String(input.ResourceArn));
      return Object.keys(tags).length > 0 ? { Tags: tags } : {};
    },

    CreateCliToken(caller: Caller, input: Input): Answer {
      permit(caller, 'CreateCliToken', input);
      const { host, arn } = ready(named(caller, input));
      return { CliToken: tokens.issue({ kind: 'cli', environmentArn: arn, role: 'Admin' }), WebServerHostname: host };
    },

    CreateWebLoginToken(caller: Caller, input: Input): Answer {
      const role = airflowRoleOf(world.authorizer, caller.principal, 'airflow:CreateWebLoginToken', { ...caller, name: String(input.Name) });
      const { host, arn } = ready(named(caller, input));
      const identity = caller.principal.kind === 'anonymous' ? 'anonymous' : caller.principal.arn;
      return {
        WebToken: tokens.issue({ kind: 'web-login', environmentArn: arn, role }), WebServerHostname: host,
        IamIdentity: identity, AirflowIdentity: identity.split(':').at(-1)?.slice(0, 64),
      };
    },

    async InvokeRestApi(caller: Caller, input: Input): Promise<Answer> {
      const environment = { ...caller, name: String(input.Name) };
      if (!throttle.admits(environmentArn(caller.account, caller.region, environment.name))) throw new AwsError('ThrottlingException', 'Rate exceeded', 429);
      const role = airflowRoleOf(world.authorizer, caller.principal, 'airflow:InvokeRestApi', environment);
      return invokeRestApi(named(caller, input), role, input as RestInput, orders);
    },
  } satisfies Record<string, (caller: Caller, input: Input) => Answer | Promise<Answer>>;
}

function requireUpdatable({ name, status }: EnvironmentRecord): void {
  if (!READY.includes(status)) throw new AwsError('ValidationException', `Environment ${name} is ${status}; only an AVAILABLE environment can be updated`);
}

function ready(record: EnvironmentRecord): Readonly<{ host: string; arn: string }> {
  if (!READY.includes(record.status) || !record.host) throw new AwsError('ResourceNotFoundException', `Environment ${record.name} is ${record.status} and has no web server`, 404);
  return { host: record.host.hostname, arn: record.arn };
}

/** Who calls, as the operations need it. @throws AwsError for a caller without an account */
export function callerOf(request: FrontRequest): Caller {
  if (request.principal.kind === 'anonymous') throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  return { principal: request.principal, account: request.principal.account, region: request.region };
}
