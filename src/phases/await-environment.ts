import { UserError } from '../errors.js';
import { endpointServicesOf, lastErrorOf, stateOf } from '../plan/states.js';
import type { Context, EnvironmentDescription, Mwaa } from '../ports.js';

const FIRST_WAIT_MS = 1_000, LONGEST_WAIT_MS = 30_000, PROGRESS_EVERY_MS = 60_000;

/**
 * Waits until the environment can be used, with a line whenever its state changes and one a minute.
 * @param whenAbsent what to do while there is no such environment: wait for whoever creates it, or refuse
 * @throws {UserError} when it cannot get there by itself, or not within the input timeout-minutes
 */
export async function awaitEnvironment(
  { inputs, clock, log }: Pick<Context, 'inputs' | 'clock' | 'log'>, mwaa: Pick<Mwaa, 'get' | 'region'>, name: string, whenAbsent: 'wait' | 'refuse',
): Promise<EnvironmentDescription> {
  const began = clock.now().getTime();
  const deadline = began + inputs.timeoutMinutes * 60_000;
  let wait = FIRST_WAIT_MS, lastStatus: string | undefined, lastLine = began;
  for (;;) {
    const found = await mwaa.get(name);
    const now = clock.now().getTime();
    const status = found?.Status ?? 'absent';
    if (found && stateOf(found.Status).verdict === 'usable') return found;
    if (found && stateOf(found.Status).verdict === 'broken') throw broken(found);
    if (!found && whenAbsent === 'refuse') throw vanished(name);
    if (status !== lastStatus || now - lastLine >= PROGRESS_EVERY_MS) {
      log.info(`${name} is ${status} after ${Math.round((now - began) / 60_000)} minutes: ${found ? explain(found) : 'waiting for whoever creates it'}`);
      lastStatus = status;
      lastLine = now;
    }
    if (now + wait > deadline) throw tooLate(name, status, found, inputs.timeoutMinutes);
    await clock.sleep(wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

function explain(found: EnvironmentDescription): string {
  const services = endpointServicesOf(found);
  const { meaning } = stateOf(found.Status);
  return found.Status === 'PENDING' && services.length > 0 ? `${meaning}: ${services.join(', ')}` : meaning;
}

function broken(found: EnvironmentDescription): UserError {
  const { meaning, fix } = stateOf(found.Status);
  return new UserError(`Environment ${found.Name} is ${found.Status}: ${meaning}.`, `MWAA says: ${lastErrorOf(found) ?? 'nothing about the cause'}.`, `${fix}.`);
}

const vanished = (name: string) =>
  new UserError(`Environment ${name} is gone.`, 'it was there a moment ago, so somebody deleted it.', 'find out who, then run phase create again.');

function tooLate(name: string, status: string, found: EnvironmentDescription | undefined, minutes: number): UserError {
  const services = found?.Status === 'PENDING' ? endpointServicesOf(found) : [];
  return new UserError(
    `Environment ${name} is still ${status} after ${minutes} minutes.`,
    found ? `${explain(found)}; MWAA usually needs 20 to 40 minutes, and goes on by itself.` : 'nobody has created it yet.',
    services.length > 0 ? `create VPC endpoints for ${services.join(' and ')}, then run phase create again to go on waiting.` : 'run phase create again to go on waiting; a higher timeout-minutes waits longer in one step.',
  );
}
