/** Reads a request's whole body, takes off its framing and checks every hash that came with it. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodeChunks } from './aws-chunked.js';
import { CHECKSUMS, checksum } from './checksums.js';
import { AwsError } from './contract.js';
import { signatureMismatch } from './refusals.js';
import { sha256Hex, type SignatureClaim } from './sigv4.js';

/** Larger objects go to S3 in parts; the test machines hold a body in memory. */
const MAX_BYTES = 1024 ** 3;

export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new AwsError('EntityTooLarge', `Your proposed upload exceeds the maximum allowed size: this sandbox takes ${MAX_BYTES} bytes in one request`, 400);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

export type Body = Readonly<{ body: Buffer; headers: Readonly<Record<string, string>> }>;

/**
 * @param headers lower-case; those that described the framing are replaced in the result
 * @throws AwsError in S3's words, or SignatureDoesNotMatch of the other services, when the body is not what was signed
 */
export function decodeBody(raw: Buffer, headers: Readonly<Record<string, string>>, service: string,
  signed: Readonly<{ claim: SignatureClaim; secretAccessKey: string }> | undefined, request: Readonly<{ method: string; rawQuery: string }>): Body {
  const declared = headers['x-amz-content-sha256'];
  if (service !== 's3') {
    if (signed && declared !== undefined && declared !== 'UNSIGNED-PAYLOAD' && declared !== sha256Hex(raw)) throw signatureMismatch(service);
    return { body: raw, headers };
  }
  const decoded = declared?.startsWith('STREAMING-') ? unframe(raw, headers, declared, signed) : { body: raw, headers };
  checkHashes(decoded, declared, request);
  return decoded;
}

/** Headers that describe the framing, not the content. */
const FRAMING = ['content-encoding', 'x-amz-trailer', 'x-amz-decoded-content-length', 'transfer-encoding'];

function unframe(raw: Buffer, headers: Readonly<Record<string, string>>, mode: string, signed: Parameters<typeof decodeChunks>[2]): Body {
  const { body, trailers } = decodeChunks(raw, mode, signed);
  if (Number(headers['x-amz-decoded-content-length']) !== body.length)
    throw new AwsError('IncompleteBody', 'You did not provide the number of bytes specified by the Content-Length HTTP header.', 400);
  const promised = (headers['x-amz-trailer'] ?? '').split(',').map((name) => name.trim().toLowerCase()).filter(Boolean);
  if (promised.some((name) => trailers[name] === undefined) || Object.keys(trailers).some((name) => !promised.includes(name)))
    throw new AwsError('MalformedTrailerError', 'The request contained trailing data that was not well-formed or did not conform to our published schema.', 400);
  const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => !FRAMING.includes(name)));
  const ownEncoding = (headers['content-encoding'] ?? '').split(',').map((one) => one.trim()).filter((one) => one !== '' && one !== 'aws-chunked').join(',');
  return { body, headers: { ...rest, ...trailers, 'content-length': String(body.length), ...(ownEncoding && { 'content-encoding': ownEncoding }) } };
}

function checkHashes({ body, headers }: Body, declared: string | undefined, { method, rawQuery }: Readonly<{ method: string; rawQuery: string }>): void {
  if (declared && /^[0-9a-f]{64}$/u.test(declared) && declared !== sha256Hex(body))
    throw new AwsError('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.", 400);
  const md5 = headers['content-md5'];
  if (md5 !== undefined) {
    if (Buffer.from(md5, 'base64').length !== 16) throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.', 400);
    if (md5 !== createHash('md5').update(body).digest('base64')) throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400);
  }
  // With CompleteMultipartUpload the header is the whole object's checksum, not that of the XML in the body.
  if (method === 'POST' && new URLSearchParams(rawQuery).has('uploadId')) return;
  for (const name of CHECKSUMS) {
    const given = headers[`x-amz-checksum-${name}`];
    if (given !== undefined && given !== checksum(name, body))
      throw new AwsError('BadDigest', `The ${name.toUpperCase()} you specified did not match the calculated checksum.`, 400);
  }
}
