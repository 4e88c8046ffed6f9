/** Encrypt, Decrypt and data keys: real AES-256-GCM with the encryption context as additional data, so that a wrong context really fails. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AwsError } from '../../front/contract.js';
import type { EncryptionContext, Key } from './keys.js';
import { authorizedKey, type KmsCall, type KmsOperation, optionalText, text, textMap } from './request.js';

/** Encrypt's limit for a symmetric key (https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html). */
const MAX_PLAINTEXT_BYTES = 4096;
const IV_BYTES = 12, TAG_BYTES = 16;

export const CRYPTOGRAPHY: Readonly<Record<string, KmsOperation>> = {
  Encrypt(call) {
    const key = usableKey(call, 'Encrypt');
    const plaintext = Buffer.from(text(call, 'Plaintext'), 'base64');
    if (plaintext.length > MAX_PLAINTEXT_BYTES)
      throw new AwsError('ValidationException', `1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to ${MAX_PLAINTEXT_BYTES}`, 400);
    return { CiphertextBlob: seal(key, plaintext, contextOf(call)).toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  },

  Decrypt(call) {
    const blob = parse(Buffer.from(text(call, 'CiphertextBlob'), 'base64'));
    const key = call.store.keys.get(blob.keyArn);
    // One answer for "no such key", "other region" and "not yours", so that nobody learns which.
    const unknown = new AwsError('AccessDeniedException', 'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.', 400);
    if (!key || key.region !== call.region) throw unknown;
    const wanted = optionalText(call, 'KeyId');
    if (wanted !== undefined && call.store.find(wanted, call.account, call.region).arn !== key.arn)
      throw new AwsError('IncorrectKeyException', 'The key ID in the request does not identify a CMK that can perform this operation.', 400);
    call.store.authorize(call.principal, 'kms:Decrypt', key, { encryptionContext: contextOf(call) });
    call.store.requireUsable(key);
    return { Plaintext: open(key, blob, contextOf(call)).toString('base64'), KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  },

  GenerateDataKey(call) {
    const { key, plaintext } = dataKey(call, 'GenerateDataKey');
    return { CiphertextBlob: seal(key, plaintext, contextOf(call)).toString('base64'), Plaintext: plaintext.toString('base64'), KeyId: key.arn };
  },

  GenerateDataKeyWithoutPlaintext(call) {
    const { key, plaintext } = dataKey(call, 'GenerateDataKeyWithoutPlaintext');
    return { CiphertextBlob: seal(key, plaintext, contextOf(call)).toString('base64'), KeyId: key.arn };
  },
};

const contextOf = ({ input }: KmsCall): EncryptionContext => textMap(input.EncryptionContext);

function usableKey(call: KmsCall, action: string): Key {
  const key = authorizedKey(call, action, { encryptionContext: contextOf(call) });
  call.store.requireUsable(key);
  return key;
}

function dataKey(call: KmsCall, action: string): Readonly<{ key: Key; plaintext: Buffer }> {
  const { KeySpec: spec, NumberOfBytes: bytes } = call.input;
  if ((spec === undefined) === (bytes === undefined)) throw new AwsError('ValidationException', 'Please specify either number of bytes or key spec.', 400);
  const length = spec === 'AES_256' ? 32 : spec === 'AES_128' ? 16 : Number(bytes);
  if (!Number.isInteger(length) || length < 1 || length > 1024) throw new AwsError('ValidationException', 'NumberOfBytes must be between 1 and 1024', 400);
  return { key: usableKey(call, action), plaintext: randomBytes(length) };
}

/** Blob: length of the key's ARN (1 byte), the ARN, IV, tag, ciphertext. */
function seal(key: Key, plaintext: Buffer, context: EncryptionContext): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key.material, iv).setAAD(canonical(context));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.from([key.arn.length]), Buffer.from(key.arn), iv, cipher.getAuthTag(), ciphertext]);
}

type Blob = Readonly<{ keyArn: string; iv: Buffer; tag: Buffer; ciphertext: Buffer }>;

function parse(blob: Buffer): Blob {
  const start = 1 + (blob[0] ?? 0);
  if (blob.length < start + IV_BYTES + TAG_BYTES) throw new AwsError('InvalidCiphertextException', '', 400);
  const [iv, tag] = [blob.subarray(start, start + IV_BYTES), blob.subarray(start + IV_BYTES, start + IV_BYTES + TAG_BYTES)];
  const keyArn = blob.toString('latin1', 1, start);
  if (!keyArn.startsWith('arn:')) throw new AwsError('InvalidCiphertextException', '', 400);
  return { keyArn, iv, tag, ciphertext: blob.subarray(start + IV_BYTES + TAG_BYTES) };
}

function open(key: Key, { iv, tag, ciphertext }: Blob, context: EncryptionContext): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.material, iv).setAAD(canonical(context)).setAuthTag(tag);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    throw new AwsError('InvalidCiphertextException', '', 400); // as bare as KMS says it
  }
}

/** The order of a context's pairs does not count. */
const canonical = (context: EncryptionContext): Buffer => Buffer.from(JSON.stringify(Object.entries(context).sort(([one], [other]) => (one < other ? -1 : 1))));
