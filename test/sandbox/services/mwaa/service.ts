/** Amazon MWAA's API: REST-JSON, credential scope `airflow`. */
import type { AirflowMachinery } from '../../environments/contract.js';
import { AwsError, type FrontRequest, type FrontResponse, type Service, type World } from '../../front/contract.js';
import type { Network } from './caller-permissions.js';
import { createOrders, type EnvironmentControl, INCORRECT_CONFIGURATION } from './control.js';
import type { EnvironmentRecord, Extras, Problem, Status } from './environment-record.js';
import { createLifecycle, type Delays, type LifecycleDependencies } from './lifecycle.js';
import { type Caller, callerOf, createOperations, REST_CALLS_PER_SECOND } from './operations.js';
import { readCall, route } from './routing.js';
import type { ServiceModel } from './service-model.js';
import type { LookAtBucket } from './source-bucket.js';
import { createTokens } from './tokens.js';
import { violations } from './validator.js';
import { webServerHosts } from './web-server-host.js';

export type MwaaOptions = Readonly<{
  world: World;
  model: ServiceModel;
  machinery: AirflowMachinery;
  /** VPCs that exist. */
  networks: readonly Network[];
  lookAtBucket: LookAtBucket;
  createLogGroup: LifecycleDependencies['createLogGroup'];
  /** How an environment's database begins and how often its folder syncs: the sandbox's spec says, the API cannot. Default: empty, 30 s. */
  extras?: (record: EnvironmentRecord) => Extras;
  delays?: Partial<Delays>;
  restCallsPerSecond?: number;
  report?: (line: string) => void;
  /** Told of every environment whose creation has ended well. */
  onAvailable?: (record: EnvironmentRecord) => void;
}>;

export type MwaaService = Service & Readonly<{
  control: EnvironmentControl;
  /**
   * Makes an environment as CreateEnvironment does, whatever version it is on: it stands for one that is older than the world.
   * @param input CreateEnvironment's, Name included @throws AwsError
   */
  adopt(caller: Caller, input: Readonly<Record<string, unknown>>): Promise<EnvironmentRecord>;
  /** Every environment that exists, in the order of creation. */
  environments(): readonly EnvironmentRecord[];
  close(): Promise<void>;
}>;

export function createMwaaService({ world, model, machinery, networks, lookAtBucket, createLogGroup, extras = () => ({}), delays, restCallsPerSecond = REST_CALLS_PER_SECOND, report = () => undefined, onAvailable = () => undefined }: MwaaOptions): MwaaService {
  const records = new Map<string, EnvironmentRecord>();
  const held = new Map<string, Readonly<{ status: Status; problem: Problem | undefined }>>();
  const orders = createOrders();
  const tokens = createTokens(() => world.clock.now().getTime());
  const lifecycle = createLifecycle({
    world, machinery, createLogGroup, extras, orders, report, onAvailable,
    startHost: webServerHosts(tokens),
    delays: { creating: 0, updating: 0, snapshot: 0, deleting: 0, ...delays },
  });
  const shown = (record: EnvironmentRecord): EnvironmentRecord => {
    const hold = held.get(record.name);
    if (!hold) return record;
    return { ...record, status: hold.status, ...(hold.problem ? { lastUpdate: { status: 'FAILED' as const, at: record.lastUpdate.at, error: hold.problem } } : {}) };
  };
  const operations = createOperations({ world, networks, lookAtBucket, lifecycle, tokens, orders, shown, records, restCallsPerSecond });
  const byName = (name: string) => [...records.values()].filter((record) => record.name === name);

  return {
    name: 'airflow',
    actionOf: (request) => route(model, request.method, request.rawPath)?.operation.name ?? 'Unknown',

    async handle(request) {
      const caller = callerOf(request);
      const { operation, input } = readCall(model, request);
      const run = operations[operation.name as keyof typeof operations] as ((...call: Parameters<typeof operations.CreateEnvironment>) => Promise<Readonly<Record<string, unknown>>>) | undefined;
      if (!run) throw new AwsError('UnknownOperationException', `The sandbox has no ${operation.name}`, 404);
      const answer = await run(caller, input);
      return json(operation.http.responseCode, checked(model, operation.output.shape, answer));
    },

    renderError(error: AwsError, _request: FrontRequest): FrontResponse {
      const denied = error.code === 'AccessDenied' || error.code === 'AccessDeniedException';
      // AccessDeniedException alone spells its member with a capital M, and the RestApi… exceptions have the envelope in its place (service model).
      const body = denied ? { Message: error.message } : 'RestApiStatusCode' in error.members ? error.members : { message: error.message, ...error.members };
      return {
        ...json(error.status, body),
        headers: { 'content-type': 'application/json', 'x-amzn-errortype': denied ? 'AccessDeniedException' : error.code },
      };
    },

    control: {
      failNextCreation: (name, problem = INCORRECT_CONFIGURATION) => orders.orderCreationFailure(name, problem),
      failNextUpdate: (name, ending = 'UPDATE_FAILED', problem = INCORRECT_CONFIGURATION) => orders.orderUpdateFailure(name, ending, problem),
      holdStatus: (name, status, problem) => void held.set(name, { status, problem }),
      releaseStatus: (name) => void held.delete(name),
      createEndpoints: (name) => byName(name).forEach((record) => lifecycle.createEndpoints(record)),
      outdate: (name) => orders.outdate(name),
      settled: async (name) => void (await Promise.all(byName(name).map(({ work }) => work))),
    },
    async adopt(caller, input) {
      const wrong = violations(model, 'CreateEnvironmentInput', input);
      if (wrong.length > 0) throw new AwsError('ValidationException', wrong.join('; '));
      const { Arn } = await operations.adopt(caller, input);
      const record = records.get(String(Arn));
      if (!record) throw new Error(`${String(Arn)} was deleted while it was made`);
      return record;
    },
    environments: () => [...records.values()],

    async close() {
      for (const record of records.values()) {
        lifecycle.createEndpoints(record);
        record.status = 'DELETING';
      }
      await Promise.all([...records.values()].map(async (record) => {
        await record.work;
        await lifecycle.stop(record);
      }));
      records.clear();
    },
  };
}

const json = (status: number, body: unknown): FrontResponse => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

/**
 * The answer, held against the model as well: the front must not say what AWS cannot. Two things differ on purpose, because the host is a loopback
 * server: `WebserverUrl` may be http, and `WebServerHostname` may carry a port.
 */
function checked(model: ServiceModel, shape: string, answer: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const asAws = JSON.parse(JSON.stringify(answer, (key, value: unknown) => {
    if (key === 'WebserverUrl' && typeof value === 'string') return value.replace(/^http:\/\/127\.0\.0\.1:\d+$/, 'https://127.0.0.1');
    if (key === 'WebServerHostname' && typeof value === 'string') return value.replace(/^127\.0\.0\.1:\d+$/, '127.0.0.1');
    return value;
  })) as unknown;
  const wrong = violations(model, shape, asAws);
  if (wrong.length > 0) throw new Error(`The sandbox's answer is none that AWS could give: ${wrong.join('; ')}`);
  return answer;
}
