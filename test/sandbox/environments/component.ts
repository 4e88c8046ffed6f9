/** One long-running program (server, scheduler, …) in a session of its own, its output in a file. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export type Component = Readonly<{
  name: string;
  /** Id of the process, of its process group and of its session. */
  pid: number;
  logFile: string;
  /** Undefined while it lives; "exit code 1", "signal SIGKILL". */
  ended(): string | undefined;
}>;

export type ComponentStart = Readonly<{
  name: string;
  command: string;
  /** Anybody on the machine can read them: nothing secret belongs here. */
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  folder: string;
  logFile: string;
  user?: Readonly<{ uid: number; gid: number }> | undefined;
  onEnd?: ((component: Component, how: string) => void) | undefined;
}>;

/** @throws Error when the program cannot be started at all */
export async function startComponent(start: ComponentStart): Promise<Component> {
  const output = openSync(start.logFile, 'a');
  const child = spawn(start.command, [...start.args], {
    cwd: start.folder, env: { ...start.env }, detached: true, stdio: ['ignore', output, output], ...start.user,
  });
  closeSync(output);
  let ending: string | undefined;
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new Error(`${start.name}: ${start.command} could not be started`, { cause })));
  });
  const component: Component = { name: start.name, pid: child.pid ?? 0, logFile: start.logFile, ended: () => ending };
  child.on('exit', (code, signalName) => {
    ending = signalName ? `signal ${signalName}` : `exit code ${code}`;
    start.onEnd?.(component, ending);
  });
  // Not waited for by Node: the sandbox decides when it ends, and a forgotten one must not hold a test run open.
  child.unref();
  return component;
}

/** The last lines of a log, with these secrets struck out. */
export function tailOf(logFile: string, secrets: readonly string[], lines = 40): string {
  const text = readFileSync(logFile, 'utf8').split('\n').slice(-lines - 1).join('\n');
  return secrets.filter((secret) => secret.length > 0).reduce((clean, secret) => clean.replaceAll(secret, '***'), text);
}
