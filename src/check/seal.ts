/** Where the kernel allows it, a stranger's code runs in namespaces of its own: no other process in sight, nothing writable but its folders. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import os from 'node:os';
import type { Variables } from './refuse-credentials.js';
import { runProgram, type Program, type ProgramResult } from './run-program.js';
import { hiddenOf, interpreterPlaces } from './seal-view.js';

export type Sealed = Program & Readonly<{ /** Besides these everything is read-only; the first is the working folder. */ writable: readonly string[]; /** Hidden besides what always is. */ hidden?: readonly string[]; /** In sight besides what always is, though it lies in something hidden. */ shown?: readonly string[] }>;

export type Seal = Readonly<{
  /**
   * user: by a user namespace. root: by sudo without a password, as on GitHub's runners, whose kernel keeps those from ordinary users.
   * landlock: without namespaces; files and other processes are out of its reach, not out of its sight. none: limits only.
   */
  kind: 'user' | 'root' | 'landlock' | 'none';
  /** Whether home, the runner's folder and RUNNER_TEMP are hidden as a whole; otherwise only the files known to hold credentials are. */
  hidesHome: boolean;
  run: (program: Sealed) => Promise<ProgramResult>;
}>;

export type SealJob = Readonly<{
  /** An interpreter without packages of a user, for it may be started as root. */
  python: string;
  uv: string;
  /** seal.py */
  script: string;
  /** landlock.py */
  landlock: string;
  /** Absolute: on the PATH of what is run stands the virtual environment first, and any package may bring a program of that name. */
  sudo: string | undefined;
  /** Ours, for a first try. */
  folder: string;
  /** In sight of everything that is run, though not writable. */
  shown: readonly string[];
  /** Out of sight of everything that is run, also in what is shown. */
  hidden: readonly string[];
  env: Variables;
}>;

/** What systems have; not what a PATH says. */
export const findSudo = (): string | undefined => ['/usr/bin/sudo', '/bin/sudo', '/usr/local/bin/sudo', '/run/wrappers/bin/sudo'].find((place) => existsSync(place));

export async function openSeal({ python, uv, script, landlock, sudo, folder, shown: always, hidden: never, env }: SealJob): Promise<Seal> {
  const { homes, files } = hiddenOf(env), places = [...interpreterPlaces(python), ...interpreterPlaces(uv).slice(0, 1), ...always];
  const jobOf = ({ writable, hidden = [], shown = [], timeoutSeconds, env: its }: Sealed, ids: Readonly<{ uid: number | null; gid: number | null }>, hidesHome: boolean): string =>
    JSON.stringify({ writable, shown: [...places, ...shown], hidden: [...(hidesHome ? homes : []), ...files, ...never, ...hidden].filter((one) => !shown.includes(one) && !writable.includes(one)), seconds: timeoutSeconds, path: its['PATH'] ?? '', ...ids });
  const byOurselves = (program: Sealed, by: string, hidesHome: boolean): Promise<ProgramResult> =>
    runProgram({ ...program, command: python, args: ['-I', '-S', by, jobOf(program, { uid: null, gid: null }, hidesHome), program.command, ...program.args] });
  const byRoot = (program: Sealed, by: string, hidesHome: boolean): Promise<ProgramResult> =>
    runProgram({ ...program, endAsRoot, command: sudo ?? '', args: ['-n', `--preserve-env=${Object.keys(program.env).filter((name) => name !== 'PATH').join(',')}`, '--', python, '-I', '-S', by, jobOf(program, { uid: os.userInfo().uid, gid: os.userInfo().gid }, hidesHome), program.command, ...program.args] });
  // Its own process among them: the program's limits of time and output hold here as elsewhere, and a cancelled job leaves nothing.
  const endAsRoot = (group: number): void => void spawnSync(sudo ?? '', ['-n', 'kill', '-KILL', '--', `-${group}`], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, stdio: 'ignore', timeout: 10_000 });
  const answers = async (run: Seal['run'], command: string, args: readonly string[]): Promise<string | undefined> => {
    const tried = await run({ command, args, env: { PATH: '/usr/bin:/bin' }, folder, writable: [folder], timeoutSeconds: 20 }).catch(() => undefined);
    return tried?.code === 0 ? tried.stdout.trim() : undefined;
  };
  if (process.platform === 'linux')
    for (const [kind, way, by, isThere] of [['user', byOurselves, script, true], ['root', byRoot, script, sudo !== undefined], ['landlock', byOurselves, landlock, true]] as const)
      // A tool that a version manager starts may need more of the home folder than anyone can name: then less is hidden.
      for (const hidesHome of isThere ? [true, false] : []) {
        const run: Seal['run'] = (program) => way(program, by, hidesHome);
        const pid = await answers(run, python, ['-I', '-S', '-c', 'import os, ssl; print(os.getpid())']);
        if ((kind === 'landlock' ? Number(pid) > 1 : pid === '1') && (await answers(run, uv, ['--version'])) !== undefined) return { kind, hidesHome, run };
      }
  return { kind: 'none', hidesHome: false, run: runProgram };
}
