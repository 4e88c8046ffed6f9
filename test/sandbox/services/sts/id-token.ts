/** Reads an OpenID Connect token and checks its signature by the issuer's published keys. */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { AwsError } from '../../front/contract.js';

export type Claims = Readonly<{
  iss: string; sub: string; aud: readonly string[]; exp: number; nbf: number | undefined; iat: number | undefined;
  all: Readonly<Record<string, unknown>>;
}>;
export type IdToken = Readonly<{ keyId: string; algorithm: string; signed: string; signature: Buffer; claims: Claims }>;

const invalid = (message: string): AwsError => new AwsError('InvalidIdentityToken', message, 400);

/** @throws AwsError InvalidIdentityToken; the token itself is in no message, for it is a credential */
export function readToken(text: string): IdToken {
  const [head = '', payload = '', signature = '', ...more] = text.split('.');
  const header = readPart(head);
  const all = readPart(payload);
  if (!header || !all || more.length > 0 || typeof header.alg !== 'string') throw invalid('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)');
  const aud = [all.aud].flat().filter((one): one is string => typeof one === 'string');
  const { iss, sub, exp } = all;
  if (typeof iss !== 'string' || typeof sub !== 'string' || typeof exp !== 'number' || aud.length === 0) throw invalid('Missing a required claim: iss, sub, aud and exp are needed');
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  return {
    keyId: String(header.kid ?? ''), algorithm: header.alg, signed: `${head}.${payload}`, signature: Buffer.from(signature, 'base64url'),
    claims: { iss, sub, aud, exp, nbf: number(all.nbf), iat: number(all.iat), all },
  };
}

function readPart(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** @param issuerUrl loopback address that stands for the issuer; undefined: nobody answers under the issuer's name */
export async function verifySignature(token: IdToken, issuerUrl: string | undefined): Promise<void> {
  const unreachable = (): AwsError => new AwsError('InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements", 400);
  if (issuerUrl === undefined) throw unreachable();
  const keys = await fetchKeys(issuerUrl).catch((): never => { throw unreachable(); });
  const key = keys.find(({ kid }) => kid === token.keyId);
  // "none" and HS256 (signed with the public key as a secret) are the classic forgeries; AWS takes RS and ES algorithms only.
  if (token.algorithm !== 'RS256' || !key) throw invalid('The web identity token that was passed could not be validated: no matching key found in the provider\'s JWKS');
  if (!verify('sha256', Buffer.from(token.signed), createPublicKey({ key, format: 'jwk' }), token.signature)) throw invalid('Token signature invalid');
}

async function fetchKeys(issuerUrl: string): Promise<readonly (JsonWebKey & { kid?: string })[]> {
  const configuration = (await (await fetch(`${issuerUrl}/.well-known/openid-configuration`)).json()) as Readonly<{ jwks_uri: string }>;
  // The document names the issuer's public address; its keys lie on the same loopback server.
  const { pathname } = new URL(configuration.jwks_uri);
  const { keys } = (await (await fetch(`${issuerUrl}${pathname}`)).json()) as Readonly<{ keys: readonly (JsonWebKey & { kid?: string })[] }>;
  return keys;
}
