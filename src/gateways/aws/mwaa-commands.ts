/**
 * Our own commands on MWAA's client. The SDK's drop every field they do not know, and the one we ship (3.523.0, the last that
 * is small) knows neither MinWebservers nor InvokeRestApi: these pass JSON through as it is, both ways.
 * Paths, methods and host prefixes: botocore data/mwaa/2020-07-01/service-2.json.
 */
import { MWAAServiceException, type MWAAClientResolvedConfig, type ServiceInputTypes, type ServiceOutputTypes } from '@aws-sdk/client-mwaa';
import { getEndpointPlugin } from '@smithy/middleware-endpoint';
import { getSerdePlugin } from '@smithy/middleware-serde';
import { HttpRequest } from '@smithy/protocol-http';
// Not the $Command of client-mwaa: it re-exports one from every command, and the bundler then gives none.
import { Command } from '@smithy/smithy-client';

export type RawJson = Readonly<Record<string, unknown>>;
export type RawInput = Readonly<{ Name: string; body?: RawJson; query?: Readonly<Record<string, string>> }>;
export type RawOutput = Readonly<{ body: RawJson; $metadata: Readonly<{ httpStatusCode?: number }> }>;

type Call = Readonly<{ operation: string; method: string; hostPrefix: 'api.' | 'env.'; path: (input: RawInput) => string }>;
type Context = Readonly<{ endpoint: () => Promise<Readonly<{ hostname: string; protocol: string; port?: number; path: string }>>; disableHostPrefix?: boolean; streamCollector: (stream: unknown) => Promise<Uint8Array> }>;
type Response = Readonly<{ statusCode: number; headers: Readonly<Record<string, string>>; body: unknown }>;

/** @throws MWAAServiceException for every answer from 300 on; its `body` holds the answer's JSON */
export class RawServiceException extends MWAAServiceException {
  constructor(name: string, message: string, status: number, readonly body: RawJson, requestId: string | undefined) {
    super({ name, message, $fault: status >= 500 ? 'server' : 'client', $metadata: { httpStatusCode: status, ...(requestId ? { requestId } : {}) } });
    Object.setPrototypeOf(this, RawServiceException.prototype);
  }
}

async function serialize({ method, hostPrefix, path }: Call, input: RawInput, context: Context): Promise<HttpRequest> {
  const { hostname, protocol, port, path: base } = await context.endpoint();
  return new HttpRequest({
    protocol,
    // A prefix before a custom endpoint (127.0.0.1) names a host that does not exist.
    hostname: context.disableHostPrefix ? hostname : `${hostPrefix}${hostname}`,
    ...(port === undefined ? {} : { port }),
    method,
    path: `${base.replace(/\/$/u, '')}${path(input)}`,
    query: { ...input.query },
    headers: input.body ? { 'content-type': 'application/json' } : {},
    ...(input.body ? { body: JSON.stringify(input.body) } : {}),
  });
}

async function deserialize(response: Response, context: Context): Promise<RawOutput> {
  const text = Buffer.from(await context.streamCollector(response.body)).toString('utf8');
  const body = parse(text);
  if (response.statusCode < 300) return { body, $metadata: { httpStatusCode: response.statusCode } };
  // AccessDeniedException carries "Message", the others "message".
  const message = [body['message'], body['Message']].find((value): value is string => typeof value === 'string') ?? `HTTP ${response.statusCode}`;
  const name = response.headers['x-amzn-errortype'] ?? [body['__type'], body['code']].find((value): value is string => typeof value === 'string') ?? `Http${response.statusCode}`;
  throw new RawServiceException(name.split(':')[0]?.split('#').at(-1) ?? name, message, response.statusCode, body, response.headers['x-amzn-requestid']);
}

function parse(text: string): RawJson {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as RawJson) : {};
  } catch {
    // A proxy's HTML page: the status alone decides, and the message says which it was.
    return {};
  }
}

const build = (call: Call) =>
  Command
    .classBuilder<RawInput, RawOutput, MWAAClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>()
    .ep({
      UseFIPS: { type: 'builtInParams', name: 'useFipsEndpoint' },
      Endpoint: { type: 'builtInParams', name: 'endpoint' },
      Region: { type: 'builtInParams', name: 'region' },
      UseDualStack: { type: 'builtInParams', name: 'useDualstackEndpoint' },
    })
    .m((OwnCommand, _stack, config) => [
      getSerdePlugin(config, (input: RawInput, context: Context) => serialize(call, input, context), (output: Response, context: Context) => deserialize(output, context)),
      getEndpointPlugin(config, OwnCommand.getEndpointParameterInstructions()),
    ])
    .s('AmazonMWAA', call.operation, {})
    .n('MWAAClient', `${call.operation}Command`)
    // Nothing of a request or an answer may reach a logger: options hold secrets.
    .f(() => '(hidden)', () => '(hidden)')
    .build();

const environment = ({ Name }: RawInput): string => `/environments/${encodeURIComponent(Name)}`;

export const GetEnvironmentCommand = build({ operation: 'GetEnvironment', method: 'GET', hostPrefix: 'api.', path: environment });
export const CreateEnvironmentCommand = build({ operation: 'CreateEnvironment', method: 'PUT', hostPrefix: 'api.', path: environment });
export const UpdateEnvironmentCommand = build({ operation: 'UpdateEnvironment', method: 'PATCH', hostPrefix: 'api.', path: environment });
export const ListEnvironmentsCommand = build({ operation: 'ListEnvironments', method: 'GET', hostPrefix: 'api.', path: () => '/environments' });
/** The answer holds a token. */
export const CreateCliTokenCommand = build({ operation: 'CreateCliToken', method: 'POST', hostPrefix: 'env.', path: ({ Name }) => `/clitoken/${encodeURIComponent(Name)}` });
export const InvokeRestApiCommand = build({ operation: 'InvokeRestApi', method: 'POST', hostPrefix: 'env.', path: ({ Name }) => `/restapi/${encodeURIComponent(Name)}` });
