/** One short program, waited for. */
import { spawn } from 'node:child_process';
import { endSessions } from './process-tree.js';

export type CommandResult = Readonly<{ code: number; stdout: string; stderr: string }>;

export type CommandOptions = Readonly<{
  env: Readonly<Record<string, string>>;
  folder?: string | undefined;
  input?: string | undefined;
  timeoutSeconds?: number | undefined;
  user?: Readonly<{ uid: number; gid: number }> | undefined;
  /** Holds the id of the program's session while it runs, so that a caller that closes can end it. */
  sessions?: Set<number> | undefined;
}>;

/** Runs to its end, or to the time limit, when it and its descendants are ended and the code is 124 as with coreutils' timeout. */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const child = spawn(command, [...args], { cwd: options.folder, env: { ...options.env }, detached: true, stdio: ['pipe', 'pipe', 'pipe'], ...options.user });
  const stdout: Buffer[] = [], stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that never reads its input closes the pipe: its exit code tells, not this.
  child.stdin.on('error', () => undefined);
  let isLate = false;
  const pid = child.pid;
  const timer = setTimeout(() => {
    isLate = true;
    if (pid !== undefined) void endSessions([pid], 1000);
  }, (options.timeoutSeconds ?? 600) * 1000);
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => reject(new Error(`${command} could not be started`, { cause })));
      child.once('close', (exitCode) => resolve(exitCode ?? 137));
      if (pid !== undefined) options.sessions?.add(pid);
      child.stdin.end(options.input ?? '');
    });
    return { code: isLate ? 124 : code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
  } finally {
    clearTimeout(timer);
    if (pid !== undefined) options.sessions?.delete(pid);
  }
}

/** @throws Error with the end of stderr when the code is not 0 */
export async function runOrFail(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, options);
  if (code === 0) return stdout;
  throw new Error(`"${[command, ...args.slice(0, 3)].join(' ')}" ended with code ${code}:\n${(stderr || stdout).slice(-3000)}`);
}
