import { createHash, createHmac } from 'node:crypto';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { authenticate, readClaim } from '../../sandbox/front/authenticate.js';
import { decodeBody } from '../../sandbox/front/body.js';
import { CHECKSUMS, type ChecksumName, checksum, digestOf } from '../../sandbox/front/checksums.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';

const world = createIdentityWorld({ accounts: ['111122223333'] });
const key = world.identities.accessKeyFor('arn:aws:iam::111122223333:root');
const role = world.createRole({ account: '111122223333', name: 'r', trust: { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: { Service: 'airflow.amazonaws.com' }, Action: 'sts:AssumeRole' } } });

type Wire = { method: string; rawPath: string; rawQuery: string; headers: Record<string, string>; body: Buffer };
type Signed = Readonly<{ method: string; path: string; query: Readonly<Record<string, string | null>>; headers: Readonly<Record<string, string>>; body?: string | Uint8Array }>;

/** What an SDK client would have sent: its own signer made the signature. */
async function signedBy(send: (handler: { handle(request: Signed): Promise<never> }) => Promise<unknown>): Promise<Wire> {
  let seen: Signed | undefined;
  await send({ handle: (request) => { seen = request; return Promise.reject(new Error('captured')); } }).catch(() => undefined);
  if (!seen) throw new Error('the client sent nothing');
  const rawQuery = Object.entries(seen.query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`).join('&');
  const headers = Object.fromEntries(Object.entries(seen.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { method: seen.method, rawPath: seen.path, rawQuery, headers, body: bytesOf(seen.body) };
}
/** The SDK's JSON body is a view of bytes that dislikes being asked for its text. */
const bytesOf = (body: string | Uint8Array = ''): Buffer => (typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength));
type Handler = Parameters<Parameters<typeof signedBy>[0]>[0];
type Key = Readonly<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
const config = (requestHandler: Handler, credentials: Key = key) => ({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', credentials, maxAttempts: 1, requestHandler: requestHandler as never });
const put = (credentials?: Key) => signedBy((handler) => new S3Client({ ...config(handler, credentials), forcePathStyle: true }).send(new PutObjectCommand({ Bucket: 'data', Key: "in/a=1+b (ü)'s.csv", Body: 'id\n1\n', Metadata: { attempt: '1' } })));
const listAliases = (credentials?: Key) => signedBy((handler) => new KMSClient(config(handler, credentials)).send(new ListAliasesCommand({})));
const getRole = () => signedBy((handler) => new IAMClient(config(handler)).send(new GetRoleCommand({ RoleName: 'r' })));

/** `ok`, or the code and status of the refusal. */
function judge(wire: Wire, now = new Date(), service = 's3'): string {
  try {
    const claim = readClaim(wire, service);
    const { principal, signed } = authenticate(wire, claim, wire.body, world.identities, now);
    decodeBody(wire.body, wire.headers, claim?.service ?? service, signed, wire);
    return principal.kind === 'anonymous' ? 'anonymous' : 'ok';
  } catch (error) {
    const { code, status } = error as { code: string; status: number };
    return `${code} ${status}`;
  }
}
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);

describe('a signature of the AWS SDK', () => {
  it('is right as it comes, for S3 (path encoded once), JSON and query services', async () => {
    expect([judge(await put()), judge(await listAliases()), judge(await getRole())]).toEqual(['ok', 'ok', 'ok']);
  });

  it.each<Readonly<{ because: string; change: (wire: Wire) => void; s3: string; json: string }>>([
    { because: 'changed body', change: (wire) => { wire.body = Buffer.concat([wire.body, Buffer.from('x')]); }, s3: 'XAmzContentSHA256Mismatch 400', json: 'InvalidSignatureException 400' },
    { because: 'changed body with the hash of the new one', change: (wire) => { wire.body = Buffer.from('new'); wire.headers['x-amz-content-sha256'] = createHash('sha256').update('new').digest('hex'); }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'changed signed header', change: (wire) => { wire.headers.host = 'elsewhere'; }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'another path', change: (wire) => { wire.rawPath += 'x'; }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'another parameter', change: (wire) => { wire.rawQuery += '&acl='; }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'another method', change: (wire) => { wire.method = 'DELETE'; }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'another region in the scope', change: (wire) => { wire.headers.authorization = (wire.headers.authorization ?? '').replace('eu-west-1', 'us-east-1'); }, s3: 'SignatureDoesNotMatch 403', json: 'InvalidSignatureException 400' },
    { because: 'unknown access key', change: (wire) => { wire.headers.authorization = (wire.headers.authorization ?? '').replace(key.accessKeyId, 'AKIAIOSFODNN7EXAMPLE'); }, s3: 'InvalidAccessKeyId 403', json: 'UnrecognizedClientException 400' },
    { because: 'a token that belongs to no session', change: (wire) => { wire.headers['x-amz-security-token'] = 'stolen'; }, s3: 'InvalidToken 400', json: 'UnrecognizedClientException 400' },
    { because: 'host not signed', change: (wire) => { wire.headers.authorization = (wire.headers.authorization ?? '').replace(';host', ''); }, s3: 'AuthorizationHeaderMalformed 400', json: 'IncompleteSignatureException 400' },
    { because: 'no signature in it', change: (wire) => { wire.headers.authorization = (wire.headers.authorization ?? '').replace(/, Signature=.*/u, ''); }, s3: 'AuthorizationHeaderMalformed 400', json: 'IncompleteSignatureException 400' },
  ])('is refused with $because', async ({ change, s3, json }) => {
    const [object, aliases] = [await put(), await listAliases()];
    change(object);
    change(aliases);
    expect([judge(object), judge(aliases, new Date(), 'kms')]).toEqual([s3, json]);
  });

  it('is refused when made with another secret', async () => {
    const wrong = { ...key, secretAccessKey: 'wrong' };
    expect([judge(await put(wrong)), judge(await listAliases(wrong))]).toEqual(['SignatureDoesNotMatch 403', 'InvalidSignatureException 400']);
  });

  it('holds for 15 minutes around the clock, and says so in the service’s words', async () => {
    const [object, aliases, iam] = [await put(), await listAliases(), await getRole()];
    expect([judge(object, minutes(14)), judge(object, minutes(-14))]).toEqual(['ok', 'ok']);
    expect([judge(object, minutes(16)), judge(aliases, minutes(16)), judge(iam, minutes(-16))]).toEqual(['RequestTimeTooSkewed 403', 'InvalidSignatureException 400', 'SignatureDoesNotMatch 403']);
  });

  it('leaves no x-amz header to whoever carries the request to S3', async () => {
    const wire = await put();
    wire.headers['x-amz-acl'] = 'public-read';
    expect(judge(wire)).toBe('AccessDenied 403');
  });

  it('of a session needs its token, and ends with it', async () => {
    const session = world.identities.sessionForService(role, 'airflow.amazonaws.com', 's', 900);
    expect(judge(await put(session))).toBe('ok');
    expect(judge(await put({ accessKeyId: session.accessKeyId, secretAccessKey: session.secretAccessKey }))).toBe('InvalidToken 400');
    world.identities.expireSessions();
    expect([judge(await put(session)), judge(await listAliases(session))]).toEqual(['ExpiredToken 400', 'ExpiredTokenException 400']);
  });

  it('may be missing: then the caller is anonymous', async () => {
    const wire = await signedBy((handler) => new S3Client({ ...config(handler), forcePathStyle: true, signer: { sign: (request: unknown) => Promise.resolve(request) } as never }).send(new GetObjectCommand({ Bucket: 'data', Key: 'x' })));
    expect(judge(wire)).toBe('anonymous');
  });
});

describe('aws-chunked uploads', () => {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/gu, '');
  const scope = `${date.slice(0, 8)}/eu-west-1/s3/aws4_request`;
  const hmac = (secret: string | Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest();
  const hash = (data: string): string => createHash('sha256').update(data).digest('hex');
  const signing = [date.slice(0, 8), 'eu-west-1', 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${key.secretAccessKey}`) as Buffer;

  /** Written after AWS's description of the format, not with the front's own code. */
  function chunked(mode: string, chunks: readonly string[], trailer?: Readonly<Record<string, string>>): Wire {
    const headers: Record<string, string> = {
      host: 'h', 'x-amz-content-sha256': mode, 'x-amz-date': date, 'x-amz-decoded-content-length': String(chunks.join('').length), 'content-encoding': 'aws-chunked',
      ...(trailer && { 'x-amz-trailer': Object.keys(trailer).join(',') }),
    };
    const names = Object.keys(headers).sort();
    const canonical = ['PUT', '/data/k', '', ...names.map((name) => `${name}:${headers[name] ?? ''}`), '', names.join(';'), mode].join('\n');
    const seed = hmac(signing, ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\n')).toString('hex');
    let previous = seed, body = '';
    const signs = mode.startsWith('STREAMING-AWS4');
    for (const chunk of [...chunks, '']) {
      previous = hmac(signing, ['AWS4-HMAC-SHA256-PAYLOAD', date, scope, previous, hash(''), hash(chunk)].join('\n')).toString('hex');
      body += `${chunk.length.toString(16)}${signs ? `;chunk-signature=${previous}` : ''}\r\n${chunk}${chunk === '' && trailer ? '' : '\r\n'}`;
    }
    if (trailer) {
      const lines = Object.entries(trailer).map(([name, value]) => `${name}:${value}\n`).join('');
      const signature = hmac(signing, ['AWS4-HMAC-SHA256-TRAILER', date, scope, previous, hash(lines)].join('\n')).toString('hex');
      body += `${lines.replaceAll('\n', '\r\n')}${signs ? `x-amz-trailer-signature:${signature}\r\n` : ''}\r\n`;
    }
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${seed}`;
    return { method: 'PUT', rawPath: '/data/k', rawQuery: '', headers, body: Buffer.from(body) };
  }
  const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', UNSIGNED = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const crc = { 'x-amz-checksum-crc32': checksum('crc32', Buffer.from('hello world')) };
  const swap = (wire: Wire, from: string, to: string): Wire => ({ ...wire, body: Buffer.from(wire.body.toString().replace(from, to)) });

  it.each([
    { is: 'ok', wire: chunked(SIGNED, ['hello ', 'world']), because: 'signed chunks' },
    { is: 'ok', wire: chunked(`${SIGNED}-TRAILER`, ['hello ', 'world'], crc), because: 'signed chunks and trailer' },
    { is: 'ok', wire: chunked(UNSIGNED, ['hello ', 'world'], crc), because: 'unsigned chunks with a checksum' },
    { is: 'SignatureDoesNotMatch 403', wire: swap(chunked(SIGNED, ['hello ', 'world']), 'world', 'w0rld'), because: 'a changed chunk' },
    { is: 'SignatureDoesNotMatch 403', wire: swap(chunked(`${SIGNED}-TRAILER`, ['hello ', 'world'], crc), 'crc32:', 'crc32:A'), because: 'a changed trailer' },
    { is: 'BadDigest 400', wire: swap(chunked(UNSIGNED, ['hello ', 'world'], crc), 'world', 'w0rld'), because: 'a changed chunk under a checksum' },
    { is: 'IncompleteBody 400', wire: swap(chunked(UNSIGNED, ['hello ', 'world'], crc), '5\r\nworld\r\n', ''), because: 'a missing chunk' },
    { is: 'MalformedTrailerError 400', wire: swap(chunked(UNSIGNED, ['hello ', 'world'], crc), 'crc32:', 'crc32c:'), because: 'a trailer that was not announced' },
    { is: 'IncompleteBody 400', wire: { ...chunked(SIGNED, ['hello']), body: Buffer.from('5;chunk') }, because: 'a body cut off' },
  ])('$is: $because', ({ wire, is }) => expect(judge(wire)).toBe(is));

  it('gives the service the content alone, the trailer as a header, and the content’s own encoding', () => {
    const wire = chunked(UNSIGNED, ['hello ', 'world'], crc);
    const { body, headers } = decodeBody(wire.body, { ...wire.headers, 'content-encoding': 'aws-chunked,gzip' }, 's3', undefined, wire);
    expect(body.toString()).toBe('hello world');
    expect(headers).toMatchObject({ ...crc, 'content-encoding': 'gzip', 'content-length': '11' });
  });
});

describe('checksums', () => {
  // The check values of the CRC catalogue (https://reveng.sourceforge.io/crc-catalogue/all.htm) for "123456789"; the hashes by OpenSSL.
  it.each<readonly [ChecksumName, string]>([
    ['crc32', 'cbf43926'], ['crc32c', 'e3069283'], ['crc64nvme', 'ae8b14860a799888'],
    ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'], ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ])('%s', (name, hex) => expect(Buffer.from(checksum(name, Buffer.from('123456789')), 'base64').toString('hex')).toBe(hex));

  it.each(CHECKSUMS)('%s of a body in pieces is that of the whole', (name) => {
    const digest = digestOf(name);
    for (const piece of ['1234', '', '56789']) digest.update(Buffer.from(piece));
    expect(digest.base64()).toBe(checksum(name, Buffer.from('123456789')));
  });
});
