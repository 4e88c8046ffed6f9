/** The Condition element. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
import { BlockList, isIP } from 'node:net';
import { type Context, matchesArn, matchesGlob, substitute } from './patterns.js';

/** Whether one value of the policy fits one value of the request. */
type Comparison = (wanted: string, given: string, variables: Context | undefined) => boolean;

const text = (compare: (wanted: string, given: string) => boolean): Comparison => (wanted, given, variables) => {
  const value = substitute(wanted, variables);
  return value !== undefined && compare(value, given);
};
const number = (compare: (wanted: number, given: number) => boolean): Comparison => (wanted, given) =>
  wanted.trim() !== '' && given.trim() !== '' && compare(Number(wanted), Number(given));
const date = (compare: (wanted: number, given: number) => boolean): Comparison => (wanted, given) => compare(milliseconds(wanted), milliseconds(given));

/** ISO 8601, or seconds since the epoch. */
const milliseconds = (value: string): number => (/^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value));

const OPERATORS: Readonly<Record<string, Comparison>> = {
  StringEquals: text((wanted, given) => wanted === given),
  StringEqualsIgnoreCase: text((wanted, given) => wanted.toLowerCase() === given.toLowerCase()),
  StringLike: matchesGlob,
  NumericEquals: number((wanted, given) => given === wanted),
  NumericLessThan: number((wanted, given) => given < wanted),
  NumericLessThanEquals: number((wanted, given) => given <= wanted),
  NumericGreaterThan: number((wanted, given) => given > wanted),
  NumericGreaterThanEquals: number((wanted, given) => given >= wanted),
  DateEquals: date((wanted, given) => given === wanted),
  DateLessThan: date((wanted, given) => given < wanted),
  DateLessThanEquals: date((wanted, given) => given <= wanted),
  DateGreaterThan: date((wanted, given) => given > wanted),
  DateGreaterThanEquals: date((wanted, given) => given >= wanted),
  Bool: text((wanted, given) => wanted.toLowerCase() === given.toLowerCase()),
  BinaryEquals: (wanted, given) => Buffer.from(wanted, 'base64').equals(Buffer.from(given, 'base64')),
  IpAddress: text(isInRange),
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
};

/** Negated operator → the one that it negates. */
const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals', StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase', StringNotLike: 'StringLike', NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals', NotIpAddress: 'IpAddress', ArnNotEquals: 'ArnEquals', ArnNotLike: 'ArnLike',
};

type Operator = Readonly<{ compare: Comparison; negated: boolean; ifExists: boolean; set: 'ForAllValues' | 'ForAnyValue' | undefined }>;

/** undefined: AWS knows no such operator. `Null` is known and has its own rule. */
export function parseOperator(name: string): Operator | 'Null' | undefined {
  if (name === 'Null') return 'Null';
  const [, set, base = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/u.exec(name) ?? [];
  const compare = OPERATORS[NEGATED[base] ?? base];
  if (!compare) return undefined;
  return { compare, negated: base in NEGATED, ifExists: ifExists !== undefined, set: set as Operator['set'] };
}

/**
 * All operators and all keys have to hold; one of several values is enough.
 * @param variables the context for `${…}`, undefined for policies of version 2008-10-17
 */
export function conditionsHold(condition: unknown, context: Context, variables: Context | undefined): boolean {
  if (condition === undefined) return true;
  return Object.entries(condition as Record<string, Record<string, unknown>>).every(([name, keys]) => {
    const operator = parseOperator(name);
    return Object.entries(keys).every(([key, wanted]) => {
      const given = context[key.toLowerCase()];
      const values = listOf(wanted);
      if (operator === 'Null') return values.some((value) => value.toLowerCase() === String(given === undefined || given.length === 0));
      return operator !== undefined && holds(operator, values, given, variables);
    });
  });
}

function holds({ compare, negated, ifExists, set }: Operator, wanted: readonly string[], given: readonly string[] | undefined, variables: Context | undefined): boolean {
  if (given === undefined || given.length === 0) return ifExists || set === 'ForAllValues' || (negated && set !== 'ForAnyValue');
  const fits = (value: string): boolean => wanted.some((one) => compare(one, value, variables)) !== negated;
  if (set === 'ForAnyValue') return given.some(fits);
  // Without a set operator AWS expects one value; where a key has several, a negated operator must not hold because of one of them.
  return set === 'ForAllValues' || negated ? given.every(fits) : given.some(fits);
}

/** A scalar or a list, as texts: JSON's true and 5 mean "true" and "5". */
export function listOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(String);
}

function isInRange(range: string, address: string): boolean {
  const [network = '', prefix] = range.split('/');
  const plain = address.replace(/^::ffff:(?=\d+\.)/u, '');
  const family = isIP(network);
  if (family === 0 || family !== isIP(plain)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix), kind);
  return list.check(plain, kind);
}
