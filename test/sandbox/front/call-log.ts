/** The front's memory of every call it answered; tests read "nothing was changed" and "who asked for what" from it. */
import { appendFileSync } from 'node:fs';
import type { CallRecord, FrontRequest } from './contract.js';

/** Prefixes of actions that leave no trace. */
const READS = /^(?:Get|List|Describe|Head|Filter|AssumeRole|Decrypt|Simulate)/u;

/** InvokeRestApi carries Airflow's own verb: its GETs, and the list endpoints that take a POST because their filter is long, change nothing. */
export function isReadOnly(action: string, request: Pick<FrontRequest, 'body'>): boolean {
  if (action !== 'InvokeRestApi') return READS.test(action);
  try {
    const { Method, Path } = JSON.parse(request.body.toString('utf8')) as Readonly<{ Method?: string; Path?: string }>;
    return Method === 'GET' || (Method === 'POST' && Path?.endsWith('/list') === true);
  } catch {
    return false;
  }
}

/** @param file also gets every record as a line of JSON; records hold no body, no header and no query, so no secret */
export function createCallLog(file: string | undefined) {
  const calls: CallRecord[] = [];
  return {
    calls: calls as readonly CallRecord[],
    add(record: CallRecord): void {
      calls.push(record);
      if (file) appendFileSync(file, `${JSON.stringify(record)}\n`);
    },
    clear(): void {
      calls.length = 0;
    },
  };
}
