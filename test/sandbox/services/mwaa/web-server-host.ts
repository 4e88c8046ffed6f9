/**
 * The public face of an environment's web server: a loopback server that answers `/aws_mwaa/…` and passes everything else on to the real web server.
 * Unlike AWS's host it speaks HTTP, and its name carries a port: `http://127.0.0.1:<port>` where AWS has `https://<id>.c2.<region>.airflow.amazonaws.com`.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSupported, splitWords } from './cli-commands.js';
import type { EnvironmentRecord } from './environment-record.js';
import { readBody } from './request-body.js';
import type { Tokens } from './tokens.js';
import { logIn } from './web-login.js';

export type WebServerHost = Readonly<{ url: string; hostname: string; close(): Promise<void> }>;
export type StartWebServerHost = (record: EnvironmentRecord) => Promise<WebServerHost>;

export function webServerHosts(tokens: Tokens): StartWebServerHost {
  return async (record) => {
    const server = http.createServer((request, response) => {
      answer(record, tokens, request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
        response.end(`The web server of ${record.name} could not be asked: ${error instanceof Error ? error.message : String(error)}\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hostname = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return {
      hostname,
      url: `http://${hostname}`,
      close: () => new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    };
  };
}

async function answer(record: EnvironmentRecord, tokens: Tokens, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]?.replace(/\/$/, '');
  // Airflow 3 serves plugins below /pluginsv2.
  if (path === '/aws_mwaa/cli' || path === '/pluginsv2/aws_mwaa/cli') return runCommand(record, tokens, request, response);
  if (path === '/aws_mwaa/login' || path === '/pluginsv2/aws_mwaa/login') return logIn(record, tokens, request, response);
  return passOn(record, request, response);
}

async function runCommand(record: EnvironmentRecord, tokens: Tokens, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const refuse = (status: number, text: string) => void response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
  if (request.method !== 'POST') return refuse(405, 'Method Not Allowed');
  const [scheme, secret = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer' || !tokens.check(secret, 'cli', record.arn)) return refuse(403, 'Forbidden: the CLI token is missing, of another environment, or older than 60 seconds');
  if (!request.headers['content-type']?.startsWith('text/plain')) return refuse(400, 'Content-Type must be text/plain');
  if (!record.running) return refuse(503, `The environment is ${record.status}`);
  let words: readonly string[];
  try {
    words = splitWords(await readBody(request));
  } catch (error) {
    return refuse(400, error instanceof Error ? error.message : String(error));
  }
  // AWS answers 500 to commands it does not run (aws/amazon-mwaa-docker-images issue 148).
  if (!isSupported(record.fields.AirflowVersion, words)) return refuse(500, `The command "${words.slice(0, 2).join(' ')}" is not supported`);
  if (atWork.has(record)) return refuse(503, 'Another command runs');
  atWork.add(record);
  const work = record.running.cli(words).finally(() => atWork.delete(record));
  const done = await inTime(work);
  if (done === 'late') return void response.writeHead(504, { 'content-type': 'text/html' }).end('<html><head><title>504 Gateway Time-out</title></head></html>\n');
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ stdout: base64(done.stdout), stderr: base64(done.stderr) }));
}

/**
 * "Available concurrency is limited … it is recommended not to open a new AWS CLI request until the previous one completes" (user guide): here a
 * second command is refused, so that nothing is built on more than one.
 */
const atWork = new WeakSet<EnvironmentRecord>();

/** The load balancer gives up after its idle timeout, 60 s by default, and the command goes on (seen on MWAA 2.2.2: apache/airflow issue 32020). */
const CLI_TIMEOUT_MS = 60_000;
async function inTime<T>(work: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([work, new Promise<'late'>((resolve) => { timer = setTimeout(() => resolve('late'), CLI_TIMEOUT_MS); })]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** Streams a request through to the real web server, which believes to be reached under this host's name. */
function passOn(record: EnvironmentRecord, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const { running } = record;
  if (!running) return Promise.resolve(void response.writeHead(503, { 'content-type': 'text/plain' }).end(`The environment is ${record.status}\n`));
  return new Promise((resolve, reject) => {
    const target = new URL(request.url ?? '/', running.webserverUrl);
    const onward = http.request(target, { method: request.method, headers: request.headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
      answered.on('end', resolve);
      answered.on('error', reject);
    });
    onward.on('error', reject);
    request.pipe(onward);
  });
}
