/** Our way to `/aws_mwaa/cli`, against the sandbox's web server host and against one that answers as nobody should. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openMwaa } from '../../../src/gateways/aws/mwaa.js';
import { ACCOUNT, type AMwaa, aMwaa, REGION } from './a-mwaa.js';

// A busy machine makes these late, not wrong.
jest.setTimeout(60_000);

let mwaa: AMwaa;
beforeEach(async () => {
  mwaa = await aMwaa();
  await mwaa.create();
});
afterEach(() => mwaa.close());

/** The real client down to the wire, whose other end is the sandbox's service. @param host where CreateCliToken sends us, instead of the environment's own */
function ours(host?: string) {
  const masked: string[] = [], lines: string[] = [];
  let now = 0;
  const clock = { now: () => new Date(now), sleep: async (milliseconds: number) => void (now += milliseconds) };
  const client = new MWAAClient({
    region: REGION, credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' }, maxAttempts: 1,
    requestHandler: {
      handle: async ({ method, path }: { method: string; path: string }) => {
        const { status, type, body } = await mwaa.call(method, path, {});
        return { response: { statusCode: status, headers: type ? { 'x-amzn-errortype': type } : {}, body: Buffer.from(JSON.stringify(host ? { ...body, WebServerHostname: host } : body)) } };
      },
      destroy: () => undefined,
    } as never,
    streamCollector: async (body: unknown) => body as Uint8Array,
  });
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line), group: <T>(_: string, work: () => Promise<T>) => work() };
  const gateway = openMwaa({ client, call: createCaller(clock, log, 'source-role'), clock, region: REGION, account: async () => ACCOUNT, airflowRole: 'Op', mask: (secret) => void masked.push(secret), webServerProtocol: 'http:' });
  return { cli: (...words: readonly string[]) => gateway.cli('analytics', words), masked, lines, waited: () => now };
}

/** A web server that answers one after the other of these. */
async function aServer(answers: readonly Readonly<{ status: number; type?: string; body?: string; location?: string }>[]) {
  const asked: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    const { status, type = 'text/plain', body = '', location } = answers[Math.min(asked.length, answers.length - 1)] ?? { status: 500 };
    asked.push(request.headers);
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, { 'content-type': type, ...(location ? { location } : {}) }).end(body.replaceAll('TOKEN', (request.headers.authorization ?? '').slice(7)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => new Promise<void>((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }) };
}
const GOOD = { status: 200, type: 'application/json', body: JSON.stringify({ stdout: Buffer.from('2.2.2\n').toString('base64'), stderr: '' }) };

async function refusalOf(answers: Parameters<typeof aServer>[0]) {
  const server = await aServer(answers), way = ours(server.host);
  const error = await way.cli('version').then(() => undefined, (refusal: unknown) => refusal);
  await server.close();
  return { text: `${String(error)}${JSON.stringify(error)}${String((error as Error | undefined)?.cause)}`, name: (error as Error | undefined)?.name, asked: server.asked, way };
}

describe('a command of Airflow\'s CLI', () => {
  it('is run with a fresh token each time, and both outputs come back', async () => {
    const { cli, masked } = ours();
    expect(await cli('dags', 'unpause', 'db_export')).toEqual({ stdout: 'out', stderr: 'err' });
    // Longer than a token lives.
    mwaa.world.clock.shift(61);
    expect(await cli('version')).toEqual({ stdout: 'out', stderr: 'err' });
    expect([mwaa.airflow.cli, new Set(masked).size]).toEqual([[['dags', 'unpause', 'db_export'], ['version']], 2]);
  });

  it('waits for the one before: the web server takes one at a time', async () => {
    let now = 0, most = 0;
    const server = http.createServer((_, response) => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => {
        now -= 1;
        response.writeHead(200, { 'content-type': 'application/json' }).end(GOOD.body);
      }, 30);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { cli } = ours(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    // Closed before it is judged: a failure must not leave it open.
    await Promise.all([cli('version'), cli('version'), cli('version')]).finally(() => { server.close(); server.closeAllConnections(); });
    expect(most).toBe(1);
  });

  it('a second one at once is refused by the sandbox, so that nothing is built on it', async () => {
    const { cli: first } = ours(), { cli: second, waited } = ours();
    let release: (nothing: undefined) => void = () => undefined;
    mwaa.airflow.hold = new Promise<undefined>((resolve) => { release = resolve; });
    const held = first('version');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refusal = await second('version').catch((error: unknown) => String(error)).finally(() => release(undefined));
    expect(refusal).toMatch(/at last: HTTP 503 \(Another command runs\)/u);
    expect(waited()).toBeGreaterThan(0);
    expect(await held).toEqual({ stdout: 'out', stderr: 'err' });
  });

  it('goes on after one that failed', async () => {
    const { cli } = ours();
    const [first, second] = await Promise.allSettled([cli('users', 'list'), cli('version')]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
  });

  it('names the permission where there is no token to be had', async () => {
    await mwaa.close();
    mwaa = await aMwaa({ without: ['cli'] });
    await mwaa.create();
    await expect(ours().cli('version')).rejects.toThrow(/Access denied: airflow:CreateCliToken on arn:aws:airflow:eu-west-1:111122223333:environment\/analytics/u);
  });

  it.each([['dags', 'trigger', 'a b'], ['dags', 'trigger', '-c', '{}'], ['a;b']])('takes no word that would need quotes: %j', async (...words) => {
    await expect(ours().cli(...words)).rejects.toThrow(/cannot stand in a command without quotes/u);
    expect(mwaa.airflow.cli).toEqual([]);
  });

  it('outlasts a command before it that takes minutes behind its 504', async () => {
    const server = await aServer([{ status: 504, type: 'text/html' }, ...Array.from({ length: 9 }, () => ({ status: 503 })), GOOD]), way = ours(server.host);
    const answer = await way.cli('version').finally(server.close);
    expect([answer.stdout, way.waited() > 120_000]).toEqual(['2.2.2\n', true]);
  });

  it.each([[{ status: 504, type: 'text/html' }], [{ status: 503 }], [{ status: 0 }], [{ status: 403 }]])('is asked again after %j, with another token', async (first) => {
    const server = await aServer([first, GOOD]), way = ours(server.host);
    expect(await way.cli('version')).toEqual({ stdout: '2.2.2\n', stderr: '' });
    expect(new Set(server.asked.map(({ authorization }) => authorization)).size).toBe(2);
    await server.close();
  });
});

describe('a web server that does not run it', () => {
  it.each([
    { because: 'a token is not taken', answers: [{ status: 403, body: 'Forbidden TOKEN' }], says: /answered 5 times with an error, at last: HTTP 403 \(Forbidden \*\*\*\)\. The token was fresh each time[^]*airflow:CreateCliToken/u, asked: 5 },
    { because: 'it is too slow', answers: [{ status: 504, type: 'text/html', body: '<html>504 Gateway Time-out</html>' }], says: /answered 14 times with an error, at last: HTTP 504\.[^]*web server log/u, asked: 14 },
    { because: 'nothing answers', answers: [{ status: 0 }], says: /at last: no answer \(ECONNRESET\)/u, asked: 14 },
    { because: 'the command is not there', answers: [{ status: 500, body: 'unknown' }], says: /at last: HTTP 500 \(unknown\)/u, asked: 5 },
    { because: 'it is no web server of MWAA', answers: [{ status: 404, body: 'no such page TOKEN' }], says: /refuses the command "version"[^]*HTTP 404 \(no such page \*\*\*\)/u, asked: 1 },
    { because: 'a login page comes', answers: [{ status: 200, type: 'text/html', body: '<html>Sign in TOKEN</html>' }], says: /has no CLI for us[^]*a web page where the CLI answers JSON/u, asked: 1 },
    { because: 'it sends us elsewhere', answers: [{ status: 302, location: 'http://127.0.0.1:9/login' }], says: /has no CLI for us[^]*sends us on to another page \(HTTP 302\)/u, asked: 1 },
    { because: 'the answer is something else', answers: [{ status: 200, type: 'application/json', body: '{"stdout":1}' }], says: /something else where the CLI answers JSON/u, asked: 1 },
  ])('is told as it is: $because', async ({ answers, says, asked }) => {
    const refusal = await refusalOf(answers);
    expect(refusal.name).toBe('UserError');
    expect(refusal.text).toMatch(says);
    expect(refusal.asked.length).toBe(asked);
    // Every token was hidden before it was used, and stands nowhere.
    expect(refusal.way.masked).toEqual(refusal.asked.map(({ authorization }) => authorization?.slice('Bearer '.length)));
    for (const token of refusal.way.masked) expect(refusal.text + refusal.way.lines.join('\n')).not.toContain(token);
  });

  it('gets no token where its name is none', async () => {
    await expect(ours('evil.example/path?').cli('version')).rejects.toThrow(/without CliToken or WebServerHostname/u);
  });
});
