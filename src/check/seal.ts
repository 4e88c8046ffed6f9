/** Where the kernel allows it, a stranger's code runs in namespaces of its own: no other process in sight, nothing writable but its folders. */
import os from 'node:os';
import type { Variables } from './refuse-credentials.js';
import { runProgram, type Program, type ProgramResult } from './run-program.js';
import { hiddenOf, interpreterPlaces } from './seal-view.js';

export type Sealed = Program & Readonly<{ /** Besides these everything is read-only; the first is the working folder. */ writable: readonly string[]; /** Hidden besides what always is. */ hidden?: readonly string[]; /** In sight besides what always is, though it lies in something hidden. */ shown?: readonly string[] }>;

export type Seal = Readonly<{
  /** user: by a user namespace. root: by sudo without a password, as on GitHub's runners, whose kernel keeps those from ordinary users. none: limits only. */
  kind: 'user' | 'root' | 'none';
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
  /** Ours, for a first try. */
  folder: string;
  /** In sight of everything that is run, though not writable. */
  shown: readonly string[];
  /** Out of sight of everything that is run, also in what is shown. */
  hidden: readonly string[];
  env: Variables;
}>;

export async function openSeal({ python, uv, script, folder, shown: always, hidden: never, env }: SealJob): Promise<Seal> {
  const { homes, files } = hiddenOf(env), places = [...interpreterPlaces(python), ...interpreterPlaces(uv).slice(0, 1), ...always];
  const jobOf = ({ writable, hidden = [], shown = [], timeoutSeconds, env: its }: Sealed, ids: Readonly<{ uid: number | null; gid: number | null }>, hidesHome: boolean): string =>
    JSON.stringify({ writable, shown: [...places, ...shown], hidden: [...(hidesHome ? homes : []), ...files, ...never, ...hidden].filter((one) => !shown.includes(one) && !writable.includes(one)), seconds: timeoutSeconds, path: its['PATH'] ?? '', ...ids });
  const inUserNamespace = (hidesHome: boolean): Seal['run'] => (program) =>
    runProgram({ ...program, command: python, args: ['-I', '-S', script, jobOf(program, { uid: null, gid: null }, hidesHome), program.command, ...program.args] });
  const byRoot = (hidesHome: boolean): Seal['run'] => (program) =>
    runProgram({ ...program, command: 'sudo', args: ['-n', `--preserve-env=${Object.keys(program.env).filter((name) => name !== 'PATH').join(',')}`, '--', python, '-I', '-S', script, jobOf(program, { uid: os.userInfo().uid, gid: os.userInfo().gid }, hidesHome), program.command, ...program.args] });
  const answers = async (run: Seal['run'], command: string, args: readonly string[]): Promise<string | undefined> => {
    const tried = await run({ command, args, env: { PATH: '/usr/bin:/bin' }, folder, writable: [folder], timeoutSeconds: 20 }).catch(() => undefined);
    return tried?.code === 0 ? tried.stdout.trim() : undefined;
  };
  if (process.platform === 'linux')
    for (const [kind, way] of [['user', inUserNamespace], ['root', byRoot]] as const)
      // A tool that a version manager starts may need more of the home folder than anyone can name: then less is hidden.
      for (const hidesHome of [true, false]) {
        const run = way(hidesHome);
        if ((await answers(run, python, ['-I', '-S', '-c', 'import os, ssl; print(os.getpid())'])) === '1' && (await answers(run, uv, ['--version'])) !== undefined) return { kind, hidesHome, run };
      }
  return { kind: 'none', hidesHome: false, run: runProgram };
}
