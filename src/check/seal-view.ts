/** What of this machine a sealed program sees and what not: of a home folder and a runner's folders only what it needs to start. */
import { existsSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Variables } from './refuse-credentials.js';

/** Files of a home folder that hold credentials or lead to them; for a machine on which the folder cannot be hidden as a whole. */
const SECRETS = [
  '.aws', '.ssh', '.netrc', '.pypirc', '.git-credentials', '.docker', '.kube', '.azure', '.gnupg', '.npmrc', '.pip', '.terraform.d', '.bash_history', '.zsh_history',
  '.config/gcloud', '.config/gh', '.config/git', '.config/hub', '.config/pip', '.config/uv', '.local/share/keyrings', '.local/share/uv/credentials',
];
/** A socket takes orders also where its file is read-only: whoever reaches these is as good as root. */
const SOCKETS = ['/run/docker.sock', '/var/run/docker.sock', '/run/containerd', '/run/podman', '/run/user', '/run/dbus', '/run/snapd.socket', '/run/systemd/private'];
/** Settings of the machine in which people write the address of their package index, often with a password. */
const INDEX_SETTINGS = ['/etc/pip.conf', '/etc/xdg/pip', '/etc/uv', '/etc/xdg/uv'];

/** `homes`: folders to hide as a whole. `files`: what is hidden in any case. */
export type Hidden = Readonly<{ homes: readonly string[]; files: readonly string[] }>;

/** @param env of the step */
export function hiddenOf(env: Variables): Hidden {
  // Not always the same: in a container job HOME is /github/home.
  const homes = unique([os.homedir(), passwdHome(), env['HOME']].flatMap(folderOf));
  const settings = [env['PIP_CONFIG_FILE'], env['UV_CONFIG_FILE'], env['NETRC'], ...(env['XDG_CONFIG_HOME'] ? ['pip', 'uv'].map((name) => path.join(env['XDG_CONFIG_HOME'] ?? '', name)) : [])].flatMap(folderOf);
  const files = [...homes.flatMap((home) => SECRETS.map((name) => path.join(home, name))), ...SOCKETS, ...INDEX_SETTINGS, ...settings, ...(env['GITHUB_ENV'] ? [path.dirname(env['GITHUB_ENV'])] : [])];
  return {
    // Event, scripts and files of other steps lie in RUNNER_TEMP.
    homes: unique([...homes, ...runnerFolders(env), ...folderOf(env['RUNNER_TEMP'])]).filter((one) => one !== '/' && existsSync(one)),
    files: unique(files).filter((one) => one !== '/dev/null' && existsSync(one)),
  };
}

/** A self-hosted runner's own folder holds the key by which it takes jobs; it is above the work folder, and above the Node.js that runs us. */
function runnerFolders(env: Variables): readonly string[] {
  return [env['RUNNER_TEMP'], env['GITHUB_WORKSPACE'], process.execPath].flatMap(folderOf).flatMap((start) => {
    const above: string[] = [];
    for (let at = path.dirname(start); at !== path.dirname(at); at = path.dirname(at)) above.push(at);
    return above.filter((one) => ['.credentials', '.runner'].some((name) => existsSync(path.join(one, name))));
  });
}

/** An interpreter with its library, also where it is a link in another folder. */
export function interpreterPlaces(python: string): readonly string[] {
  try {
    return [python, path.dirname(path.dirname(realpathSync(python)))];
  } catch {
    return [python]; // not there: starting it tells
  }
}

/** Files and folders that the installer's environment names: uv's settings, certificates, wheels. Not a file with passwords of all kinds of hosts. */
export function installerPlaces(env: Readonly<Record<string, string>>): readonly string[] {
  const named = Object.entries(env).filter(([name]) => !/^(PATH|HOME|TMPDIR|NETRC|XDG_\w+|PIP_CONFIG_FILE)$/u.test(name)).flatMap(([, value]) => value.split(/[,\s]+/u));
  const config = env['XDG_CONFIG_HOME'] ? [path.join(env['XDG_CONFIG_HOME'], 'uv')] : [];
  return unique(['/etc/uv', '/etc/xdg/uv', ...config, ...named.map((one) => one.replace(/^file:\/\//u, '')).filter((one) => path.isAbsolute(one) && one !== '/' && existsSync(one))].flatMap((one) => [one, ...folderOf(one)]));
}

/** Without links: a mount lies where they lead. Nothing where there is no such place. */
function folderOf(given: string | undefined): readonly string[] {
  if (!given || !path.isAbsolute(given)) return [];
  try {
    return [realpathSync(given)];
  } catch {
    return [];
  }
}

function passwdHome(): string | undefined {
  try {
    return os.userInfo().homedir;
  } catch {
    return undefined; // a container's user number without a line in /etc/passwd
  }
}

const unique = (all: readonly string[]): readonly string[] => [...new Set(all)];
