/** Checksums of S3 uploads. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';

export type ChecksumName = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256';
export const CHECKSUMS: readonly ChecksumName[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'];

/** Base64, as it stands in `x-amz-checksum-<name>`. */
export function checksum(name: ChecksumName, data: Buffer): string {
  switch (name) {
    case 'crc32': return 'crc32' in zlib ? base64Of(zlib.crc32(data)) : crc32(data, 0xedb88320);
    case 'crc32c': return crc32(data, 0x82f63b78);
    case 'crc64nvme': return crc64nvme(data);
    case 'sha1':
    case 'sha256': return createHash(name).update(data).digest('base64');
  }
}

/** For crc32c, and for crc32 where node:zlib has none (before 20.15 and 22.2). @param polynomial reflected */
function crc32(data: Buffer, polynomial: number): string {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    return value >>> 0;
  });
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return base64Of((crc ^ 0xffffffff) >>> 0);
}

function base64Of(crc: number): string {
  const result = Buffer.alloc(4);
  result.writeUInt32BE(crc);
  return result.toString('base64');
}

/** CRC-64/NVME, reflected polynomial 0x9a6c9329ac4bc9b5, in two 32-bit halves because BigInt is slow by orders. */
function crc64nvme(data: Buffer): string {
  const polynomialHigh = 0x9a6c9329, polynomialLow = 0xac4bc9b5;
  const tableHigh = new Uint32Array(256), tableLow = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let high = 0, low = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = low & 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (odd) {
        low = (low ^ polynomialLow) >>> 0;
        high = (high ^ polynomialHigh) >>> 0;
      }
    }
    tableHigh[byte] = high;
    tableLow[byte] = low;
  }
  let high = 0xffffffff, low = 0xffffffff;
  for (const byte of data) {
    const index = (low ^ byte) & 0xff;
    low = (((low >>> 8) | (high << 24)) ^ (tableLow[index] ?? 0)) >>> 0;
    high = ((high >>> 8) ^ (tableHigh[index] ?? 0)) >>> 0;
  }
  const result = Buffer.alloc(8);
  result.writeUInt32BE(~high >>> 0, 0);
  result.writeUInt32BE(~low >>> 0, 4);
  return result.toString('base64');
}
