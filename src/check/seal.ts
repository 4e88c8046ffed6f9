/** Where the kernel allows it, a stranger's code runs in namespaces of its own: no other process in sight, nothing writable but its folders. */
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Variables } from './refuse-credentials.js';
import { runProgram, type Program, type ProgramResult } from './run-program.js';

export type Sealed = Program & Readonly<{ /** Besides these everything is read-only; the first is the working folder. */ writable: readonly string[]; /** Hidden besides what always is. */ hidden?: readonly string[] }>;

export type Seal = Readonly<{
  /** user: by a user namespace. root: by sudo without a password, as on GitHub's runners, whose kernel keeps those from ordinary users. none: limits only. */
  kind: 'user' | 'root' | 'none';
  run: (program: Sealed) => Promise<ProgramResult>;
}>;

/** Files of a home folder that hold credentials or lead to them. */
const SECRETS = ['.aws', '.ssh', '.netrc', '.pypirc', '.git-credentials', '.docker', '.kube', '.azure', '.gnupg', '.config/gcloud', '.config/gh', '.config/git', '.config/hub', '.npmrc'];
/** A socket takes orders also where its file is read-only: whoever reaches these is as good as root. */
const SOCKETS = ['/run/docker.sock', '/var/run/docker.sock', '/run/containerd', '/run/podman', '/run/user', '/run/dbus', '/run/snapd.socket', '/run/systemd/private'];

/**
 * @param python an interpreter without packages of a user, for it may be started as root
 * @param script seal.py
 * @param folder ours, for a first try
 */
export async function openSeal(python: string, script: string, folder: string, env: Variables): Promise<Seal> {
  const always = [...SECRETS.map((name) => path.join(os.homedir(), name)), ...SOCKETS, ...(env['GITHUB_ENV'] ? [path.dirname(env['GITHUB_ENV'])] : [])].filter((one) => existsSync(one));
  const jobOf = ({ writable, hidden, timeoutSeconds, env: its }: Sealed, ids: Readonly<{ uid: number | null; gid: number | null }>): string =>
    JSON.stringify({ writable, hidden: [...always, ...(hidden ?? [])].filter((one) => !writable.some((own) => `${own}/`.startsWith(`${one}/`))), seconds: timeoutSeconds, path: its['PATH'] ?? '', ...ids });
  const inUserNamespace = (program: Sealed): Promise<ProgramResult> =>
    runProgram({ ...program, command: python, args: ['-I', '-S', script, jobOf(program, { uid: null, gid: null }), program.command, ...program.args] });
  const byRoot = (program: Sealed): Promise<ProgramResult> =>
    runProgram({ ...program, command: 'sudo', args: ['-n', `--preserve-env=${Object.keys(program.env).filter((name) => name !== 'PATH').join(',')}`, '--', python, '-I', '-S', script, jobOf(program, { uid: os.userInfo().uid, gid: os.userInfo().gid }), program.command, ...program.args] });
  const works = async (run: Seal['run']): Promise<boolean> => {
    const tried = await run({ command: python, args: ['-I', '-S', '-c', 'import os; print(os.getpid())'], env: { PATH: '/usr/bin:/bin' }, folder, writable: [folder], timeoutSeconds: 20 }).catch(() => undefined);
    return tried?.code === 0 && tried.stdout.trim() === '1';
  };
  if (process.platform === 'linux' && (await works(inUserNamespace))) return { kind: 'user', run: inUserNamespace };
  if (process.platform === 'linux' && (await works(byRoot))) return { kind: 'root', run: byRoot };
  return { kind: 'none', run: runProgram };
}
