/** One place where two JSON values are not the same; `path` is written as a person would: `tables[dag_run].columns`. */
export type Difference = Readonly<{ path: string; before: string; after: string }>;

const ABSENT = '(absent)';

/**
 * Where `after` is not `before`, field by field, in the order of the paths. Members of a list that carry a `name` are matched by
 * it, so that one more table is one line and not a shift of all that follow.
 */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (isNamedList(before) && isNamedList(after)) return members(byName(before), byName(after), (name) => `${path}[${name}]`);
  if (isRecord(before) && isRecord(after)) return members(before, after, (name) => (path ? `${path}.${name}` : name));
  const left = show(before), right = show(after);
  return left === right ? [] : [{ path: path || '(all)', before: left, after: right }];
}

/** At most `limit` lines for an error message. */
export function describeDifferences(found: readonly Difference[], limit = 20): string {
  const lines = found.slice(0, limit).map(({ path, before, after }) => `${path}: ${shorten(before)} → ${shorten(after)}`);
  if (found.length > limit) lines.push(`and ${found.length - limit} more`);
  return lines.join('\n    ');
}

function members(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>, pathOf: (name: string) => string): readonly Difference[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name) => differences(before[name], after[name], pathOf(name)));
}

type Named = Readonly<Record<string, unknown>> & Readonly<{ name: string }>;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNamedList = (value: unknown): value is readonly Named[] => Array.isArray(value) && value.every((one) => isRecord(one) && typeof one.name === 'string');
const byName = (list: readonly Named[]) => Object.fromEntries(list.map((one) => [one.name, one]));
const show = (value: unknown): string => (value === undefined ? ABSENT : JSON.stringify(value));
const shorten = (text: string) => (text.length > 160 ? `${text.slice(0, 157)}…` : text);
