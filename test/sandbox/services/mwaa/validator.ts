/** Holds a value against a shape of the service model; the sentences are those of AWS's own request validation. */
import { type ServiceModel, type Shape, shapeOf } from './service-model.js';

/**
 * @param value as parsed from JSON (timestamps are epoch seconds)
 * @returns what is wrong, one sentence each; empty when the value fits
 */
export function violations(model: ServiceModel, shapeName: string, value: unknown, at = ''): readonly string[] {
  const shape = shapeOf(model, shapeName);
  if (shape.document) return [];
  const failed = (constraint: string) => [`Value ${quote(value)} at '${at || shapeName}' failed to satisfy constraint: ${constraint}`];
  switch (shape.type) {
    case 'structure': {
      if (!isObject(value)) return failed('Member must be a structure');
      const members = shape.members ?? {};
      return [
        ...(shape.required ?? []).filter((name) => value[name] === undefined || value[name] === null)
          .map((name) => `Value null at '${join(at, name)}' failed to satisfy constraint: Member must not be null`),
        ...Object.entries(value).filter(([, entry]) => entry !== undefined && entry !== null).flatMap(([name, entry]) => {
          const member = members[name];
          return member ? violations(model, member.shape, entry, join(at, name)) : [`'${join(at, name)}' is not a member of ${shapeName}`];
        }),
      ];
    }
    case 'map':
      if (!isObject(value)) return failed('Member must be a map');
      return [
        ...outside(shape, Object.keys(value).length, 'size').flatMap(failed),
        ...Object.entries(value).flatMap(([key, entry]) => [
          ...(shape.key ? violations(model, shape.key.shape, key, `${at}.key`) : []),
          ...(shape.value ? violations(model, shape.value.shape, entry, join(at, key)) : []),
        ]),
      ];
    case 'list':
      if (!Array.isArray(value)) return failed('Member must be a list');
      return [
        ...outside(shape, value.length, 'length').flatMap(failed),
        ...value.flatMap((entry: unknown, index) => (shape.member ? violations(model, shape.member.shape, entry, `${at}.${index + 1}.member`) : [])),
      ];
    case 'string':
      if (typeof value !== 'string') return failed('Member must be a string');
      return [
        ...outside(shape, [...value].length, 'length').flatMap(failed),
        ...(shape.enum && !shape.enum.includes(value) ? failed(`Member must satisfy enum value set: [${shape.enum.join(', ')}]`) : []),
        ...(shape.pattern && !matches(shape.pattern, value) ? failed(`Member must satisfy regular expression pattern: ${shape.pattern}`) : []),
      ];
    case 'integer':
      return Number.isInteger(value) ? outside(shape, Number(value), 'value').flatMap(failed) : failed('Member must be an integer');
    case 'double':
    case 'timestamp':
      return typeof value === 'number' ? [] : failed('Member must be a number');
    case 'boolean':
      return typeof value === 'boolean' ? [] : failed('Member must be a boolean');
  }
}

function outside(shape: Shape, size: number, what: 'length' | 'size' | 'value'): readonly string[] {
  const subject = what === 'value' ? 'Member must have value' : `Member must have ${what}`;
  return [
    ...(shape.min !== undefined && size < shape.min ? [`${subject} greater than or equal to ${shape.min}`] : []),
    ...(shape.max !== undefined && size > shape.max ? [`${subject} less than or equal to ${shape.max}`] : []),
  ];
}

/** Patterns of the model are Java's: they cover the whole value, and `\p{…}` needs JavaScript's Unicode mode. */
const matches = (pattern: string, value: string) => new RegExp(`^(?:${pattern})$`, pattern.includes('\\p{') ? 'u' : '').test(value);

const join = (at: string, name: string) => (at ? `${at}.${name}` : name);
const quote = (value: unknown) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
