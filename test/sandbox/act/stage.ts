/**
 * A slim copy of this repository for act, which copies the whole served folder for each `uses`. One thing is rewritten, because act lacks it:
 * `$/path` (the repository of the running workflow) becomes OWNER/mwaa-migrate/path@v1. What GitHub does besides for a job is done by jobs.ts.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** As docs and examples call the action; act serves it from the stage. */
export const OWN_NAME = 'OWNER/mwaa-migrate', OWN_REF = 'v1';

export type StageOptions = Readonly<{
  /** Another build than the committed one, for work on src. */
  dist?: string | undefined;
  /** true: stubs/given-report runs in the place of phase check. */
  isCheckGiven?: boolean | undefined;
}>;

/** @param folder made here */
export function stage(folder: string, { dist, isCheckGiven = false }: StageOptions): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', 'action.yml', 'dist', '.github'], { cwd: repository, encoding: 'utf8' });
  for (const name of listed.split('\0').filter(Boolean)) {
    if (dist !== undefined && name.startsWith('dist/')) continue;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    copyFileSync(path.join(repository, name), path.join(folder, name));
  }
  if (dist !== undefined) cpSync(dist, path.join(folder, 'dist'), { recursive: true });
  const workflows = path.join(folder, '.github', 'workflows');
  for (const name of readdirSync(workflows)) {
    const file = path.join(workflows, name);
    const text = forAct(readFileSync(file, 'utf8'));
    writeFileSync(file, isCheckGiven ? withGivenCheck(text) : text);
  }
  if (isCheckGiven) cpSync(path.join(repository, 'test/sandbox/act/stubs/given-report'), path.join(folder, GIVEN), { recursive: true });
}

const GIVEN = '.github/actions/given-report';

/** `check` is the id of that step in each of our workflows. */
const withGivenCheck = (workflow: string): string => workflow.replace(/(?<=^ +id: check\n(?:.*\n)*? +uses: )\S+/mu, `${OWN_NAME}/${GIVEN}@${OWN_REF}`);

/** The same workflow as act can run it: `uses: $/path` by the name under which the stage is served. */
export const forAct = (workflow: string): string => workflow.replaceAll(/(?<=^ +(?:- )?uses: )\$\/(\S+)/gmu, `${OWN_NAME}/$1@${OWN_REF}`);
