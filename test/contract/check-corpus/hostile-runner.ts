/** The hostile repository on a runner of its own, with what it is after, and what may be looked at afterwards. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Road } from './break-table.js';
import { makeRepository } from './repository.js';
import { makeRunner, type Runner } from './run-check.js';

export const ROAD_OF_HOSTILE: Road = { name: '2.7.2-to-2.10.3', source: '2.7.2', target: '2.10.3' };

/** A file name that would begin a workflow command, were it printed as it is. */
const COMMAND_AS_NAME = 'zy\n::error title=forged::forged\n<b>@octocat.py';

export type HostileRunner = Runner & Readonly<{
  /** Values in the environment of the step, none of which may turn up anywhere. */
  canaries: Readonly<Record<string, string>>;
  /** Files of others that must be as they were, with their content. */
  others: ReadonlyMap<string, string>;
}>;

/** @param home stands for /home/runner, whose folders every DAG author knows */
export async function makeHostileRunner(home: string): Promise<HostileRunner> {
  const runner = makeRunner(home);
  await makeRepository(runner.workspace, ROAD_OF_HOSTILE, 'hostile');
  const dags = path.join(runner.workspace, 'dags');
  // Named by requirements.txt: MWAA's image looks for it in the DAG folder.
  cpSync(path.join(runner.workspace, 'package'), path.join(dags, 'package'), { recursive: true });
  const files = readdirSync(dags, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('/home/runner', home));
  }
  writeFileSync(path.join(dags, COMMAND_AS_NAME), 'from airflow import DAG\n\nraise RuntimeError(DAG)\n');
  const migrationFile = path.join(runner.workspace, '.github', 'mwaa-migration.yml');
  // Files that loop are waited for; 30 s, Airflow's default, would be longer than a test likes.
  writeFileSync(migrationFile, readFileSync(migrationFile, 'utf8').replace('airflow-version: 2.10.3 }', 'airflow-version: 2.10.3, configuration: { core.dagbag_import_timeout: "5" } }'));
  const elsewhere = [path.join(home, '.bashrc'), path.join(home, 'work', '_actions', 'actions', 'upload-artifact', 'v4', 'dist', 'index.js')];
  for (const file of elsewhere) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'as it was\n');
  }
  // A self-hosted runner lies in the home folder of its user; the others are where tools and other steps leave what they know.
  const keys = ['.config/pip/pip.conf', '.sometool/token', 'actions-runner/.credentials_rsaparams', 'work/_temp/_github_workflow/event.json', 'work/_temp/gha-creds.json', 'work/repo/repo/.git/config'].map((name) => path.join(home, name));
  for (const file of keys) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'secret = planted\n');
  }
  const canary = () => `canary-${randomBytes(8).toString('hex')}`;
  const others = [...elsewhere, ...keys, ...files, path.join(dags, COMMAND_AS_NAME), migrationFile];
  return { ...runner, canaries: { SHOP_PASSWORD: canary(), NPM_TOKEN: canary(), RUNNER_SECRET: canary() }, others: new Map(others.map((file) => [file, readFileSync(file, 'utf8')])) };
}

/** Ids of processes that have to do with that folder, by whatever of them says so: name, environment, open files, code, working directory. */
export function processesOf(folder: string): readonly number[] {
  const of = (file: string): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      return ''; // it has ended, or is another user's
    }
  };
  const link = (file: string): string => {
    try {
      return readlinkSync(file);
    } catch {
      return '';
    }
  };
  const openFiles = (pid: string): string => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`)).join('\n');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc').filter((name) => /^\d+$/u.test(name) && Number(name) !== process.pid).filter((pid) =>
    [of(`/proc/${pid}/cmdline`), of(`/proc/${pid}/environ`), of(`/proc/${pid}/maps`), link(`/proc/${pid}/cwd`), link(`/proc/${pid}/exe`), openFiles(pid)].some((text) => text.includes(folder))).map(Number);
}
