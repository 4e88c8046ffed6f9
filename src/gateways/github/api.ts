/** One call to GitHub's REST API: repeated while its failure passes, then explained in the user's words. */
import { HttpClient } from '@actions/http-client';
import { InternalError, UserError } from '../../errors.js';
import type { Clock } from '../../ports.js';

/** Milliseconds. */
const SILENCE_MS = 30_000;
const TRIES = 4, FIRST_DELAY_MS = 1_000;
/** A limit that ends later than this many seconds is not waited for: the plan is done, and nobody should wait an hour for its comment. */
const MAX_WAIT_SECONDS = 60;
/** Without retry-after GitHub asks for at least this: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
const SECONDARY_WAIT_SECONDS = 60;

export type GithubAnswer = Readonly<{ status: number; body: unknown; /** Address of the list's next page. */ next: string | undefined }>;
export type GithubRequest = Readonly<{ method: 'GET' | 'POST' | 'PATCH' | 'DELETE'; /** Below the API's address, or a whole address of the same host. */ path: string; body?: unknown }>;
export type GithubApi = Readonly<{
  /**
   * @param beforeRepeat is asked before the request is sent again: the first one may have been done though its answer got lost. What it returns ends the call
   * @returns answers below 400, 404 and 410
   * @throws UserError for what GitHub refuses or what does not get better
   */
  call(request: GithubRequest, beforeRepeat?: () => Promise<GithubAnswer | undefined>): Promise<GithubAnswer>;
  /** Answer of GraphQL, which has 200 also for what it refuses. */
  ask(query: string): Promise<unknown>;
}>;

/** What is asked of GitHub, for its refusals: what is said where the token may not do it, which permission it takes, and what there is without it. */
export type Purpose = Readonly<{ forbidden: string; permission: string; otherwise: string }>;
const COMMENTS: Purpose = { forbidden: 'The github-token may not write comments on pull requests.', permission: 'pull-requests: write', otherwise: 'read the plan in the job summary, and report this with the log of the run.' };

/**
 * @param apiUrl GITHUB_API_URL; the proxy comes from the runner's own variables
 * @param purpose of all calls; by default the comment on a pull request
 */
export function openGithubApi({ apiUrl, token, clock, purpose = COMMENTS }: Readonly<{ apiUrl: string; token: string; clock: Clock; purpose?: Purpose }>): GithubApi {
  // Its own retries know neither GitHub's limits nor that a comment must not be written twice.
  const client = new HttpClient('mwaa-migrate', [], { allowRetries: false, socketTimeout: SILENCE_MS });

  const send = async ({ method, path, body }: GithubRequest): Promise<Raw> => {
    const target = new URL(path.startsWith('/') ? `${apiUrl.replace(/\/$/u, '')}${path}` : path);
    // The next page's address comes from an answer: the token goes nowhere else.
    if (target.origin !== new URL(apiUrl).origin) throw new InternalError(`GitHub names another host for the next page: ${target.origin}.`);
    const { message } = await client.request(method, target.href, body === undefined ? '' : JSON.stringify(body), {
      authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    });
    const chunks: Buffer[] = [];
    // Throws when the connection breaks within the answer; the client's own reader would wait for ever.
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return { status: message.statusCode ?? 0, headers: message.headers, body: parse(Buffer.concat(chunks).toString('utf8')) };
  };

  const api: GithubApi = {
    async call(request, beforeRepeat) {
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await send(request).catch((error: unknown) => brokenOr(error));
        if ('status' in outcome && (outcome.status < 400 || outcome.status === 404 || outcome.status === 410)) return { status: outcome.status, body: outcome.body, next: nextPage(outcome.headers['link']) };
        const wait = waitSeconds(outcome, attempt, clock);
        if (wait === undefined || wait > MAX_WAIT_SECONDS || attempt >= TRIES) throw refusal(request, outcome, wait, purpose);
        await clock.sleep(wait * 1_000);
        const done = await beforeRepeat?.();
        if (done) return done;
      }
    },
    // On GitHub Enterprise Server: …/api/v3 beside …/api/graphql.
    ask: async (query) => (await api.call({ method: 'POST', path: `${apiUrl.replace(/(?:\/v3)?\/?$/u, '')}/graphql`, body: { query } })).body,
  };
  return api;
}

type Raw = Readonly<{ status: number; headers: Readonly<Record<string, string | readonly string[] | undefined>>; body: unknown }>;
type Broken = Readonly<{ broken: string }>;

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined; // a page of GitHub's edge; its status says enough
  }
}

/** Of the system (ECONNRESET), of the HTTP parser (HPE_…), of OpenSSL (CERT_…, UNABLE_TO_…, ERR_SSL_…); not Node's own for a wrong call (ERR_INVALID_…). */
const OF_THE_CONNECTION = /^(?!ERR_(?!TLS|SSL|SOCKET|STREAM))[A-Z][A-Z0-9_]+$/u;

/** A connection that could not be had or broke; anything else is our own mistake. */
function brokenOr(error: unknown): Broken {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (OF_THE_CONNECTION.test(code)) return { broken: code };
  if (error instanceof Error && /^Request timeout|socket hang up|aborted|proxy/iu.test(error.message)) return { broken: error.message.split(/[:\n]/u)[0] ?? 'no answer' };
  throw error;
}

/** Seconds until the same request may succeed; undefined: it will not. */
function waitSeconds(outcome: Raw | Broken, attempt: number, clock: Clock): number | undefined {
  const pause = (FIRST_DELAY_MS / 1_000) * 2 ** (attempt - 1);
  if ('broken' in outcome) return pause;
  const { status, headers } = outcome;
  if (status >= 500) return pause;
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers['retry-after']);
  if (Number.isFinite(after) && headers['retry-after'] !== undefined) return Math.max(after, pause);
  if (headers['x-ratelimit-remaining'] === '0') return Math.max(pause, Number(headers['x-ratelimit-reset'] ?? 0) - clock.now().getTime() / 1_000);
  return status === 429 || /secondary rate limit/iu.test(messageOf(outcome)) ? SECONDARY_WAIT_SECONDS : undefined;
}

/** What, why and fix; GitHub's own words are cut, and hold no token. */
function refusal({ method, path }: GithubRequest, outcome: Raw | Broken, wait: number | undefined, { forbidden, permission, otherwise }: Purpose): UserError {
  const asked = `${method} ${path.replace(/\?.*$/u, '')}`;
  if ('broken' in outcome) return new UserError(`GitHub could not be reached for ${asked}.`, `the connection failed ${TRIES} times (last: ${outcome.broken}).`, 'look at the network of the runner (DNS, firewall, proxy) and githubstatus.com, then run the job again.');
  const { status } = outcome;
  const words = messageOf(outcome), said = `${status}${words ? ` "${words}"` : ''}`;
  if (wait !== undefined && status < 500) return new UserError(`GitHub limits the calls of this token: ${asked}.`, `it answered ${said} and allows the next call in ${Math.ceil(wait)} seconds.`, 'run the job again later, or use fewer workflows with the same token.');
  if (status >= 500) return new UserError(`${asked} failed ${TRIES} times.`, `GitHub answered ${said}.`, 'look at githubstatus.com, then run the job again.');
  if (status === 401) return new UserError('GitHub does not accept the github-token.', `it answered ${said}; the token is wrong, revoked, or its job has ended.`, 'leave the input github-token out, so that the job\'s own token is used, or renew the one that you give.');
  if (/locked/iu.test(words)) return new UserError('The conversation of the pull request is locked.', `GitHub answered ${said}.`, 'unlock it, or read the plan in the job summary.');
  if (status === 403) return new UserError(forbidden, `GitHub answered ${said} to ${asked}.`, `add "permissions: { ${permission} }" to the job, and to the job that calls a reusable workflow. Runs of pull requests from forks have a token that only reads, whatever is written there.`);
  return new UserError(`GitHub refused ${asked}.`, `it answered ${said}.`, otherwise);
}

const MAX_WORDS = 200;
const messageOf = ({ body }: Raw): string => (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string' ? body.message.replace(/\s+/gu, ' ').slice(0, MAX_WORDS) : '');

/** https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api */
const nextPage = (link: string | readonly string[] | undefined): string | undefined => /<([^>]+)>;\s*rel="next"/u.exec(typeof link === 'string' ? link : '')?.[1];
