/** The AWS front: one loopback port for all services. Reads, authenticates, asks for faults, hands over to the service, and remembers the call. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SandboxWorld } from '../iam/world.js';
import { authenticate, readClaim } from './authenticate.js';
import { decodeBody, readBody } from './body.js';
import { createCallLog, isReadOnly } from './call-log.js';
import { AwsError, type CallRecord, type FrontRequest, type FrontResponse, type Principal, type Service } from './contract.js';
import { answerControl, CONTROL_PREFIX } from './control.js';
import { internalFailure, unsigned } from './refusals.js';
import { guessService, isUnsignedCall } from './routing.js';
import type { SignedRequest } from './sigv4.js';

export type Front = Readonly<{
  /** http://127.0.0.1:<port>, for AWS_ENDPOINT_URL. */
  url: string;
  calls: readonly CallRecord[];
  clearCalls(): void;
  /** Cuts open connections and closes the services. */
  close(): Promise<void>;
}>;

export type FrontOptions = Readonly<{
  services: readonly Service[];
  world: SandboxWorld;
  /** JSON lines of all calls. */
  callLogFile?: string | undefined;
  /** What aws:SecureTransport says. Default true: the loopback stands for AWS's own https endpoints. */
  secureTransport?: boolean;
  /** Default 0: any free port. */
  port?: number;
}>;

export async function startFront({ services, world, callLogFile, secureTransport = true, port = 0 }: FrontOptions): Promise<Front> {
  const byName = new Map(services.map((service) => [service.name, service]));
  const log = createCallLog(callLogFile);

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = message.url ?? '/';
    const raw = await readBody(message);
    if (target.startsWith(CONTROL_PREFIX)) return write(response, answerControl(message.method ?? 'GET', target, raw, world.faults, log.calls), undefined);
    const call = describe(message, target);
    const handled = await handle(call, raw, { sourceIp: message.socket.remoteAddress ?? '' });
    log.add(handled.record);
    if (handled.response === 'drop') response.destroy();
    else write(response, withDate(handled.response), call.id);
  };

  /** Never throws: whatever goes wrong becomes an answer in the service's own protocol. */
  const handle = async (call: Call, raw: Buffer, { sourceIp }: Readonly<{ sourceIp: string }>): Promise<Readonly<{ response: FrontResponse | 'drop'; record: CallRecord }>> => {
    const guessed = guessService(call, raw);
    const service = byName.get(guessed);
    let principal: Principal = { kind: 'anonymous' };
    let request: FrontRequest = { ...call, query: new URLSearchParams(call.rawQuery), body: raw, service: guessed, region: 'us-east-1', principal };
    const inProgress = { sourceIp, secureTransport, region: request.region, userAgent: call.headers['user-agent'] ?? '', resource: undefined as string | undefined };
    const record = (status: number, error?: string): CallRecord => {
      const action = service?.actionOf(request) ?? 'Unknown';
      return {
        at: world.clock.now().toISOString(), service: guessed, action, readOnly: isReadOnly(action, request), principal: principal.kind === 'anonymous' ? 'anonymous' : principal.arn,
        resource: inProgress.resource ?? call.rawPath, status, ...(error !== undefined && { error }),
      };
    };
    if (!service) {
      const text = `This sandbox has no service "${guessed}"; it has ${[...byName.keys()].join(', ')}.`;
      return { response: { status: 501, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ __type: 'UnknownService', message: text }) }, record: record(501, 'UnknownService') };
    }
    try {
      const claim = readClaim(call, guessed);
      const authenticated = authenticate(call, claim, raw, world.identities, world.clock.now());
      principal = authenticated.principal;
      const region = claim && service.name !== 'iam' ? claim.region : 'us-east-1';
      inProgress.region = region;
      if (!claim && !isUnsignedCall(guessed, service.actionOf(request))) throw unsigned(guessed);
      request = { ...request, ...decodeBody(raw, call.headers, guessed, authenticated.signed, call), region, principal };
      if (await world.faults.before(service.name, service.actionOf(request), principal) === 'drop') return { response: 'drop', record: record(0, 'ConnectionDropped') };
      const response = await world.authorizer.during(inProgress, () => service.handle(request));
      return { response, record: record(response.status) };
    } catch (error) {
      // A defect of the sandbox must be seen by its developer, and looks to the client like AWS's own trouble.
      if (!(error instanceof AwsError)) console.error(`sandbox: ${service.name} ${service.actionOf(request)} failed:`, error);
      const refusal = error instanceof AwsError ? error : internalFailure(service.name);
      return { response: service.renderError(refusal, request), record: record(refusal.status, refusal.code) };
    }
  };

  /** SDKs set their own clock by this header, so it must be the sandbox's: Node's would be the machine's. */
  const withDate = (response: FrontResponse): FrontResponse => ({ ...response, headers: { date: world.clock.now().toUTCString(), ...response.headers } });

  const server = createServer({ keepAliveTimeout: 30_000, requestTimeout: 0 }, (message, response) => {
    answer(message, response).catch((error: unknown) => {
      // Only reading the body ends here: the client went away, or sent more than fits.
      if (!response.headersSent) response.writeHead(400, { connection: 'close' });
      response.end(error instanceof AwsError ? error.message : undefined);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: log.calls,
    clearCalls: () => log.clear(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      for (const service of services) await service.close?.();
    },
  };
}

export type Call = SignedRequest & Readonly<{ id: string; host: string }>;

function describe(message: IncomingMessage, target: string): Call {
  const question = target.indexOf('?');
  return {
    id: randomUUID(), method: message.method ?? 'GET',
    rawPath: question < 0 ? target : target.slice(0, question), rawQuery: question < 0 ? '' : target.slice(question + 1),
    host: message.headers.host ?? '', headers: headersOf(message),
  };
}

/** Node joins repeated headers by ", " or drops them; a signature covers them joined by ",". */
function headersOf({ rawHeaders }: IncomingMessage): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return headers;
}

function write(response: ServerResponse, { status, headers = {}, body = '' }: FrontResponse, id: string | undefined): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const length = 'content-length' in headers ? {} : { 'content-length': String(bytes.length) };
  response.writeHead(status, { ...(id && { 'x-amzn-requestid': id, 'x-amz-request-id': id }), ...length, ...headers });
  response.end(bytes);
}
