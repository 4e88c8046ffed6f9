import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watchProcesses } from '../../e2e/leaks/processes.js';

const CANARY = { name: 'api_token', value: 'canary0123456789abcdef' };

/** Runs a shell that runs these commands, watches it, and waits for its end. */
async function watched(commands: string, env: Readonly<Record<string, string>> = {}) {
  const shell = spawn('bash', ['-c', `sleep 0.2; ${commands}; sleep 0.2`], { stdio: 'ignore', env: { PATH: process.env.PATH ?? '', ...env } });
  const watch = watchProcesses([CANARY], () => [shell.pid ?? 0]);
  await once(shell, 'exit');
  return watch.stop();
}

it('is quiet about processes without the value, and tells how many it saw', async () => {
  const { leaks, processes, samples } = await watched('sleep 0.5 & sleep 0.4; wait', { HARMLESS: 'value' });
  expect(leaks).toEqual([]);
  expect(processes).toBeGreaterThanOrEqual(3);
  expect(samples).toBeGreaterThan(5);
});

it.each<[what: string, commands: string, env: Readonly<Record<string, string>>, file: string]>([
  ['a command line', `python3 -c 'import time; time.sleep(0.5)' ${CANARY.value}; true`, {}, 'cmdline'],
  ['a command line, in base64', `python3 -c 'import time; time.sleep(0.5)' ${Buffer.from(CANARY.value).toString('base64')}; true`, {}, 'cmdline'],
  ['an environment', 'sleep 0.3', { TOKEN: CANARY.value }, 'environ'],
  ['the environment of a grandchild', `bash -c 'TOKEN=canary0123456789$REST sleep 0.5; true'`, { REST: 'abcdef' }, 'environ'],
  ['a process whose parent has ended', `bash -c '(sleep 0.4; TOKEN=canary0123456789$REST exec sleep 0.6) & sleep 0.2'; sleep 1`, { REST: 'abcdef' }, 'environ'],
])('finds the value in %s', async (_what, commands, env, file) => {
  const { leaks } = await watched(commands, env);
  expect(leaks.some(({ canary, source }) => canary === 'api_token' && source.startsWith('/proc/') && source.endsWith(file))).toBe(true);
});
