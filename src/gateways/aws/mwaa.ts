/** MWAA of one region through one role. */
import type { MWAAClient } from '@aws-sdk/client-mwaa';
import { InternalError, UserError } from '../../errors.js';
import type { Clock, EnvironmentDescription, Mwaa, RestAnswer, RestRequest } from '../../ports.js';
import { unless, type Caller } from './call.js';
import { openCli } from './mwaa-cli.js';
import { CreateEnvironmentCommand, GetEnvironmentCommand, InvokeRestApiCommand, ListEnvironmentsCommand, RawServiceException, type RawJson } from './mwaa-commands.js';
import { limitRate } from './rate-limit.js';

/** Characters of InvokeRestApi's Path: https://docs.aws.amazon.com/mwaa/latest/API/API_InvokeRestApi.html */
export const MAX_REST_PATH = 64;
/** "Using the Apache Airflow REST API" in MWAA's user guide: above it, AWS points to a web session. */
const REST_CALLS_PER_SECOND = 10;
/** Query parameters of GetEnvironment and the like do not exist; ListEnvironments pages by 25 at most. */
const LIST_PAGE = '25';

export type MwaaOptions = Readonly<{
  client: Pick<MWAAClient, 'send'>;
  call: Caller;
  clock: Clock;
  region: string;
  account: () => Promise<string>;
  /** The Airflow role InvokeRestApi is allowed for by docs/iam/roles.yaml; only for messages, AWS takes it from the policy. */
  airflowRole: 'Viewer' | 'Op';
  /** Hides a CLI token in the job's log. */
  mask?: (secret: string) => void;
  /** Of the web servers; "http:" only beside an endpoint of one's own without TLS. */
  webServerProtocol?: 'https:' | 'http:';
}>;

export function openMwaa({ client, call, clock, region, account, airflowRole, mask = () => undefined, webServerProtocol = 'https:' }: MwaaOptions): Mwaa {
  const waitForTurn = limitRate(REST_CALLS_PER_SECOND, clock);
  const arn = async (kind: 'environment' | 'role', name: string): Promise<string> => `arn:aws:airflow:${region}:${await account()}:${kind}/${name}`;
  return {
    region,
    cli: openCli({ client, call, clock, arn, mask, protocol: webServerProtocol }),

    async get(name) {
      const answer = await call({ action: 'airflow:GetEnvironment', resource: await arn('environment', name) }, () =>
        unless(['ResourceNotFoundException'], client.send(new GetEnvironmentCommand({ Name: name }))),
      );
      return answer && readDescription(answer.body['Environment'], name, region);
    },

    async list() {
      const names: string[] = [];
      let token: string | undefined;
      do {
        const query = { MaxResults: LIST_PAGE, ...(token ? { NextToken: token } : {}) };
        const { body } = await call({ action: 'airflow:ListEnvironments', resource: `all environments in ${region}` }, () => client.send(new ListEnvironmentsCommand({ Name: '', query })));
        if (Array.isArray(body['Environments'])) names.push(...body['Environments'].filter((name): name is string => typeof name === 'string'));
        token = typeof body['NextToken'] === 'string' && body['NextToken'] !== '' ? body['NextToken'] : undefined;
      } while (token);
      return names;
    },

    async create(fields) {
      const { Name: name, ...body } = fields;
      if (typeof name !== 'string') throw new InternalError('CreateEnvironment needs the field Name.');
      await call({ action: 'airflow:CreateEnvironment', resource: await arn('environment', name) }, async (attempt) => {
        try {
          await client.send(new CreateEnvironmentCommand({ Name: name, body }));
        } catch (error) {
          // The answer to the first try was lost, and the environment is being created: what was asked for is so.
          if (attempt > 1 && error instanceof Error && /already exist/iu.test(error.message)) return;
          throw error;
        }
      });
    },

    async rest(name, request) {
      if (request.path.length > MAX_REST_PATH || !request.path.startsWith('/'))
        throw new InternalError(`InvokeRestApi takes paths of 1 to ${MAX_REST_PATH} characters that begin with "/", not "${request.path}".`);
      return await call({ action: 'airflow:InvokeRestApi', resource: await arn('role', `${name}/${airflowRole}`) }, async () => {
        await waitForTurn();
        return await invoke(client, name, request);
      });
    },
  };
}

async function invoke(client: Pick<MWAAClient, 'send'>, name: string, request: RestRequest): Promise<RestAnswer> {
  const body = { Path: request.path, Method: request.method, ...(request.query ? { QueryParameters: request.query } : {}), ...(request.body === undefined ? {} : { Body: request.body }) };
  try {
    return readAnswer((await client.send(new InvokeRestApiCommand({ Name: name, body }), ...(request.signal ? [{ abortSignal: request.signal }] : []))).body);
  } catch (error) {
    if (!(error instanceof RawServiceException)) throw error;
    // Airflow's own refusal travels inside a 400 of the service; for the caller it is an answer.
    if (error.name === 'RestApiClientException' || error.name === 'RestApiServerException') return readAnswer(error.body);
    if (error.name === 'ResourceNotFoundException')
      throw new UserError(`There is no environment "${name}" to ask.`, `MWAA answered ${error.message}.`, 'check "environment" and "region" in the migration file.', { cause: error });
    if (/Update your environment/iu.test(error.message))
      throw new UserError(`The environment "${name}" does not take REST calls through AWS yet.`, `MWAA answered: ${error.message}`, 'update the environment once (any change of its configuration), then run the phase again.', { cause: error });
    if (/No Airflow role/iu.test(error.message))
      throw new UserError(`No Airflow role is granted for the environment "${name}".`, `MWAA answered: ${error.message}. A wildcard in the resource counts as no role.`, `name one Airflow role in the policy: Resource arn:aws:airflow:<region>:<account>:role/${name}/<Viewer or Op>, as docs/iam/roles.yaml does.`, { cause: error });
    throw error;
  }
}

function readAnswer(body: RawJson): RestAnswer {
  const status = body['RestApiStatusCode'];
  if (typeof status !== 'number') throw new InternalError('InvokeRestApi answered without RestApiStatusCode.');
  return { status, body: body['RestApiResponse'] };
}

function readDescription(value: unknown, name: string, region: string): EnvironmentDescription {
  const needed = ['Name', 'Arn', 'Status', 'AirflowVersion', 'ExecutionRoleArn', 'SourceBucketArn', 'DagS3Path'];
  const missing = typeof value === 'object' && value !== null ? needed.filter((key) => typeof (value as RawJson)[key] !== 'string') : needed;
  if (missing.length > 0) throw new InternalError(`GetEnvironment of "${name}" in ${region} answered without ${missing.join(', ')}.`);
  return value as EnvironmentDescription;
}
