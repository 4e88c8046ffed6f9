/** Finds the operation of a REST-JSON request and gathers its input from path, query and body. */
import { AwsError, type FrontRequest } from '../../front/contract.js';
import { type Operation, type ServiceModel, shapeOf } from './service-model.js';
import { isObject, violations } from './validator.js';

export type Call = Readonly<{ operation: Operation; input: Readonly<Record<string, unknown>> }>;

/** @returns the operation and its path labels, still undecoded beyond percent-encoding; undefined when no operation fits */
export function route(model: ServiceModel, method: string, rawPath: string): Readonly<{ operation: Operation; labels: Readonly<Record<string, string>> }> | undefined {
  const given = rawPath.split('/');
  for (const operation of Object.values(model.operations)) {
    const wanted = operation.http.requestUri.split('?')[0]?.split('/') ?? [];
    if (operation.http.method !== method || wanted.length !== given.length || operation.deprecated) continue;
    const labels: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const segment = given[index] ?? '';
      const label = /^\{(\w+)\}$/.exec(part)?.[1];
      if (!label) return part === segment;
      labels[label] = segment;
      return segment !== '';
    });
    if (fits) return { operation, labels };
  }
  return undefined;
}

/** @throws AwsError UnknownOperationException, SerializationException, ValidationException (with every violation at once, as AWS counts them) */
export function readCall(model: ServiceModel, request: FrontRequest): Call {
  const found = route(model, request.method, request.rawPath);
  if (!found) throw new AwsError('UnknownOperationException', `No operation of MWAA is ${request.method} ${request.rawPath}`, 404);
  const { operation, labels } = found;
  const input: Record<string, unknown> = { ...readBody(request) };
  for (const [name, member] of Object.entries(shapeOf(model, operation.input.shape).members ?? {})) {
    const key = member.locationName ?? name;
    if (member.location === 'uri') input[name] = decode(labels[key] ?? '');
    if (member.location === 'querystring' && request.query.has(key)) {
      const type = shapeOf(model, member.shape).type;
      input[name] = type === 'list' ? request.query.getAll(key) : type === 'integer' ? Number(request.query.get(key)) : request.query.get(key);
    }
  }
  const wrong = violations(model, operation.input.shape, input);
  if (wrong.length > 0) throw new AwsError('ValidationException', `${wrong.length} validation error${wrong.length > 1 ? 's' : ''} detected: ${wrong.join('; ')}`);
  // null stands for absence on the wire; the rest of the service knows undefined only.
  return { operation, input: Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined)) };
}

function readBody(request: FrontRequest): Readonly<Record<string, unknown>> {
  if (request.body.length === 0) return {};
  try {
    const body: unknown = JSON.parse(request.body.toString('utf8'));
    if (isObject(body)) return body;
  } catch {
    // Not JSON: answered below like JSON that is no object.
  }
  throw new AwsError('SerializationException', 'The request body is not a JSON object.');
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new AwsError('SerializationException', `The path segment "${segment}" is not percent-encoded UTF-8.`);
  }
}
