import { createHash, createPublicKey } from 'node:crypto';
import type { Envelope, KeypairData } from '../airflow/protocol.js';
import { UserError } from '../errors.js';
import type { TargetEnvironment } from '../ports.js';

/**
 * The one-time key's public half, read from the target by REST and not from S3: whoever can write to the bucket must not be able to
 * slip in a key of his own.
 */
export async function readPublicKey(target: Pick<TargetEnvironment, 'readVariable' | 'name'>, { variable, fingerprint }: KeypairData): Promise<Envelope> {
  const publicKeyPem = await target.readVariable(variable);
  if (publicKeyPem === undefined)
    throw new UserError(`Variable ${variable} is not on ${target.name}.`, 'the public key for variables should have been made there a moment ago.', 'run phase export again; if it is missing again, look whether something deletes variables there.');
  if (fingerprintOf(publicKeyPem) !== fingerprint)
    throw new UserError(`The public key on ${target.name} is not the one that was made there: its fingerprint differs.`, 'variables would be readable by whoever holds the other key, so nothing was exported.', 'find out who wrote that variable, then run phase export again.');
  return { wrap: 'rsa', publicKeyPem, fingerprint };
}

/** SHA-256 of the DER SubjectPublicKeyInfo, 64 lower-case hex digits. undefined: no public key at all. */
export function fingerprintOf(pem: string): string | undefined {
  try {
    return createHash('sha256').update(createPublicKey(pem).export({ type: 'spki', format: 'der' })).digest('hex');
  } catch {
    return undefined; // The caller says that the fingerprint differs.
  }
}
