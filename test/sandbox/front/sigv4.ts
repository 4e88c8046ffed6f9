/**
 * Signature Version 4, the server's side: what a signature claims, and whether it is right.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export type SignatureClaim = Readonly<{
  form: 'header' | 'query';
  accessKeyId: string;
  /** 20261122 */
  day: string;
  region: string; service: string;
  signedHeaders: readonly string[];
  signature: string;
  /** 20261122T141500Z */
  date: string;
  sessionToken: string | undefined;
  /** Presigned URLs only: seconds from `date`. */
  expiresSeconds: number | undefined;
}>;

export type SignedRequest = Readonly<{
  method: string;
  rawPath: string; rawQuery: string;
  /** Lower-case names; several of a name are joined by a comma. */
  headers: Readonly<Record<string, string>>;
}>;

export const sha256Hex = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
export const hmac = (key: Buffer | string, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** undefined: the request is not signed. @throws Error whose message says which part is missing */
export function claimOf({ headers, rawQuery }: SignedRequest): SignatureClaim | undefined {
  const query = new URLSearchParams(rawQuery);
  if (query.get('X-Amz-Algorithm') !== null) return queryClaim(query);
  const header = headers.authorization;
  if (header === undefined) return undefined;
  const [, algorithm, rest = ''] = /^(\S+)\s+(.*)$/u.exec(header) ?? [];
  if (algorithm !== 'AWS4-HMAC-SHA256') throw new Error(`the authorization mechanism "${algorithm ?? ''}" is not supported. Please use AWS4-HMAC-SHA256.`);
  const parts = new Map(rest.split(',').map((part) => {
    const [name = '', ...value] = part.trim().split('=');
    return [name, value.join('=')] as const;
  }));
  const need = (name: string): string => {
    const value = parts.get(name);
    if (!value) throw new Error(`Authorization header requires '${name}' parameter.`);
    return value;
  };
  const date = headers['x-amz-date'] ?? '';
  if (!isDate(date)) throw new Error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  return {
    form: 'header', ...scopeOf(need('Credential')), signedHeaders: need('SignedHeaders').split(';'), signature: need('Signature'), date,
    sessionToken: headers['x-amz-security-token'], expiresSeconds: undefined,
  };
}

function queryClaim(query: URLSearchParams): SignatureClaim {
  const need = (name: string): string => {
    const value = query.get(name);
    if (!value) throw new Error(`the query requires '${name}'.`);
    return value;
  };
  if (query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw new Error('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const expiresSeconds = Number(need('X-Amz-Expires'));
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > 604_800) throw new Error('X-Amz-Expires must be between 1 and 604800 seconds');
  const date = need('X-Amz-Date');
  if (!isDate(date)) throw new Error('X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd\'T\'HHmmss\'Z\'"');
  return {
    form: 'query', ...scopeOf(need('X-Amz-Credential')), signedHeaders: need('X-Amz-SignedHeaders').split(';'), signature: need('X-Amz-Signature'), date,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined, expiresSeconds,
  };
}

const isDate = (date: string): boolean => /^\d{8}T\d{6}Z$/u.test(date);

function scopeOf(credential: string): Pick<SignatureClaim, 'accessKeyId' | 'day' | 'region' | 'service'> {
  const [accessKeyId, day, region, service, end, ...more] = credential.split('/');
  if (!accessKeyId || !day || !region || !service || end !== 'aws4_request' || more.length > 0)
    throw new Error("a Credential is 'access key/date/region/service/aws4_request'.");
  return { accessKeyId, day, region, service };
}

/** Milliseconds since the epoch. */
export function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u, '$1-$2-$3T$4:$5:$6Z'));
}

/** @param payloadHash what stands for the body: its SHA-256, UNSIGNED-PAYLOAD, or STREAMING-… */
export function signatureOf(request: SignedRequest, claim: SignatureClaim, secretAccessKey: string, payloadHash: string): string {
  const canonical = [
    request.method, canonicalPath(request.rawPath, claim.service), canonicalQuery(request.rawQuery),
    ...claim.signedHeaders.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/\s+/gu, ' ')}`), '',
    claim.signedHeaders.join(';'), payloadHash,
  ].join('\n');
  return hmac(signingKey(secretAccessKey, claim), ['AWS4-HMAC-SHA256', claim.date, credentialScope(claim), sha256Hex(canonical)].join('\n')).toString('hex');
}

export const credentialScope = ({ day, region, service }: Pick<SignatureClaim, 'day' | 'region' | 'service'>): string => `${day}/${region}/${service}/aws4_request`;

export function signingKey(secretAccessKey: string, { day, region, service }: Pick<SignatureClaim, 'day' | 'region' | 'service'>): Buffer {
  return [day, region, service, 'aws4_request'].reduce<Buffer | string>((key, part) => hmac(key, part), `AWS4${secretAccessKey}`) as Buffer;
}

export function sameSignature(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/** S3 signs the path encoded once and as it is; the other services normalise it and encode again what is on the wire. */
function canonicalPath(rawPath: string, service: string): string {
  if (service === 's3') return encodePath(decode(rawPath));
  const segments: string[] = [];
  for (const segment of rawPath.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const end = segments.length > 0 && rawPath.endsWith('/') ? '/' : '';
  return encodePath(`/${segments.join('/')}${end}`);
}

function canonicalQuery(rawQuery: string): string {
  if (rawQuery === '') return '';
  return rawQuery.split('&').filter(Boolean)
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals < 0 ? pair : pair.slice(0, equals);
      const value = equals < 0 ? '' : pair.slice(equals + 1);
      return [encode(decode(name)), encode(decode(value))] as const;
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`).join('&');
}

/** By code point, not by language. */
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Everything but A–Z a–z 0–9 - . _ ~ */
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/gu, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
const encodePath = (path: string): string => path.split('/').map(encode).join('/');

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not UTF-8: then no signature over the encoded form can be right, and the caller hears of a mismatch
  }
}
