import { createHash } from 'node:crypto';

/** JSON with sorted keys and without absent members: two equal values give the same text, however they were put together. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? 'null';
}

/** 64 lower-case hex digits over the UTF-8 text. */
export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export const digestOf = (value: unknown): string => sha256(canonicalJson(value));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  // By code unit, not by locale: the digest must not depend on the runner's language.
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  // A null prototype: an option called "__proto__" is data here, and must not vanish from the digest.
  const result = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of entries) result[key] = sorted(member);
  return result;
}
