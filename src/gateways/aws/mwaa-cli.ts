/**
 * One command of Airflow's CLI on an environment's web server: CreateCliToken, then the command as text.
 * https://docs.aws.amazon.com/mwaa/latest/userguide/call-mwaa-apis-cli.html
 */
import { HttpClient } from '@actions/http-client';
import type { MWAAClient } from '@aws-sdk/client-mwaa';
import { InternalError, UserError } from '../../errors.js';
import type { CliAnswer, Clock } from '../../ports.js';
import { withRetry } from '../../retry.js';
import type { Caller } from './call.js';
import { CreateCliTokenCommand, type RawJson } from './mwaa-commands.js';

/** Milliseconds. What stands between us and the web server gives up after a minute; we wait for its word. */
const SILENCE_MS = 90_000;
/** Bytes of an answer: one command on one DAG says some kilobytes. */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024;
/** Some five minutes: a command that took longer than a minute goes on behind its 504, and holds up the next one [seen on a busy machine]. */
const TRIES = { tries: 14, firstDelayMs: 1_000, maxDelayMs: 30_000 } as const;
/** Tries of what patience seldom cures. */
const REFUSALS = 5;
/** Letters that need no quotes, whatever splits the text into words. */
const PLAIN_WORD = /^[A-Za-z0-9_.:+@/=-]+$/u;

export type CliOptions = Readonly<{
  client: Pick<MWAAClient, 'send'>;
  call: Caller;
  clock: Clock;
  arn: (kind: 'environment', name: string) => Promise<string>;
  /** Hides the token in the job's log. */
  mask: (secret: string) => void;
  /** "http:" only for an endpoint of one's own that has no TLS either. */
  protocol: 'https:' | 'http:';
}>;

/** What may pass when it is asked again. */
class Unanswered extends Error {
  override readonly name = 'Unanswered';
  constructor(message: string, readonly isBusy: boolean) {
    super(message);
  }
}

/** Commands of one environment go one after the other: "available concurrency is limited" (user guide). */
export function openCli({ client, call, clock, arn, mask, protocol }: CliOptions): (name: string, words: readonly string[]) => Promise<CliAnswer> {
  const http = new HttpClient('mwaa-migrate', [], { allowRetries: false, allowRedirects: false, socketTimeout: SILENCE_MS });
  const last = new Map<string, Promise<unknown>>();

  const token = async (name: string): Promise<Readonly<{ secret: string; host: string }>> => {
    const { body } = await call({ action: 'airflow:CreateCliToken', resource: await arn('environment', name) }, () => client.send(new CreateCliTokenCommand({ Name: name })));
    const secret = body['CliToken'], host = body['WebServerHostname'];
    if (typeof secret !== 'string' || typeof host !== 'string' || !/^[A-Za-z0-9.-]+(?::\d+)?$/u.test(host)) throw new InternalError('CreateCliToken answered without CliToken or WebServerHostname.');
    mask(secret);
    return { secret, host };
  };

  const ask = async (name: string, line: string): Promise<CliAnswer> => {
    // A fresh one for every try: it lives for 60 seconds, and a slow web server may have used them up.
    const { secret, host } = await token(name);
    const { status, type, text } = await send(http, `${protocol}//${host}/aws_mwaa/cli`, secret, line);
    if (status === 200) return readAnswer(text, type, name);
    const said = `HTTP ${status}${shown(text, type, secret)}`;
    if (status === 401 || status === 403 || status === 429 || status >= 500) throw new Unanswered(said, status === 429 || status > 500);
    if (status >= 300 && status < 400) throw noCli(name, `it sends us on to another page (HTTP ${status})`);
    throw new UserError(`The web server of "${name}" refuses the command "${line}".`, `it answered ${said}.`, 'repair what the answer names, then run the phase again.');
  };

  return async (name, words) => {
    const strange = words.find((word) => !PLAIN_WORD.test(word));
    if (strange !== undefined) throw new InternalError(`"${strange}" cannot stand in a command without quotes.`);
    const line = words.join(' ');
    const persist = async (): Promise<CliAnswer> => {
      let tries = 0;
      try {
        return await withRetry((attempt) => {
          tries = attempt;
          return ask(name, line);
        }, clock, { policy: TRIES, isRepeatable: (error) => error instanceof Unanswered && (error.isBusy || tries < REFUSALS) });
      } catch (error) {
        throw error instanceof Unanswered ? unanswered(name, line, error, tries) : error;
      }
    };
    const mine = (last.get(name) ?? Promise.resolve()).then(persist);
    // Whoever comes next waits for the end, not for the success.
    last.set(name, mine.catch(() => undefined));
    return await mine;
  };
}

async function send(http: HttpClient, address: string, secret: string, line: string): Promise<Readonly<{ status: number; type: string; text: string }>> {
  try {
    const { message } = await http.request('POST', address, line, { authorization: `Bearer ${secret}`, 'content-type': 'text/plain', accept: 'application/json' });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of message) {
      chunks.push(chunk as Buffer);
      if ((bytes += (chunk as Buffer).length) > MAX_ANSWER_BYTES) throw new UserError('The answer of Airflow\'s CLI does not end.', `more than ${MAX_ANSWER_BYTES} bytes came.`, 'look whether something else answers at the address of the web server.');
    }
    return { status: message.statusCode ?? 0, type: String(message.headers['content-type'] ?? ''), text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof UserError) throw error;
    // Only its name and code: the message of an HTTP library may quote the request.
    const { name, code } = error as { name?: unknown; code?: unknown };
    throw new Unanswered(`no answer (${[code, name].find((word) => typeof word === 'string') ?? 'unknown'})`, true);
  }
}

function readAnswer(text: string, type: string, name: string): CliAnswer {
  let body: RawJson = {};
  try {
    body = JSON.parse(text) as RawJson;
  } catch {
    // Told below, with what it was.
  }
  const { stdout, stderr } = body;
  if (typeof stdout !== 'string' || typeof stderr !== 'string') throw noCli(name, `it answers ${/html/iu.test(type) ? 'a web page' : 'something else'} where the CLI answers JSON`);
  return { stdout: Buffer.from(stdout, 'base64').toString('utf8'), stderr: Buffer.from(stderr, 'base64').toString('utf8') };
}

const noCli = (name: string, said: string): UserError => new UserError(
  `The web server of "${name}" has no CLI for us.`, `${said}: a proxy on the way, or the web server is private.`,
  'run the job where the web server can be reached (its access must be public, or the runner stand in its VPC), without a proxy that asks for a login.',
);

function unanswered(name: string, line: string, { message }: Unanswered, tries: number): UserError {
  const denied = /^HTTP 40[13]\b/u.test(message);
  return new UserError(
    `Airflow's CLI in "${name}" does not run "${line}".`,
    `its web server answered ${tries} times with an error, at last: ${message}.${denied ? ' The token was fresh each time.' : ''}`,
    denied ? 'look whether the role of source-role may call airflow:CreateCliToken on this environment without a condition, then run the phase again.'
      : 'look into the environment\'s web server log (it may be busy or short of memory); when it answers again, run the phase again: it goes on where it stopped.',
    // The cause is not kept: nothing of the request may reach a log.
  );
}

/** One line of a plain answer; a page says nothing that helps. */
function shown(text: string, type: string, secret: string): string {
  const line = text.replaceAll(secret, '***').replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return line === '' || /html/iu.test(type) || line.startsWith('<') ? '' : ` (${line.slice(0, 200)})`;
}
