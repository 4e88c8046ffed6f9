/** Ends what a sandbox started when the sandbox's own process is killed and cannot do so itself (SIGKILL, a closed terminal, a crash). */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Guardian = Readonly<{
  /** The session of a process that was started with `detached: true`. */
  watch(pid: number): void;
  release(pid: number): void;
  /** A temporary folder to delete. */
  watchFolder(folder: string): void;
  /** Everything was ended in order: the guardian goes without doing anything. */
  dismiss(): void;
}>;

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./guardian-process.ts', import.meta.url));

/** Starts it in a session of its own, so that Ctrl-C does not reach it; it learns of our end when its input ends. */
export function startGuardian(): Guardian {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], { cwd: REPOSITORY, detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: { PATH: process.env.PATH ?? '' } });
  // One that cannot be started or has died is no reason to stop: it only matters when we are killed as well.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  const tell = (line: string): void => {
    child.stdin.write(`${line}\n`);
  };
  return {
    watch: (pid) => tell(`watch ${pid}`),
    release: (pid) => tell(`release ${pid}`),
    watchFolder: (folder) => tell(`folder ${folder}`),
    dismiss: () => void child.stdin.end('dismiss\n'),
  };
}
