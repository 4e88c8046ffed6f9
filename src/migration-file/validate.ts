/** Mistakes against the schema, each in one sentence that says what would be right. */
import { Ajv, type ErrorObject } from 'ajv';
import { didYouMean } from '../suggest.js';
import schema from './schema.json' with { type: 'json' };

/** `path`: keys from the root. `onKey: false`: it is the value that is wrong, and shown. */
export type Mistake = Readonly<{ path: readonly string[]; text: string; onKey?: boolean }>;

type Node = Readonly<Record<string, unknown>>;

export function mistakesIn(value: unknown): readonly Mistake[] {
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(['x-default', 'x-later', 'x-later-values']);
  const validate = ajv.compile(schema);
  if (validate(value)) return [];
  const all = (validate.errors ?? []).map(describe);
  // One value, one sentence: anyOf reports each branch and itself.
  return all.filter((mistake, index) => all.findIndex((other) => other.path.join('\0') === mistake.path.join('\0') && other.text === mistake.text) === index);
}

function describe(error: ErrorObject): Mistake {
  const path = error.instancePath.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const parent = (error.parentSchema ?? {}) as Node;
  const name = path.join('.');
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys((parent['properties'] ?? {}) as Node);
      return { path: [...path, key], text: `unknown key "${key}"${name ? ` in ${name}` : ''}${didYouMean(key, known)}; allowed: ${known.join(', ')}` };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      const wanted = ((parent['properties'] ?? {}) as Readonly<Record<string, Node>>)[key];
      return { path, text: `${[...path, key].join('.')} is missing${wanted?.['description'] ? `: ${String(wanted['description'])}` : ''}` };
    }
    case 'propertyNames': {
      const key = String(params['propertyName']);
      const { enum: allowed } = (parent['propertyNames'] ?? {}) as { enum?: readonly string[] };
      const right = allowed ? `${didYouMean(key, allowed)}; allowed: ${allowed.join(', ')}` : ' is no name of an Airflow option (section.key, small letters, digits, _ and .)';
      return { path: [...path, key], text: `"${key}" in ${name}${right}` };
    }
    case 'not':
      return { path, text: `${name} is not part of this release` };
    default: {
      // propertyNames reports the inner failure too, with the key as data; the outer one says it better.
      if ('propertyName' in error && error.propertyName !== undefined) return { path: [...path, error.propertyName], text: describeName(error, name) };
      return { path, onKey: false, text: `${name}: ${wrongValue(error.data, rightSchema(path) ?? parent, path[1] === 'configuration')}` };
    }
  }
}

const describeName = (error: ErrorObject, name: string): string => {
  const key = String((error as { propertyName?: string }).propertyName);
  const allowed = (error.parentSchema as { enum?: readonly string[] } | undefined)?.enum;
  return allowed ? `"${key}" in ${name}${didYouMean(key, allowed)}; allowed: ${allowed.join(', ')}` : `"${key}" in ${name} is no name of an Airflow option (section.key, small letters, digits, _ and .)`;
};

/** The schema of a value by its keys; for an entry of an open map, that of its values. */
function rightSchema(path: readonly string[]): Node | undefined {
  let node: Node | undefined = schema as Node;
  for (const key of path) {
    const properties = (node?.['properties'] ?? {}) as Readonly<Record<string, Node>>;
    const open: unknown = node?.['additionalProperties'] ?? node?.['items'];
    node = properties[key] ?? (typeof open === 'object' && open !== null ? (open as Node) : undefined);
  }
  return node;
}

/** @param isHidden values of Airflow options may be secrets and are never shown */
function wrongValue(data: unknown, right: Node, isHidden: boolean): string {
  if (isHidden) return `a ${Array.isArray(data) ? 'list' : typeof data} is not allowed (or the text is too long); allowed: a text in quotes, or null`;
  const later = right['x-later-values'];
  if (Array.isArray(later) && later.includes(data)) return `"${String(data)}" is not part of this release; ${allowed(right)}`;
  const quoted = typeof data === 'number' || typeof data === 'boolean' ? (acceptsText(right) ? ` as a ${typeof data}: put it in quotes` : '') : '';
  const enumeration = Array.isArray(right['enum']) ? (right['enum'] as readonly string[]) : [];
  return `${shown(data)} is not allowed${typeof data === 'string' ? didYouMean(data, enumeration) : ''}${quoted}; ${allowed(right)}`;
}

const acceptsText = (right: Node): boolean => [right['type']].flat().includes('string');


function shown(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'a list';
  if (typeof data === 'object') return 'a set of keys';
  const text = JSON.stringify(data);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function allowed(right: Node): string {
  if (Array.isArray(right['enum'])) return `allowed: ${right['enum'].join(', ')}`;
  if (right['const'] !== undefined) return `allowed: ${String(right['const'])}`;
  if (Array.isArray(right['anyOf'])) return `allowed: ${right['anyOf'].map((one) => allowed(one as Node).replace(/^allowed: /u, '')).join(' or ')}`;
  switch (right['type']) {
    case 'integer': return `allowed: a whole number from ${String(right['minimum'])} to ${String(right['maximum'])}`;
    case 'boolean': return 'allowed: true, false';
    case 'array': return 'allowed: a list of texts';
    case 'object': return 'allowed: a set of keys';
    default: return right['description'] ? `it is: ${String(right['description'])}` : 'allowed: a text';
  }
}
