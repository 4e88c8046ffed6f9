import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is there. @throws Error that names what did not come */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined> | T | undefined, seconds = 60): Promise<T> {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(200)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s.`);
  }
}
