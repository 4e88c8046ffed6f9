/** Loopback control of a running sandbox, for whoever sits in another process: `POST /_sandbox/faults`, `GET /_sandbox/calls`. */
import type { CallRecord, FrontResponse } from './contract.js';
import { type InjectedFaults, parseFaultRule } from './faults.js';

export const CONTROL_PREFIX = '/_sandbox/';

/**
 * `GET /_sandbox/faults` lists the rules, `POST` adds one rule or a list of them, `DELETE` removes all; `GET /_sandbox/calls` gives the call log.
 * S3 cannot have a bucket of that name (an underscore is not allowed), so no object hides behind it.
 */
export function answerControl(method: string, target: string, body: Buffer, faults: InjectedFaults, calls: readonly CallRecord[]): FrontResponse {
  const [path] = target.split('?');
  if (path === '/_sandbox/calls' && method === 'GET') return json(200, calls);
  if (path !== '/_sandbox/faults') return json(404, { error: 'known are /_sandbox/faults (GET, POST, DELETE) and /_sandbox/calls (GET)' });
  if (method === 'GET') return json(200, faults.rules());
  if (method === 'DELETE') {
    faults.clear();
    return json(200, []);
  }
  if (method !== 'POST') return json(405, { error: 'GET, POST or DELETE' });
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    const rules = (Array.isArray(value) ? value : [value]).map(parseFaultRule);
    rules.forEach((rule) => faults.add(rule));
    return json(200, faults.rules());
  } catch (error) {
    return json(400, { error: error instanceof Error ? error.message : String(error) });
  }
}

const json = (status: number, value: unknown): FrontResponse => ({ status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` });
