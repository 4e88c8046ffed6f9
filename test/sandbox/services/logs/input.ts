/** Members of a request, checked against the service model's constraints and refused in its words. */
import { AwsError } from '../../front/contract.js';

export const invalidParameter = (message: string): AwsError => new AwsError('InvalidParameterException', message, 400);

const violation = (value: unknown, name: string, constraint: string): AwsError =>
  invalidParameter(`1 validation error detected: Value ${typeof value === 'string' ? `'${value}'` : JSON.stringify(value)} at '${name}' failed to satisfy constraint: ${constraint}`);

type Text = Readonly<{ least?: number; most?: number; pattern?: RegExp }>;
type Range = Readonly<{ least?: number; most?: number }>;

export class Input {
  readonly #members: Readonly<Record<string, unknown>>;
  /** @throws AwsError InvalidParameterException for a member that this sandbox does not act on: silence would be success */
  constructor(members: Readonly<Record<string, unknown>>, operation: string, known: readonly string[]) {
    const unknown = Object.keys(members).find((name) => !known.includes(name) && members[name] !== null && members[name] !== undefined);
    if (unknown !== undefined) throw invalidParameter(`The sandbox's CloudWatch Logs does not know the member ${unknown} of ${operation}.`);
    this.#members = members;
  }

  optionalText(name: string, { least = 0, most = Number.MAX_SAFE_INTEGER, pattern }: Text = {}): string | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw new AwsError('SerializationException', `${name} is no string`, 400);
    if (value.length < least) throw violation(value, name, `Member must have length greater than or equal to ${least}`);
    if (value.length > most) throw violation(value, name, `Member must have length less than or equal to ${most}`);
    if (pattern && !pattern.test(value)) throw violation(value, name, `Member must satisfy regular expression pattern: ${pattern.source.replace(/^\^(.*)\$$/u, '$1')}`);
    return value;
  }
  text(name: string, constraint: Text = {}): string {
    const value = this.optionalText(name, constraint);
    if (value === undefined) throw violation(null, name, 'Member must not be null');
    return value;
  }
  optionalNumber(name: string, { least = 0, most = Number.MAX_SAFE_INTEGER }: Range = {}): number | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw new AwsError('SerializationException', `${name} is no whole number`, 400);
    if (value < least) throw violation(String(value), name, `Member must have value greater than or equal to ${least}`);
    if (value > most) throw violation(String(value), name, `Member must have value less than or equal to ${most}`);
    return value;
  }
  flag(name: string): boolean | undefined {
    const value = this.#members[name] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean') throw new AwsError('SerializationException', `${name} is no boolean`, 400);
    return value;
  }
  list(name: string, { least = 0, most = Number.MAX_SAFE_INTEGER }: Range = {}): readonly unknown[] | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw new AwsError('SerializationException', `${name} is no list`, 400);
    if (value.length < least) throw violation(`${value.length} members`, name, `Member must have length greater than or equal to ${least}`);
    if (value.length > most) throw violation(`${value.length} members`, name, `Member must have length less than or equal to ${most}`);
    return value;
  }
  /** A map of strings of 1 to 50 tags. */
  tags(name: string): ReadonlyMap<string, string> | undefined {
    const value = this.#members[name] ?? undefined;
    if (value === undefined) return undefined;
    const pairs = Object.entries(value as Record<string, unknown>);
    if (pairs.length < 1 || pairs.length > 50) throw violation(`${pairs.length} members`, name, 'Member must have length between 1 and 50');
    for (const [key, text] of pairs) {
      if (typeof text !== 'string' || key.length < 1 || key.length > 128 || text.length > 256) throw violation(key, name, 'Map keys must have 1 to 128 characters and values at most 256');
      if (/^aws:/iu.test(key)) throw invalidParameter('Tag keys may not begin with aws:');
    }
    return new Map(pairs as [string, string][]);
  }
}

export const GROUP_NAME: Text = { least: 1, most: 512, pattern: /^[.\-_/#A-Za-z0-9]+$/u };
export const STREAM_NAME: Text = { least: 1, most: 512, pattern: /^[^:*]*$/u };
