/**
 * A stand-in for GitHub's OIDC issuer and for the runner's token endpoint, on one loopback port.
 * Shapes: https://docs.github.com/en/actions/reference/security/oidc and actions/toolkit packages/core/src/oidc-utils.ts
 */
import { createSign, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { claimsOf, type OidcJob } from './claims.js';

export const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com';
/** GitHub's tokens live this long. */
const TOKEN_SECONDS = 300;

export type OidcIssuer = Readonly<{
  /** Loopback address that STS fetches keys from: `createIdentityWorld({ oidcIssuers: { [GITHUB_ISSUER]: issuer.url } })`. */
  url: string;
  /** From now on tokens speak of this job; what is left out keeps its value. */
  setJob(job: Partial<OidcJob>): void;
  /** The two variables that a runner gives to the steps of a job with `id-token: write`. */
  env(): Readonly<{ ACTIONS_ID_TOKEN_REQUEST_URL: string; ACTIONS_ID_TOKEN_REQUEST_TOKEN: string }>;
  /** A token without the round trip; `claims` replace or (undefined) remove single ones. */
  token(audience: string, options?: TokenOptions): string;
  /** How many tokens the endpoint handed out. */
  issued(): number;
  close(): Promise<void>;
}>;

export type TokenOptions = Readonly<{
  claims?: Readonly<Record<string, unknown>>;
  /** Default 300; negative: already expired. */
  seconds?: number;
  /** Signs with a key that is not in the JWKS, under the published key's id. */
  forged?: boolean;
}>;

/** @param clock the world's, so that tokens and sessions agree on the time */
export async function startOidcIssuer({ job, clock = { now: () => new Date() } }: Readonly<{ job: OidcJob; clock?: Readonly<{ now(): Date }> }>): Promise<OidcIssuer> {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keyId = randomUUID();
  const requestToken = randomBytes(32).toString('base64url');
  let current = job;
  let issued = 0;

  const token: OidcIssuer['token'] = (audience, { claims = {}, seconds = TOKEN_SECONDS, forged = false } = {}) => {
    const now = Math.floor(clock.now().getTime() / 1000);
    const payload = { jti: randomUUID(), ...claimsOf(current), iss: GITHUB_ISSUER, aud: audience, iat: now, nbf: now - 600, exp: now + seconds, ...claims };
    const signed = [{ typ: 'JWT', alg: 'RS256', kid: keyId }, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const signature = createSign('sha256').update(signed).sign(forged ? stranger.privateKey : keys.privateKey, 'base64url');
    return `${signed}.${signature}`;
  };

  const answer = (request: IncomingMessage, response: ServerResponse, url: string): void => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    if (pathname === '/.well-known/openid-configuration') return json(response, 200, configuration());
    if (pathname === '/.well-known/jwks') return json(response, 200, { keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: keyId, use: 'sig', alg: 'RS256' }] });
    if (pathname !== '/token') return json(response, 404, { message: 'Not Found' });
    if (request.headers.authorization !== `Bearer ${requestToken}`) return json(response, 401, { message: 'The request token is missing or wrong.' });
    if (searchParams.get('api-version') === null) return json(response, 400, { message: 'api-version is missing: the request URL was changed.' });
    issued += 1;
    // Without an audience GitHub names the repository's owner.
    return json(response, 200, { count: 1, value: token(searchParams.get('audience') ?? `https://github.com/${current.repository.split('/')[0] ?? ''}`) });
  };

  const server = createServer((request, response) => answer(request, response, url));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url, token,
    setJob: (change) => { current = { ...current, ...change }; },
    env: () => ({ ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/token?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken }),
    issued: () => issued,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** As GitHub publishes it: under the public address, whoever serves it. */
function configuration(): Readonly<Record<string, unknown>> {
  return {
    issuer: GITHUB_ISSUER, jwks_uri: `${GITHUB_ISSUER}/.well-known/jwks`, subject_types_supported: ['public', 'pairwise'], response_types_supported: ['id_token'],
    claims_supported: ['sub', 'aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'ref', 'repository', 'repository_id', 'environment', 'job_workflow_ref', 'run_id'],
    id_token_signing_alg_values_supported: ['RS256'], scopes_supported: ['openid'],
  };
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
