/** Runs phase check as a step of a job does: files and folders as on a GitHub runner, output through a pipe, and nothing of our own environment. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const COMMANDS = { GITHUB_ENV: 'set_env_corpus', GITHUB_PATH: 'add_path_corpus', GITHUB_OUTPUT: 'set_output_corpus', GITHUB_STATE: 'save_state_corpus', GITHUB_STEP_SUMMARY: 'step_summary_corpus' } as const;

/** A runner's home folder: `work/repo/repo` is the workspace, `work/_temp` is RUNNER_TEMP. */
export type Runner = Readonly<{ home: string; workspace: string; temporary: string; commandFile: (name: keyof typeof COMMANDS) => string }>;

export function makeRunner(home: string): Runner {
  const workspace = path.join(home, 'work', 'repo', 'repo'), temporary = path.join(home, 'work', '_temp');
  const commands = path.join(temporary, '_runner_file_commands');
  for (const folder of [workspace, commands]) mkdirSync(folder, { recursive: true });
  for (const name of Object.values(COMMANDS)) writeFileSync(path.join(commands, name), '');
  return { home, workspace, temporary, commandFile: (name) => path.join(commands, COMMANDS[name]) };
}

/** One finding and one DAG of the report, as far as these tests look. */
export type Finding = Readonly<{ code: string; level: 'error' | 'warning' | 'notice'; file: string | null; line: number | null; dagId: string | null; what: string; why: string | null; fix: string | null; replacement: string | null }>;
type Sides<T> = Readonly<{ source?: T; target?: T }>;
export type Report = Readonly<{ findings: readonly Finding[]; dags: readonly Readonly<{ dagId: string; file: string; schedule: Sides<string>; nextRun: Sides<string | null>; interval?: Sides<string | null>; catchup?: Sides<boolean> }>[]; notChecked: readonly string[]; counts: Readonly<{ dagFiles: number; dags: number }> }>;

export type CheckRun = Readonly<{
  code: number;
  /** stdout and stderr as they came. */
  output: string;
  summary: string;
  markdown: string;
  html: string;
  json: string;
  report: Report;
}>;

/** @param more added to the environment of the step */
export async function runCheck(runner: Runner, more: Readonly<Record<string, string>> = {}, timeoutSeconds = 540): Promise<CheckRun> {
  const action = path.join(runner.home, 'work', '_actions', 'OWNER', 'mwaa-migrate', 'v1', 'dist');
  mkdirSync(action, { recursive: true });
  cpSync(path.join(REPOSITORY, 'src', 'check', 'python'), path.join(action, 'check'), { recursive: true });
  writeFileSync(path.join(action, 'index.mjs'), `import ${JSON.stringify(pathToFileURL(path.join(REPOSITORY, 'src', 'index.ts')).href)};\n`);
  const log = path.join(runner.temporary, 'corpus-output.txt');
  const env = {
    ...registry(), PATH: [path.dirname(process.execPath), ensureTools(), process.env['PATH'] ?? ''].join(':'), HOME: runner.home, LANG: 'C.UTF-8',
    // The packages of the tests' own installations: what is fetched once is linked from there.
    UV_CACHE_DIR: process.env['UV_CACHE_DIR'] ?? path.join(os.homedir(), '.cache', 'uv'),
    // Whatever machine this runs on, nobody is asked for its role.
    AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9',
    GITHUB_ACTIONS: 'true', CI: 'true', RUNNER_TEMP: runner.temporary, GITHUB_WORKSPACE: runner.workspace, GITHUB_REPOSITORY: 'acme/airflow', GITHUB_RUN_ID: '777',
    ...Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, runner.commandFile(name as keyof typeof COMMANDS)])),
    MWAA_INPUTS: JSON.stringify({ phase: 'check', config: '.github/mwaa-migration.yml', 'github-token': '', 'timeout-minutes': '60' }),
    ...more,
  };
  // A pipe, as the runner gives: Node's own "pipe" is a socket, which other processes cannot open by /proc.
  const child = spawn('bash', ['-c', `set -o pipefail; node --import ${pathToFileURL(path.join(REPOSITORY, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href} '${action}/index.mjs' 2>&1 | cat > '${log}'`], { cwd: runner.workspace, env, detached: true, stdio: 'ignore' });
  const timer = setTimeout(() => { if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL'); }, timeoutSeconds * 1000);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 137));
  });
  clearTimeout(timer);
  const text = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  const ofReport = (kind: string): string => text(path.join(runner.temporary, `mwaa-migrate-check.${kind}`));
  const json = ofReport('json');
  if (json === '') throw new Error(`Phase check left no report; code ${code}, output:\n${text(log).slice(-4000)}`);
  return { code, output: text(log), summary: text(runner.commandFile('GITHUB_STEP_SUMMARY')), markdown: ofReport('md'), html: ofReport('html'), json, report: JSON.parse(json) as Report };
}

/** How this machine reaches its package registries. */
const registry = (): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => /^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|PIP_.*|UV_.*|PYENV_ROOT)$/u.test(entry[0]) && entry[1] !== undefined));
