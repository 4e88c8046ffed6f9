import { createCipheriv, createHmac, randomBytes } from 'node:crypto';

/** 32 random bytes: 16 for the signature, 16 for the cipher (https://github.com/fernet/spec). */
export const newFernetKey = (): string => `${randomBytes(32).toString('base64url')}=`;

/** One Fernet token, as Airflow stores a Variable's value. */
export function encrypt(fernetKey: string, text: string): string {
  const key = Buffer.from(fernetKey, 'base64url'), iv = randomBytes(16), time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000)));
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
  const signed = Buffer.concat([Buffer.from([0x80]), time, iv, cipher.update(text, 'utf8'), cipher.final()]);
  const token = Buffer.concat([signed, createHmac('sha256', key.subarray(0, 16)).update(signed).digest()]).toString('base64url');
  return token.padEnd(Math.ceil(token.length / 4) * 4, '=');
}
