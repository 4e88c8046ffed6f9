/** One program with a limit of time and of output, in a session of its own; nothing of what it says is echoed. */
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

export type ProgramResult = Readonly<{ code: number | undefined; /** undefined: it ended by itself. */ stopped: 'time' | 'output' | undefined; stdout: string; stderr: string }>;

export type Program = Readonly<{
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  folder: string;
  input?: string;
  timeoutSeconds: number;
  /** Bytes of stdout; more ends it. stderr keeps its last 64 KiB. */
  maxOutput?: number;
  /** Takes whole lines of stdout as they come; stdout is empty then. */
  onLine?: (line: string) => void;
  /** For a group of processes that are not ours to end, because sudo started them; only when ending them here has left some. */
  endAsRoot?: (group: number) => void;
}>;

const DRAIN_MILLISECONDS = 5_000;
const MAX_STDERR = 64 * 1024;

/** @throws Error with code ENOENT when there is no such program */
export async function runProgram({ command, args, env, folder, input, timeoutSeconds, maxOutput = 16 * 1024 * 1024, onLine, endAsRoot }: Program): Promise<ProgramResult> {
  const child = spawn(command, [...args], { cwd: folder, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const end = (): void => endGroup(child.pid, endAsRoot);
  // A cancelled job must leave nothing behind that runs a stranger's code.
  process.once('exit', end);
  let stopped: ProgramResult['stopped'];
  const timer = setTimeout(() => {
    stopped = 'time';
    end();
  }, timeoutSeconds * 1000);
  const whole: Buffer[] = [];
  let size = 0, rest: Buffer = Buffer.alloc(0), errors: Buffer = Buffer.alloc(0);
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutput) {
      stopped ??= 'output';
      end();
    } else if (onLine) {
      const all = Buffer.concat([rest, chunk]), last = all.lastIndexOf(0x0a);
      for (const line of last < 0 ? [] : all.subarray(0, last).toString('utf8').split('\n')) onLine(line);
      rest = all.subarray(last + 1);
    } else whole.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = Buffer.concat([errors, chunk]).subarray(-MAX_STDERR);
  });
  // A program that never reads its input closes the pipe: its exit code tells, not this.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  let drained: NodeJS.Timeout | undefined;
  try {
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', reject);
      // What it wrote may be read after it has ended, on a busy machine much after; but a daemon that it left could hold the pipes open for ever.
      child.once('exit', (exitCode) => {
        drained = setTimeout(() => resolve(exitCode ?? undefined), DRAIN_MILLISECONDS);
      });
      child.once('close', (exitCode) => resolve(exitCode ?? undefined));
    });
    return { code, stopped, stdout: Buffer.concat(whole).toString('utf8'), stderr: errors.toString('utf8') };
  } finally {
    clearTimeout(timer);
    clearTimeout(drained);
    process.off('exit', end);
    end();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function endGroup(pid: number | undefined, endAsRoot: Program['endAsRoot']): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // EPERM: none of the group is ours. Otherwise it is over already; that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return;
  }
  endAsRoot?.(pid);
}

/** Ends every process that carries our mark, e.g. those of a DAG that killed the program which watched over them. Linux. */
export async function endMarked(marker: string): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const found = await markedProcesses(marker);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended between looking and now.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function markedProcesses(marker: string): Promise<readonly number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const found = await Promise.all(entries.filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid).map(async (name) => {
    const [environment, status] = await Promise.all([readFile(`/proc/${name}/environ`, 'latin1').catch(() => ''), readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')]);
    return environment.includes(`MWAA_MIGRATE_CHECK=${marker}`) && !/\) Z /u.test(status) ? [Number(name)] : [];
  }));
  return found.flat();
}
