/**
 * Runs the action the way GitHub's runner does: reads action.yml, fills in the defaults of its inputs, and executes the composite's
 * `run` steps with bash in the caller's workspace. Nothing of this process's environment gets in but PATH and what a test passes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

/** What `github.token` is in the runs of the tests; nothing accepts it. */
export const GITHUB_TOKEN = 'ghs_test0000000000000000000000000000000000';

type ActionFile = {
  inputs: Record<string, { default?: string; required?: boolean }>;
  outputs: Record<string, { value: string }>;
  runs: { using: string; steps: { id?: string; if?: string; shell: string; run: string; env?: Record<string, string> }[] };
};

export type Run = Readonly<{
  code: number | null;
  signal: NodeJS.Signals | null;
  /** stdout and stderr in the order in which they came. */
  log: string;
  outputs: Readonly<Record<string, string>>;
  summary: string;
  /** Files that the action left in RUNNER_TEMP, by name: its reports as Markdown and HTML. */
  reports: Readonly<Record<string, string>>;
  seconds: number;
}>;

export type RunOptions = Readonly<{
  inputs: Readonly<Record<string, string>>;
  /** Folder with `.github/mwaa-migration.yml`: the caller's checkout. */
  workspace: string;
  /** What the sandbox gives a runner: endpoints and the OIDC request variables. */
  env: Readonly<Record<string, string>>;
  /** Default: this process's Node, first on PATH. '' leaves PATH without any. */
  nodeFolder?: string;
  onLine?: (line: string) => void;
}>;

/** A run that goes on; `child` is the shell's process group leader, so that killing -pid ends all of it. */
export type StartedRun = Readonly<{ child: ChildProcess; done: Promise<Run> }>;

export function startAction(options: RunOptions): StartedRun {
  const action = parse(readFileSync(path.join(repository, 'action.yml'), 'utf8')) as ActionFile;
  const inputs = Object.fromEntries(Object.entries(action.inputs).map(([name, { default: value = '' }]) =>
    [name, options.inputs[name] ?? value.replace(/^\$\{\{ github\.token \}\}$/u, GITHUB_TOKEN)]));
  // GitHub hands undeclared inputs on to nobody; a test that misspells one should hear of it.
  const undeclared = Object.keys(options.inputs).filter((name) => !(name in action.inputs));
  if (undeclared.length > 0) throw new Error(`action.yml declares no input ${undeclared.join(', ')}`);

  const temporary = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-runner-'));
  const file = (name: string) => path.join(temporary, name);
  for (const name of ['output', 'summary', 'state', 'env', 'path']) writeFileSync(file(name), '');

  // An expression is either toJSON(inputs) or a GitHub context value; anything else would be a new feature of action.yml to support here.
  const evaluate = (text: string): string => text.replace(/\$\{\{\s*(.*?)\s*\}\}/gu, (_, expression: string) => {
    if (expression === 'toJSON(inputs)') return JSON.stringify(inputs, undefined, 2);
    throw new Error(`runner.ts cannot evaluate \${{ ${expression} }}`);
  });

  const script = action.runs.steps.map(({ run }) => run).join('\n');
  const stepEnv = Object.assign({}, ...action.runs.steps.map(({ env = {} }) => Object.fromEntries(Object.entries(env).map(([k, v]) => [k, evaluate(v)])))) as Record<string, string>;
  const scriptFile = file('script.sh');
  writeFileSync(scriptFile, script);

  const nodeFolder = options.nodeFolder ?? path.dirname(process.execPath);
  const start = Date.now();
  const child = spawn('/bin/bash', ['--noprofile', '--norc', '-eo', 'pipefail', scriptFile], {
    cwd: options.workspace,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      // Distributions put Node beside the shell's tools, so a PATH without it holds none of those either: the script asks for none.
      PATH: nodeFolder === '' ? path.join(temporary, 'empty') : [nodeFolder, '/usr/bin', '/bin'].join(':'), HOME: temporary, LANG: 'C.UTF-8', CI: 'true', GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_PATH: repository, GITHUB_WORKSPACE: options.workspace, RUNNER_TEMP: temporary,
      GITHUB_OUTPUT: file('output'), GITHUB_STEP_SUMMARY: file('summary'), GITHUB_STATE: file('state'), GITHUB_ENV: file('env'), GITHUB_PATH: file('path'),
      GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'acme/airflow', GITHUB_RUN_ID: '777', GITHUB_RUN_ATTEMPT: '1',
      ...options.env, ...stepEnv,
    },
  });

  let log = '';
  let rest = '';
  const take = (chunk: Buffer) => {
    const text = chunk.toString('utf8');
    log += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) options.onLine?.(line);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);

  const done = new Promise<Run>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const run = {
        code, signal, log, outputs: readOutputs(readFileSync(file('output'), 'utf8')), summary: readFileSync(file('summary'), 'utf8'), reports: reportsIn(temporary), seconds: (Date.now() - start) / 1000,
      };
      rmSync(temporary, { recursive: true, force: true });
      resolve(run);
    });
  });
  return { child, done };
}

export const runAction = (options: RunOptions): Promise<Run> => startAction(options).done;

function reportsIn(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => name.startsWith('mwaa-migrate-') && statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(names.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

/** GITHUB_OUTPUT: `name=value` lines and `name<<delimiter` blocks. */
function readOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const block = /^([^=<]+)<<(.+)$/u.exec(line);
    if (block?.[1] && block[2]) {
      const end = lines.indexOf(block[2], at + 1);
      outputs[block[1]] = lines.slice(at + 1, end).join('\n');
      at = end;
    } else if (line.includes('=')) outputs[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
  }
  return outputs;
}
