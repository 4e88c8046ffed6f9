/** S3's additional checksums: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
import { checksum, digestOf as digestOfName, type Digest } from '../../front/checksums.js';
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

export const digestOf = (algorithm: ChecksumAlgorithm): Digest => digestOfName(nameOf(algorithm));
export const checksumOf = (algorithm: ChecksumAlgorithm, bytes: Buffer): string => checksum(nameOf(algorithm), bytes);
const nameOf = (algorithm: ChecksumAlgorithm) => algorithm.toLowerCase() as Lowercase<ChecksumAlgorithm>;

/** Checksum of checksums of an object in parts. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partValues: readonly string[]): string {
  return `${checksumOf(algorithm, Buffer.concat(partValues.map((value) => Buffer.from(value, 'base64'))))}-${partValues.length}`;
}
