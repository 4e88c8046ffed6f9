/** The repository of somebody who calls our workflows: real git, one commit, pull requests as refs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const CALLER_REPOSITORY = 'acme/airflow';

export type Caller = Readonly<{
  /** The checkout that a workflow runs on. */
  folder: string;
  /** Where the stand-ins of the artifact actions put what they are given: `<id>-<name>/`. */
  artifacts: string;
  /** Writes files (undefined: removes) and commits. @returns the commit */
  commit(files: Readonly<Record<string, string | undefined>>): string;
  /** Makes refs/pull/<number>/merge of these files on top of the checkout, which stays as it is. */
  pull(number: number, files: Readonly<Record<string, string>>): void;
  remove(): void;
}>;

export function aCaller(files: Readonly<Record<string, string>>): Caller {
  const above = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-caller-'));
  const folder = path.join(above, 'checkout'), artifacts = path.join(above, 'artifacts');
  mkdirSync(folder);
  const env = { PATH: process.env.PATH, HOME: above, GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com', GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' };
  const git = (...args: readonly string[]): string => execFileSync('git', args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const commit: Caller['commit'] = (changes) => {
    for (const [name, text] of Object.entries(changes)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      if (text === undefined) rmSync(path.join(folder, name));
      else writeFileSync(path.join(folder, name), text);
    }
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '--message', 'Change');
    return git('rev-parse', 'HEAD');
  };
  git('init', '--quiet', '--initial-branch=main');
  git('remote', 'add', 'origin', `https://github.com/${CALLER_REPOSITORY}`);
  commit(files);
  return {
    folder, artifacts, commit,
    pull(number, changes) {
      const before = git('rev-parse', 'HEAD');
      git('update-ref', `refs/pull/${number}/merge`, commit(changes));
      git('reset', '--quiet', '--hard', before);
    },
    remove: () => rmSync(above, { recursive: true, force: true }),
  };
}
