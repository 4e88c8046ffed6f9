/** The stand-in as a server on loopback: credentials, limits, permissions, the description, then the work. In GitHub's order, so that a refusal hides what it hides there. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { commentRoutes } from './comments.js';
import { environmentRoutes } from './environments.js';
import { createGithubFaults, type GithubFault } from './faults.js';
import { readApiDescription, type ApiDescription } from './openapi.js';
import { answerGraphql, pullRoutes } from './pulls.js';
import * as refuse from './refusals.js';
import type { Answer } from './refusals.js';
import type { Route } from './route.js';
import { createGithubState, type Account, type Caller, type Comment, type Environment, type GithubState, type Pull, type Run } from './state.js';

/** Calls an hour of a job's token: https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#primary-rate-limit-for-github_token-in-github-actions */
const LIMIT = 1_000;
const VERSIONS = ['2022-11-28', '2026-03-10'];
const ROUTES: readonly Route[] = [...commentRoutes, ...pullRoutes, ...environmentRoutes];

export type GithubRequest = Readonly<{ method: string; path: string; status: number; /** 0: the connection was cut. */ body: unknown; headers: IncomingMessage['headers'] }>;

export type GithubStandIn = Readonly<{
  /** For GITHUB_API_URL. */
  url: string;
  state: GithubState;
  /** @returns a new token */
  token(caller: Partial<Caller>): string;
  openPull(pull?: Partial<Pull>): Pull;
  writeComment(pull: number, author: Account, body: string): Comment;
  /** Of one pull request, in the order in which they were written. */
  commentsOf(pull: number): readonly Comment[];
  addEnvironment(environment: Partial<Environment> & Pick<Environment, 'name'>): Environment;
  addRun(run?: Partial<Run>): Run;
  fault(fault: GithubFault): void;
  requests(): readonly GithubRequest[];
  /** What GitHub's description forbids, in requests and in our answers; a test expects none. */
  violations(): readonly string[];
  close(): Promise<void>;
}>;

/** A job's token with what the comment needs. */
export const JOB_TOKEN: Caller = { kind: 'installation', login: 'github-actions[bot]', type: 'Bot', permissions: { contents: 'read', pull_requests: 'write' }, seesRepository: true };

/** @param api read before, for whoever starts many: it takes a quarter of a second */
export async function startGithub({ repository = 'octo-org/workflows', clock = { now: () => new Date() }, api = readApiDescription() }: Readonly<{ repository?: string; clock?: GithubState['clock']; api?: ApiDescription }> = {}): Promise<GithubStandIn> {
  const state = createGithubState(repository, clock);
  const faults = createGithubFaults();
  const requests: GithubRequest[] = [];
  const violations: string[] = [];
  const used = new Map<string, number>();
  let url = '';

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await bodyOf(request);
    const method = request.method ?? 'GET';
    const target = new URL(request.url ?? '/', url);
    const token = /^(?:bearer|token) (\S+)$/iu.exec(request.headers.authorization ?? '')?.[1];
    const parsed = parse(text), body = parsed === NOT_JSON ? text : parsed;
    const record = (status: number): void => { requests.push({ method, path: target.pathname + target.search, status, body, headers: request.headers }); };
    const fault = faults.take(method, target.pathname);
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 1_000));
    if (fault?.kind === 'drop') {
      record(0);
      request.socket.destroy();
      return;
    }
    const answer = injected(fault, state) ?? answerTo(method, target, token, parsed, request);
    if (fault?.kind === 'lost-answer') {
      record(0);
      request.socket.destroy();
      return;
    }
    record(answer.status);
    send(response, answer, token ? (used.get(token) ?? 0) : 0, fault?.kind);
  };

  const answerTo = (method: string, target: URL, token: string | undefined, body: unknown, request: IncomingMessage): Answer => {
    if (!request.headers['user-agent']) return refuse.noUserAgent();
    const version = request.headers['x-github-api-version'];
    if (typeof version === 'string' && !VERSIONS.includes(version)) return refuse.unknownVersion(version);
    const caller = token === undefined ? undefined : state.tokens.get(token);
    if (token !== undefined) {
      if (!caller) return refuse.badCredentials();
      used.set(token, (used.get(token) ?? 0) + 1);
      if ((used.get(token) ?? 0) > LIMIT) return refuse.primaryLimit(Math.ceil(clock.now().getTime() / 1000) + 3_600);
    }
    if (body === NOT_JSON) return refuse.notJson();
    if (method === 'POST' && target.pathname === '/graphql') return caller ? answerGraphql(caller, body) : refuse.requiresAuthentication();
    const found = routeOf(method, target.pathname);
    if (!found) return refuse.notFound();
    const { route, path } = found;
    if (!caller) return route.template === '/user' ? refuse.requiresAuthentication() : refuse.notFound();
    if (route.template.startsWith('/repos/') && (!caller.seesRepository || `${path['owner'] ?? ''}/${path['repo'] ?? ''}`.toLowerCase() !== repository.toLowerCase())) return refuse.notFound();
    const may = route.permissions?.some(({ name, level }) => caller.permissions[name] === 'write' || caller.permissions[name] === level) ?? true;
    if (!may || (route.isForUsersOnly === true && caller.kind === 'installation')) return refuse.notAccessible(caller.kind === 'installation' ? 'integration' : 'personal access token');
    return checked(route, target, body, () => route.answer({ state, caller, path, query: target.searchParams, body, url, api }));
  };

  /** A request that GitHub does not describe is written down, and answered all the same: as there, where most of it is ignored. */
  const checked = ({ method, template }: Route, target: URL, body: unknown, work: () => Answer): Answer => {
    const answer = work();
    if (answer.status < 400) violations.push(...api.wrongRequest(method, template, target.searchParams, body));
    violations.push(...api.wrongAnswer(method, template, answer.status, answer.body));
    return answer;
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      violations.push(`The stand-in failed: ${String(error)}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url, state,
    token: (caller) => {
      const token = `${caller.kind === 'user' ? 'ghp' : 'ghs'}_${randomBytes(18).toString('hex')}`;
      state.tokens.set(token, { ...JOB_TOKEN, ...caller });
      return token;
    },
    openPull: (given = {}) => {
      const pull = { number: state.nextId(), author: { login: 'octocat', type: 'User' as const }, headRepository: repository, headSha: randomBytes(20).toString('hex'), isLocked: false, ...given };
      state.pulls.set(pull.number, pull);
      return pull;
    },
    writeComment: (pull, author, body) => {
      const at = clock.now().toISOString().replace(/\.\d+Z$/u, 'Z');
      const comment = { id: state.nextId(), pull, author, body, createdAt: at, updatedAt: at };
      state.comments.set(comment.id, comment);
      return comment;
    },
    commentsOf: (pull) => [...state.comments.values()].filter((comment) => comment.pull === pull),
    addEnvironment: (given) => {
      const environment = { id: state.nextId(), reviewers: undefined, preventSelfReview: false, adminsMayBypass: undefined, waitMinutes: undefined, branches: undefined, tags: [], ...given };
      state.environments.set(environment.name, environment);
      return environment;
    },
    addRun: (given = {}) => {
      const run = { id: state.nextId(), actor: { login: 'octocat', type: 'User' as const }, headSha: randomBytes(20).toString('hex'), headBranch: 'main', status: 'in_progress', conclusion: null, waiting: new Set<number>(), reviews: [], ...given };
      state.runs.set(run.id, run);
      return run;
    },
    fault: faults.add,
    requests: () => requests,
    violations: () => violations,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const NOT_JSON = Symbol('not JSON');

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON; // answered with 400
  }
}

function routeOf(method: string, pathname: string): Readonly<{ route: Route; path: Readonly<Record<string, string>> }> | undefined {
  for (const route of ROUTES) {
    if (route.method !== method) continue;
    const names = [...route.template.matchAll(/\{(\w+)\}/gu)].map(([, name = '']) => name);
    const values = new RegExp(`^${route.template.replaceAll(/\{\w+\}/gu, '([^/]+)')}$`, 'u').exec(pathname)?.slice(1);
    if (values) return { route, path: Object.fromEntries(names.map((name, at) => [name, decodeURIComponent(values[at] ?? '')])) };
  }
  return undefined;
}

function injected(fault: GithubFault | undefined, { clock }: GithubState): Answer | undefined {
  switch (fault?.kind) {
    case '502': return refuse.serverError();
    case '503': return { ...refuse.serverError(), status: 503 };
    // GitHub's edge answers a page where its servers do not.
    case 'not-json': return { status: 502, body: '<html><body>Unicorn!</body></html>', headers: { 'content-type': 'text/html' } };
    case 'secondary': return refuse.secondaryLimit(403, fault.retryAfter ?? 60);
    case 'secondary-429': return refuse.secondaryLimit(429, fault.retryAfter ?? 60);
    case 'primary': return refuse.primaryLimit(Math.ceil(clock.now().getTime() / 1000) + (fault.retryAfter ?? 3_600));
    default: return undefined;
  }
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer, used: number, fault: GithubFault['kind'] | undefined): void {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8', 'content-length': String(Buffer.byteLength(text)) }),
    'x-ratelimit-limit': String(LIMIT), 'x-ratelimit-remaining': String(Math.max(0, LIMIT - used)), 'x-ratelimit-used': String(used), 'x-ratelimit-reset': '2000000000', 'x-ratelimit-resource': 'core',
    'x-github-request-id': randomBytes(8).toString('hex').toUpperCase(), ...headers,
  });
  if (fault !== 'half-answer') response.end(text);
  else response.write(text.slice(0, Math.ceil(text.length / 2)), () => response.destroy());
}
