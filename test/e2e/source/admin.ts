import type { RunningEnvironment } from '../../sandbox/environments/contract.js';

/**
 * One call of the source's REST API as its Admin, JSON both ways.
 * @throws Error with status and path for everything but 2xx; never with the body that was sent, which may hold a secret
 */
export async function asAdmin<Answer>(environment: RunningEnvironment, method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown, query: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const answer = await environment.rest('Admin', { method, path, query: new URLSearchParams(query), body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status < 200 || answer.status > 299) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body.slice(0, 500)}`);
  return JSON.parse(answer.body || 'null') as Answer;
}

const TELL_EVERY_MS = 10_000;

/**
 * Asks again every `everyMs` until the answer is undefined: nothing is missing any more.
 * @param missing what is still to come, for the log and for the error
 * @throws Error that says what was missing when the time was over
 */
export async function waitUntilNothingMissing(missing: () => Promise<string | undefined>, limits: Readonly<{ minutes: number; everyMs: number; log: (line: string) => void }>): Promise<void> {
  const end = Date.now() + limits.minutes * 60_000;
  let toldAt = 0;
  for (;;) {
    const still = await missing();
    if (still === undefined) return;
    if (Date.now() > end) throw new Error(`After ${limits.minutes} minutes there is still missing: ${still}`);
    if (Date.now() - toldAt >= TELL_EVERY_MS) {
      limits.log(`Waiting for ${still}`);
      toldAt = Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, limits.everyMs));
  }
}
