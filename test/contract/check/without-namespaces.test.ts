/** The whole check where the kernel gives neither namespaces nor Landlock: what limits and putting back alone keep from DAG code. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { check, type Checked } from '../../../src/check/check.js';
import { readCheckReport } from '../../../src/check/read-check-report.js';
import { aMigrationFile } from '../../builders/values.js';

const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-bare-')));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOSTILE = `
import os, time
from airflow import DAG
commands = ${JSON.stringify(at('temp/_runner_file_commands'))}
for name in ("set_env", "add_path"):
    with open(os.path.join(commands, name), "a") as file:
        file.write("FORGED=1\\n")
os.unlink(os.path.join(commands, "set_output"))
os.symlink(os.path.join(commands, "set_env"), os.path.join(commands, "set_output"))
for ending in ("json", "md", "html"):
    # The file is loaded on the source first, and nothing here keeps the two apart.
    if not os.path.islink(${JSON.stringify(at('temp/mwaa-migrate-check.'))} + ending):
        os.symlink(os.path.join(commands, "set_env"), ${JSON.stringify(at('temp/mwaa-migrate-check.'))} + ending)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(400):
            time.sleep(0.1)
            with open(os.path.join(commands, "set_env"), "a") as file:
                file.write("LATER=1\\n")
    os._exit(0)
leaked = sorted(name for name in os.environ if name.startswith(("GITHUB_", "RUNNER_", "AWS_", "PIP_", "UV_", "SHOP_")))
with DAG("leaked." + ".".join(leaked), schedule=None) as dag:
    pass
`;

let checked: Checked;
const said: string[] = [];
beforeAll(async () => {
  for (const name of ['repo/dags', 'temp/_runner_file_commands']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('repo/dags/hostile.py'), HOSTILE);
  writeFileSync(at('repo/dags/right.py'), 'from airflow import DAG\nwith DAG("right", schedule="@daily", start_date=__import__("datetime").datetime(2024, 1, 1)) as dag: pass\n');
  writeFileSync(at('repo/requirements.txt'), '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt"\n\npendulum==1.0\n');
  for (const name of ['set_env', 'add_path', 'set_output']) writeFileSync(at(`temp/_runner_file_commands/${name}`), `${name} as it was\n`);
  // Without these no try to seal succeeds, as on a kernel that refuses.
  cpSync('src/check/python', at('scripts'), { recursive: true, filter: (name) => !/(?:seal|landlock)\.py$/u.test(name) });
  const file = aMigrationFile();
  checked = await check({
    file: { ...file, source: { ...file.source, airflowVersion: undefined }, target: { ...file.target, airflowVersion: '2.10.3' } }, config: 'mwaa-migration.yml', token: undefined, scripts: at('scripts'),
    clock: { now: () => new Date('2026-03-10T12:00:00Z'), sleep: () => Promise.resolve() }, log: { info: (line) => said.push(line), warn: (line) => said.push(line), group: (_, work) => work() },
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PIP_|UV_|SSL_|REQUESTS_|XDG_|PYENV_|https?_proxy|HTTPS?_PROXY|NO_PROXY)/u.test(name))), PATH: `${ensureTools()}:${process.env['PATH'] ?? ''}`,
      GITHUB_WORKSPACE: at('repo'), RUNNER_TEMP: at('temp'), GITHUB_ENV: at('temp/_runner_file_commands/set_env'), GITHUB_PATH: at('temp/_runner_file_commands/add_path'), GITHUB_OUTPUT: at('temp/_runner_file_commands/set_output'), SHOP_PASSWORD: 'canary', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9',
    },
  });
}, 600_000);

it('says that it is so', () => expect(said.join('\n')).toContain('this kernel gives neither namespaces nor Landlock'));

it("puts the runner's files back, for good, and names those that were touched", async () => {
  // The daemon would write ten times in this time.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  for (const name of ['set_env', 'add_path', 'set_output']) expect(readFileSync(at(`temp/_runner_file_commands/${name}`), 'utf8')).toBe(`${name} as it was\n`);
  expect(checked.report.findings.filter(({ code }) => code === 'dag-writes-runner-file').map(({ what }) => what).join()).toMatch(/GITHUB_ENV.*GITHUB_OUTPUT.*GITHUB_PATH/su);
});

it('writes its report where a link was, not through it, and leaves no folder', async () => {
  expect(await readCheckReport(checked.path)).toMatchObject({ migrationId: checked.report.migrationId, versions: { target: '2.10.3', python: '3.11' } });
  for (const ending of ['md', 'html']) expect(existsSync(at(`temp/mwaa-migrate-check.${ending}`))).toBe(false);
  expect(readdirSync(at('temp')).sort()).toEqual(['_runner_file_commands', 'mwaa-migrate-check.json']);
});

it('gives DAG code none of our variables, and the file beside it is loaded as ever', () =>
  expect(checked.report.dags).toMatchObject([{ dagId: 'leaked.' }, { dagId: 'right', file: 'dags/right.py', schedule: { target: '0 0 * * *' }, nextRun: { target: '2026-03-11T00:00:00Z' } }]));

it("takes the source's version from the constraint line, and tells what of the requirements cannot be, by line", () => {
  expect(checked.report.versions.source).toBe('2.7.2');
  expect(checked.report.findings.filter(({ file }) => file === 'requirements.txt')).toMatchObject([
    { code: 'requirements-conflict', level: 'error', line: 3, why: expect.stringContaining('pin pendulum to 3.0.0') },
    { code: 'requirements-constraint', level: 'notice', line: 1, replacement: '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"' }]);
  expect(checked.report.notChecked.join()).toContain('requirements.txt:3');
});
