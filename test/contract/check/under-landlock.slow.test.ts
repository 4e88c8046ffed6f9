/** The whole check where the kernel gives no namespaces and has Landlock: the rules and good DAGs do what they do elsewhere, and hostile ones come to nothing. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { check, type Checked } from '../../../src/check/check.js';
import { aMigrationFile } from '../../builders/values.js';

const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-under-landlock-')));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = 'import os\nfrom datetime import datetime\nfrom airflow import DAG\n';
/** Each tries one thing, and makes a DAG whose id says whether it came to something. */
const tries = (name: string, attempt: string): string => `${HEAD}came = "nothing"\ntry:\n    ${attempt}\n    came = "something"\nexcept OSError:\n    pass\nwith DAG("${name}." + came, schedule=None) as dag: pass\n`;

let checked: Checked;
const said: string[] = [];
beforeAll(async () => {
  for (const name of ['repo/dags', 'repo/.git', 'temp/_runner_file_commands', 'home/.aws']) mkdirSync(at(name), { recursive: true });
  for (const [name, text] of Object.entries({ 'repo/.git/config': 'token', 'home/.aws/credentials': 'canary', 'temp/_runner_file_commands/set_env': 'as it was\n', 'temp/event.json': '{}' })) writeFileSync(at(name), text);
  const files = {
    'writes.py': tries('writes', `open(${JSON.stringify(at('temp/_runner_file_commands/set_env'))}, "a").write("FORGED=1")`),
    'plants.py': tries('plants', `os.symlink("/etc/passwd", ${JSON.stringify(at('temp/mwaa-migrate-check.md'))})`),
    'reads_home.py': tries('reads_home', `open(${JSON.stringify(at('home/.aws/credentials'))}).read()`),
    'reads_git.py': tries('reads_git', `open(${JSON.stringify(at('repo/.git/config'))}).read()`),
    'reads_event.py': tries('reads_event', `open(${JSON.stringify(at('temp/event.json'))}).read()`),
    'reads_runner.py': tries('reads_runner', `open("/proc/${process.pid}/environ", "rb").read()`),
    'right.py': `${HEAD}with DAG("right", schedule="@daily", start_date=datetime(2024, 1, 1)) as dag: pass\n`,
    'gone.py': `${HEAD}from airflow.operators.nowhere import X\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(`repo/dags/${name}`), text);
  cpSync('src/check/python', at('scripts'), { recursive: true, filter: (name) => !name.endsWith('seal.py') });
  const file = aMigrationFile();
  checked = await check({
    file: { ...file, source: { ...file.source, airflowVersion: '2.7.2' }, target: { ...file.target, airflowVersion: '2.10.3' } }, config: 'mwaa-migration.yml', token: undefined, scripts: at('scripts'),
    clock: { now: () => new Date('2026-03-10T12:00:00Z'), sleep: () => Promise.resolve() }, log: { info: (line) => said.push(line), warn: (line) => said.push(line), group: (_, work) => work() },
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PIP_|UV_|SSL_|REQUESTS_|XDG_|PYENV_|https?_proxy|HTTPS?_PROXY|NO_PROXY)/u.test(name))), PATH: `${ensureTools()}:${process.env['PATH'] ?? ''}`,
      HOME: at('home'), GITHUB_WORKSPACE: at('repo'), RUNNER_TEMP: at('temp'), GITHUB_ENV: at('temp/_runner_file_commands/set_env'), AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9',
    },
  });
}, 600_000);

it('says that it is so', () => expect(said.join('\n')).toContain('DAG code runs under Landlock'));

it('loads what is right, and lets no attempt come to something', () =>
  expect(checked.report.dags.map(({ dagId }) => dagId)).toEqual(['plants.nothing', 'reads_event.nothing', 'reads_git.nothing', 'reads_home.nothing', 'reads_runner.nothing', 'right', 'writes.nothing']));

it('has every rule run to its end, and finds what is wrong', () => {
  expect(checked.report.findings.filter(({ level }) => level === 'error').map(({ code, file, line }) => [code, file, line])).toEqual([['import-removed', 'dags/gone.py', 4]]);
  expect(checked.report.notChecked).toEqual([]);
});

it("leaves the runner's files as they were, and no folder", () => {
  expect(readFileSync(at('temp/_runner_file_commands/set_env'), 'utf8')).toBe('as it was\n');
  expect(readdirSync(at('temp')).sort()).toEqual(['_runner_file_commands', 'event.json', 'mwaa-migrate-check.json']);
});
