/**
 * GitHub's own description of its REST API (npm @octokit/openapi), asked about one call at a time: is the request one that GitHub knows, and is
 * the answer one that GitHub could give? What is not described is wrong, so that neither side of a test can agree on something of its own.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv, type ValidateFunction } from 'ajv';
import * as formats from 'ajv-formats';

type Json = Readonly<Record<string, unknown>>;
type Operation = Readonly<{ parameters?: readonly Json[]; requestBody?: Json; responses: Json }>;

export type ApiDescription = Readonly<{
  /** @returns what is wrong with the request, in words; empty: nothing. @param template as in the description: /repos/{owner}/{repo}/… */
  wrongRequest(method: string, template: string, query: URLSearchParams, body: unknown): readonly string[];
  /** @returns what is wrong with the answer */
  wrongAnswer(method: string, template: string, status: number, body: unknown): readonly string[];
  /** The description's own example of this name, to build answers from. */
  example(name: string): Json;
}>;

/** Statuses that GitHub gives to any call, and describes once for all of them: bad credentials, no permission, rate limits, its own failures. */
const ANYWHERE: readonly number[] = [400, 401, 403, 404, 422, 429, 500, 502, 503];

export function readApiDescription(): ApiDescription {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  const document = JSON.parse(readFileSync(file, 'utf8')) as Json;
  const ajv = new Ajv({ strict: false, allErrors: true });
  (formats.default as unknown as (instance: Ajv) => void)(ajv);
  const compiled = new Map<string, ValidateFunction>();

  const at = (pointer: string): unknown => pointer.split('/').slice(1).reduce<unknown>((value, name) => (value as Json)[name.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  const resolved = (value: Json): Json => (typeof value['$ref'] === 'string' ? (at(value['$ref'].slice(1)) as Json) : value);
  const operation = (method: string, template: string): Operation => {
    const found = (document['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>)[template]?.[method.toLowerCase()];
    if (!found) throw new Error(`GitHub describes no ${method} ${template}.`);
    return found;
  };
  const validator = (key: string, schema: unknown): ValidateFunction => {
    const known = compiled.get(key);
    if (known) return known;
    const made = ajv.compile(selfContained(schema, at));
    compiled.set(key, made);
    return made;
  };
  const wrong = (key: string, schema: unknown, value: unknown): readonly string[] => {
    const validate = validator(key, schema);
    return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${key} ${instancePath || '/'} ${message ?? ''}`);
  };

  return {
    wrongRequest(method, template, query, body) {
      const { parameters = [], requestBody } = operation(method, template);
      const named = parameters.map(resolved).filter((parameter) => parameter['in'] === 'query');
      const key = `${method} ${template} request`;
      const problems = [...query.keys()].filter((name) => !named.some((parameter) => parameter['name'] === name)).map((name) => `${key}: no query parameter "${name}" is described`);
      const schema = bodySchema(requestBody);
      if (schema === undefined) return body === undefined ? problems : [...problems, `${key}: it takes no body`];
      if (body === undefined) return requestBody?.['required'] === true ? [...problems, `${key}: the body is missing`] : problems;
      const properties = (schema as Json)['properties'];
      const unknown = typeof body === 'object' && body !== null && properties ? Object.keys(body).filter((name) => !Object.hasOwn(properties as Json, name)) : [];
      return [...problems, ...unknown.map((name) => `${key}: no property "${name}" is described`), ...wrong(key, schema, body)];
    },
    wrongAnswer(method, template, status, body) {
      const { responses } = operation(method, template);
      const described = responses[String(status)];
      const key = `${method} ${template} ${status}`;
      if (!described) return ANYWHERE.includes(status) ? wrong('basic error', { $ref: '#/components/schemas/basic-error' }, body) : [`${key}: this status is not described`];
      const schema = bodySchema(resolved(described as Json));
      if (schema === undefined) return body === undefined ? [] : [`${key}: it has no body`];
      return wrong(key, schema, body);
    },
    example: (name) => structuredClone((at(`/components/examples/${name}`) as Json)['value']) as Json,
  };
}

function bodySchema(holder: Json | undefined): unknown {
  const content = holder?.['content'] as Json | undefined;
  return (content?.['application/json'] as Json | undefined)?.['schema'];
}

/** The schema with everything that it refers to, in JSON Schema's words: OpenAPI 3.0 says `nullable` where JSON Schema says type null. */
function selfContained(schema: unknown, at: (pointer: string) => unknown): Json {
  const definitions: Record<string, unknown> = {};
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== 'object' || value === null) return value;
    const { nullable, $ref: reference, ...rest } = value as Json;
    if (typeof reference === 'string') {
      const name = reference.split('/').at(-1) ?? reference;
      if (!Object.hasOwn(definitions, name)) {
        definitions[name] = true; // a schema may refer to itself
        definitions[name] = convert(at(reference.slice(1)));
      }
      return { $ref: `#/definitions/${name}` };
    }
    const converted = Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'example' && name !== 'discriminator').map(([name, one]) => [name, convert(one)]));
    return nullable === true ? { anyOf: [converted, { type: 'null' }] } : converted;
  };
  const root = convert(schema) as Json;
  return { ...root, definitions };
}
