/**
 * The `aws-chunked` framing of S3 uploads.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …/sigv4-streaming-trailers.html
 */
import { AwsError } from './contract.js';
import { credentialScope, hmac, sameSignature, sha256Hex, type SignatureClaim, signingKey } from './sigv4.js';
import { signatureMismatch } from './refusals.js';

export type Decoded = Readonly<{ body: Buffer; trailers: Readonly<Record<string, string>> }>;

const incomplete = (): AwsError => new AwsError('IncompleteBody', 'The request body terminated unexpectedly', 400);

/**
 * @param mode the value of x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD[-TRAILER] signs every chunk, STREAMING-UNSIGNED-PAYLOAD-TRAILER none
 * @param claim, secretAccessKey of the request, whose own signature starts the chain; undefined only when it is not signed
 */
export function decodeChunks(raw: Buffer, mode: string, signed: Readonly<{ claim: SignatureClaim; secretAccessKey: string }> | undefined): Decoded {
  const signs = mode.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
  if (signs && !signed) throw signatureMismatch('s3');
  const chain = signs && signed ? createChain(signed.claim, signed.secretAccessKey) : undefined;
  const chunks: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', position, 'latin1');
    if (lineEnd < 0) throw incomplete();
    const [, hex, signature] = /^([0-9a-fA-F]+)(?:;chunk-signature=([0-9a-f]{64}))?$/u.exec(raw.toString('latin1', position, lineEnd)) ?? [];
    if (hex === undefined) throw incomplete();
    const size = Number.parseInt(hex, 16);
    const data = raw.subarray(lineEnd + 2, lineEnd + 2 + size);
    if (data.length < size) throw incomplete();
    chain?.checkChunk(data, signature ?? '');
    position = lineEnd + 2 + size;
    if (size === 0) break;
    if (raw.toString('latin1', position, position + 2) !== '\r\n') throw incomplete();
    position += 2;
    chunks.push(data);
  }
  const lines = raw.toString('utf8', position).split('\r\n').flatMap((line) => line.split('\n')).filter(Boolean);
  const trailers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  }));
  const { 'x-amz-trailer-signature': trailerSignature, ...rest } = trailers;
  if (chain && mode.endsWith('-TRAILER')) chain.checkTrailer(rest, trailerSignature ?? '');
  return { body: Buffer.concat(chunks), trailers: rest };
}

/** Each signature covers the one before it, so that chunks can be neither changed nor moved. */
function createChain(claim: SignatureClaim, secretAccessKey: string) {
  const key = signingKey(secretAccessKey, claim);
  let previous = claim.signature;
  const check = (kind: string, covered: readonly string[], signature: string): void => {
    const expected = hmac(key, [kind, claim.date, credentialScope(claim), previous, ...covered].join('\n')).toString('hex');
    if (!sameSignature(expected, signature)) throw signatureMismatch('s3');
    previous = expected;
  };
  return {
    checkChunk: (data: Buffer, signature: string): void => check('AWS4-HMAC-SHA256-PAYLOAD', [sha256Hex(''), sha256Hex(data)], signature),
    checkTrailer: (trailers: Readonly<Record<string, string>>, signature: string): void =>
      check('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(Object.entries(trailers).map(([name, value]) => `${name}:${value}\n`).join(''))], signature),
  };
}
