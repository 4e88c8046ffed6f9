/**
 * A slim copy of this repository for act, which copies the whole served folder for each `uses`. One thing is rewritten, because act lacks it:
 * `$/path` (the repository of the running workflow) becomes OWNER/mwaa-migrate/path@v1. What GitHub does besides for a job is done by jobs.ts.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMap, parseDocument } from 'yaml';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
/** As docs and examples call the action; act serves it from the stage. */
export const OWN_NAME = 'OWNER/mwaa-migrate', OWN_REF = 'v1';
const SELF = /^\$\/(?<inside>.+)$/u;

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

function withGivenCheck(workflow: string): string {
  const document = parseDocument(workflow);
  const { steps = [] } = (document.toJS() as { jobs: Record<string, { steps?: { id?: string }[] }> }).jobs['check'] ?? {};
  const at = steps.findIndex(({ id }) => id === 'check');
  if (at >= 0) document.setIn(['jobs', 'check', 'steps', at, 'uses'], `${OWN_NAME}/${GIVEN}@${OWN_REF}`);
  return document.toString({ lineWidth: 0 });
}

/** The same workflow as act can run it. */
export function forAct(workflow: string): string {
  const document = parseDocument(workflow);
  const jobs = document.get('jobs');
  if (!isMap(jobs)) return workflow;
  for (const { key } of jobs.items) {
    const job = ['jobs', String(key)];
    const { steps = [] } = (jobs.toJSON() as Record<string, { steps?: { uses?: string }[] }>)[String(key)] ?? {};
    steps.forEach(({ uses = '' }, at) => {
      const inside = SELF.exec(uses)?.groups?.['inside'];
      if (inside !== undefined) document.setIn([...job, 'steps', at, 'uses'], `${OWN_NAME}/${inside}@${OWN_REF}`);
    });
  }
  return document.toString({ lineWidth: 0 });
}
