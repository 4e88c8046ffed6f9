/** S3's additional checksums: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { AwsError } from '../../front/contract.js';

export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';
/** `value` is base64, for COMPOSITE followed by "-<parts>". */
export type Checksum = Readonly<{ algorithm: ChecksumAlgorithm; type: ChecksumType; value: string }>;

export const checksumHeader = (algorithm: ChecksumAlgorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;
/** Element and member name: ChecksumCRC32, ChecksumSHA256 … */
export const checksumElement = (algorithm: ChecksumAlgorithm): string => `Checksum${algorithm}`;

/** @throws AwsError InvalidRequest for an algorithm that this store does not know */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const known = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
  if (known === undefined) throw new AwsError('InvalidRequest', `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`);
  return known;
}

/** The checksum that came with a body; the front has compared it with the bytes. @throws AwsError InvalidRequest for more than one */
export function sentChecksum(headers: Readonly<Record<string, string>>): Readonly<{ algorithm: ChecksumAlgorithm; value: string }> | undefined {
  const sent = Object.keys(headers).filter((name) => /^x-amz-checksum-(?!algorithm$|type$|mode$)/u.test(name));
  if (sent.length > 1) throw new AwsError('InvalidRequest', 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  const name = sent[0];
  if (name === undefined) return undefined;
  return { algorithm: checksumAlgorithm(name.slice('x-amz-checksum-'.length)), value: headers[name]! };
}

export interface Digest { update(bytes: Buffer): void; base64(): string }

export function digestOf(algorithm: ChecksumAlgorithm): Digest {
  switch (algorithm) {
    case 'SHA1': case 'SHA256': {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => void hash.update(bytes), base64: () => hash.digest('base64') };
    }
    case 'CRC32': {
      let value = 0;
      return { update: (bytes) => { value = zlibCrc32(bytes, value); }, base64: () => bigEndian(value) };
    }
    case 'CRC32C': return crc32c();
    case 'CRC64NVME': return crc64Nvme();
  }
}

export function checksumOf(algorithm: ChecksumAlgorithm, bytes: Buffer): string {
  const digest = digestOf(algorithm);
  digest.update(bytes);
  return digest.base64();
}

/** Checksum of checksums of an object in parts. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partValues: readonly string[]): string {
  return `${checksumOf(algorithm, Buffer.concat(partValues.map((value) => Buffer.from(value, 'base64'))))}-${partValues.length}`;
}

function bigEndian(...words: readonly number[]): string {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => bytes.writeUInt32BE(word >>> 0, index * 4));
  return bytes.toString('base64');
}

/** Castagnoli polynomial, reflected. */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

function crc32c(): Digest {
  let value = 0xffffffff;
  return {
    update: (bytes) => { for (const byte of bytes) value = (value >>> 8) ^ CRC32C_TABLE[(value ^ byte) & 0xff]!; },
    base64: () => bigEndian(value ^ 0xffffffff),
  };
}

/** NVM Express polynomial, reflected; high and low word of each entry, for JavaScript's integers have 32 bits. */
const CRC64_TABLE = (() => {
  const polynomial = 0x9a6c9329ac4bc9b5n;
  const high = new Uint32Array(256), low = new Uint32Array(256);
  for (let index = 0; index < 256; index += 1) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
})();

function crc64Nvme(): Digest {
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
