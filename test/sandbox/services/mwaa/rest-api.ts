/** InvokeRestApi: one call of Airflow's REST API as the caller's Airflow role. Limits: user guide, "Using the Apache Airflow REST API". */
import type { AirflowRole } from '../../environments/contract.js';
import { AwsError } from '../../front/contract.js';
import type { Orders } from './control.js';
import type { EnvironmentRecord } from './environment-record.js';
import { isObject } from './validator.js';
import { compareVersions } from './versions.js';

const SINCE = '2.4.3';
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 6 * 1024 * 1024;

/**
 * The statuses in which AWS calls an environment "ready to use" (EnvironmentStatus of the service model). While it creates, updates or rolls back AWS
 * promises no web server; the sandbox refuses, so that nothing is built on what may fail.
 */
export const READY: readonly EnvironmentRecord['status'][] = ['AVAILABLE', 'UPDATE_FAILED'];

export type RestInput = Readonly<{ Path: string; Method: string; QueryParameters?: unknown; Body?: unknown }>;

/** @throws AwsError ValidationException, AccessDeniedException, RestApiClientException, RestApiServerException */
export async function invokeRestApi(record: EnvironmentRecord, role: AirflowRole, input: RestInput, orders: Orders, timeoutMs = TIMEOUT_MS): Promise<Readonly<Record<string, unknown>>> {
  const { running, fields, name } = record;
  if (compareVersions(fields.AirflowVersion, SINCE) < 0) throw new AwsError('ValidationException', `InvokeRestApi needs Apache Airflow ${SINCE} or later; ${name} runs ${fields.AirflowVersion}`);
  if (fields.WebserverAccessMode === 'PRIVATE_ONLY')
    throw new AwsError('AccessDeniedException', `Access denied: the Apache Airflow web server of ${name} is private, it can be accessed only within a VPC`, 403);
  if (orders.isOutdated(name)) throw new AwsError('ValidationException', 'Update your environment to use InvokeRestApi');
  if (!READY.includes(record.status) || !running) throw new AwsError('ValidationException', `Environment ${name} is ${record.status}; InvokeRestApi needs it to be AVAILABLE`);

  const request = { method: input.Method, path: input.Path, query: queryOf(input.QueryParameters), body: input.Body === undefined ? undefined : JSON.stringify(input.Body) };
  const answer = await withTimeout(running.rest(role, request), timeoutMs);
  if (Buffer.byteLength(answer.body) > MAX_ANSWER_BYTES) throw serverError(413, { detail: `The response payload size exceeds ${MAX_ANSWER_BYTES} bytes` });
  const envelope = { RestApiStatusCode: answer.status, RestApiResponse: documentOf(answer.body) };
  if (answer.status >= 500) throw serverError(answer.status, envelope.RestApiResponse);
  // Both exceptions are HTTP 400 of the service itself (facts of the model: httpStatusCode 400), whatever Airflow said.
  if (answer.status >= 400) throw new AwsError('RestApiClientException', 'Apache Airflow REST API call failed', 400, envelope);
  return envelope;
}

const serverError = (status: number, response: unknown) =>
  new AwsError('RestApiServerException', 'Apache Airflow REST API call failed', 400, { RestApiStatusCode: status, RestApiResponse: response });

function queryOf(parameters: unknown): URLSearchParams {
  const query = new URLSearchParams();
  if (parameters === undefined) return query;
  if (!isObject(parameters)) throw new AwsError('ValidationException', 'QueryParameters must be a JSON object');
  for (const [key, value] of Object.entries(parameters)) for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) query.append(key, String(one));
  return query;
}

/** Airflow answers 204 with nothing and logs as plain text; the envelope holds JSON. */
function documentOf(body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(serverError(504, { detail: `The Apache Airflow REST API did not answer within ${timeoutMs / 1000} seconds` })), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // after a timeout nobody waits for it any more; its caller has its answer
  }
}
