/** Checksums of S3 uploads, for the front and for the object store. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html */
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';

export type ChecksumName = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256';
export const CHECKSUMS: readonly ChecksumName[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'];

/** Over as many pieces as there are; `base64` is what stands in `x-amz-checksum-<name>`, asked for once, at the end. */
export interface Digest { update(bytes: Buffer): void; base64(): string }

export function digestOf(name: ChecksumName): Digest {
  switch (name) {
    case 'crc32': return 'crc32' in zlib ? nativeCrc32(zlib.crc32) : crc32(CRC32_TABLE);
    case 'crc32c': return crc32(CRC32C_TABLE);
    case 'crc64nvme': return crc64nvme();
    case 'sha1':
    case 'sha256': {
      const hash = createHash(name);
      return { update: (bytes) => void hash.update(bytes), base64: () => hash.digest('base64') };
    }
  }
}

/** Of one piece. */
export function checksum(name: ChecksumName, bytes: Buffer): string {
  const digest = digestOf(name);
  digest.update(bytes);
  return digest.base64();
}

function nativeCrc32(next: (bytes: Buffer, value: number) => number): Digest {
  let value = 0;
  return { update: (bytes) => { value = next(bytes, value); }, base64: () => bigEndian(value) };
}

/** Bit by bit for every byte. @param polynomial reflected */
const crc32Table = (polynomial: number): Uint32Array => Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
  return value;
});
/** Where node:zlib has no crc32: before 20.15 and 22.2. */
const CRC32_TABLE = crc32Table(0xedb88320);
/** Castagnoli. */
const CRC32C_TABLE = crc32Table(0x82f63b78);

function crc32(table: Uint32Array): Digest {
  let value = 0xffffffff;
  return {
    update: (bytes) => { for (const byte of bytes) value = (value >>> 8) ^ table[(value ^ byte) & 0xff]!; },
    base64: () => bigEndian(~value),
  };
}

/** CRC-64/NVME, reflected; high and low word of each entry, because JavaScript's integers have 32 bits and BigInt is slow by orders. */
const CRC64_TABLE = (() => {
  const polynomial = 0x9a6c9329ac4bc9b5n;
  const high = new Uint32Array(256), low = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    high[byte] = Number(value >> 32n);
    low[byte] = Number(value & 0xffffffffn);
  }
  return { high, low };
})();

function crc64nvme(): Digest {
  let high = 0xffffffff, low = 0xffffffff;
  return {
    update: (bytes) => {
      for (const byte of bytes) {
        const entry = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ CRC64_TABLE.low[entry]!;
        high = (high >>> 8) ^ CRC64_TABLE.high[entry]!;
      }
    },
    base64: () => bigEndian(~high, ~low),
  };
}

function bigEndian(...words: readonly number[]): string {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32BE(word >>> 0, index * 4));
  return bytes.toString('base64');
}
