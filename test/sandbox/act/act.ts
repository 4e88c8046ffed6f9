/** Runs a caller's workflow with act, without containers, on a machine that cannot reach GitHub. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import type { Caller } from './caller.js';
import { answerJobs, type Gate, type Job, jobsOf, type KeptOutputs, tellJobs } from './jobs.js';
import { readRun, type WorkflowRun } from './records.js';
import { OWN_NAME, OWN_REF, repository, stage } from './stage.js';

/** Actions of GitHub's that cannot be had here; any ref of them that a workflow names is served from stubs/. */
const STUBS = ['checkout', 'setup-python', 'upload-artifact', 'download-artifact'];
const RUNNERS = ['ubuntu-latest', 'ubuntu-24.04', 'self-hosted'];
/** Milliseconds after which a run is ended; what it left stands in the result. */
const LIMIT_MS = 540_000;

export type ActOptions = Readonly<{
  caller: Caller;
  /** File name of the workflow in the caller's repository. */
  workflow: string;
  event: 'pull_request' | 'workflow_dispatch';
  /** The webhook's body. */
  payload: Readonly<Record<string, unknown>>;
  /** Repository variables. */
  variables?: Readonly<Record<string, string>>;
  /** Variables of the jobs that may ask for an OIDC token. */
  idTokenEnv: Readonly<Record<string, string>> | ((job: Job) => Readonly<Record<string, string>>);
  /** For every job, e.g. GITHUB_API_URL. */
  env?: Readonly<Record<string, string>>;
  /** What `github.token` is. */
  token: string;
  runId?: string;
  /** Of the run, as GitHub counts it when somebody runs jobs again. */
  runAttempt?: string;
  /** Jobs that this attempt does not run again, with their outputs, by id. */
  kept?: Readonly<Record<string, KeptOutputs>>;
  /** Whether a job may enter its environment. Default: always, at once. */
  gate?: Gate;
  /** Milliseconds after which the run is ended. */
  limitMs?: number;
  /** Of a calling job with a matrix: the values of its one job. */
  matrix?: Readonly<Record<string, string>>;
  /** Folders put before the runner's PATH. */
  programs?: readonly string[];
  /** What job check leaves behind, in the place of running phase check. `report`: a file, or a link that stays one. */
  givenCheck?: Readonly<{ report: string; outputs?: Readonly<Record<string, string>>; code?: number }>;
}>;

/** A run that goes on. */
export type StartedWorkflow = Readonly<{
  /** As much of it as has been told so far. */
  sofar(): WorkflowRun;
  /** Ends act and every process of its steps at once, as if all machines were lost. */
  end(): void;
  done: Promise<WorkflowRun>;
}>;

export const runWorkflow = (options: ActOptions): Promise<WorkflowRun> => startWorkflow(options).done;

export function startWorkflow(options: ActOptions): StartedWorkflow {
  const { caller, workflow, event, payload, variables = {}, idTokenEnv, env = {}, token, runId = '777', runAttempt = '1', kept = {}, gate, limitMs = LIMIT_MS, matrix = {}, programs = [], givenCheck } = options;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-act-'));
  const inside = (name: string): string => path.join(folder, name);
  const tidy = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    stage(inside('stage'), { dist: process.env['MWAA_MIGRATE_DIST'], isCheckGiven: givenCheck !== undefined });
    mkdirSync(inside('home'));
    const jobs = jobsOf(path.join(caller.folder, '.github/workflows', workflow), path.join(repository, '.github/workflows'), { ...named('matrix', matrix), ...named('vars', variables), ...named('inputs', (payload['inputs'] ?? {}) as Readonly<Record<string, string>>) });
    tellJobs(inside('jobs'), jobs, { idTokenEnv: typeof idTokenEnv === 'function' ? idTokenEnv : () => idTokenEnv, kept, hasGate: gate !== undefined });
    writeFileSync(inside('event.json'), JSON.stringify(payload));
    const served = [`${OWN_NAME}@${OWN_REF}=${inside('stage')}`, ...stubsNamedIn(inside('stage'), caller.folder)];
    const everywhere = { GITHUB_RUN_ID: runId, GITHUB_RUN_ATTEMPT: runAttempt, NO_COLOR: '1', STUB_REPOSITORY: caller.folder, STUB_ARTIFACTS: caller.artifacts, ...(givenCheck ? stubOf(givenCheck) : {}), STUB_JOBS: inside('jobs'), ...env };
    const child = spawn(path.join(ensureTools(), 'act'), [
      '-C', caller.folder, event, '-W', `.github/workflows/${workflow}`, '-e', inside('event.json'), '--json', '--rm', '--no-cache-server',
      ...RUNNERS.flatMap((label) => ['-P', `${label}=-self-hosted`]),
      ...served.flatMap((entry) => ['--local-repository', entry]),
      ...['env', 'secret', 'var', 'input'].flatMap((kind) => [`--${kind}-file`, '/dev/null']),
      '-s', `GITHUB_TOKEN=${token}`,
      // By --env it would be act's own again.
      ...(env['GITHUB_ACTOR'] ? ['--actor', env['GITHUB_ACTOR']] : []),
      ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}=${value}`]),
      ...Object.entries(everywhere).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ], {
      // Nothing of this process's environment: act hands all of its own on to every step.
      env: { PATH: [path.join(repository, 'test/sandbox/act/programs'), ...programs, path.dirname(process.execPath), '/usr/bin', '/bin'].join(':'), HOME: inside('home'), XDG_CACHE_HOME: inside('home/.cache'), TMPDIR: folder, LANG: 'C.UTF-8' },
      detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const running = watched(child, limitMs), stopAnswering = gate ? answerJobs(inside('jobs'), gate) : (): void => undefined;
    return {
      sofar: () => readRun(running.text.stdout, running.text.stderr, null), end: running.end,
      done: running.ended.then((code) => readRun(running.text.stdout, running.text.stderr, code)).finally(() => { stopAnswering(); tidy(); }),
    };
  } catch (error) {
    tidy();
    throw error;
  }
}

/** How this machine reaches package registries: phase check installs Airflow, with the packages that uv has in its cache and a Python that is here. */
const REGISTRIES = /^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|(PIP|UV)_\w+)$/u;

/** For the jobs that use the network besides AWS and GitHub. */
export function registryEnv(): Readonly<Record<string, string>> {
  const own = Object.entries(process.env).filter((entry): entry is [string, string] => REGISTRIES.test(entry[0]) && Boolean(entry[1]));
  const home = os.homedir();
  // The runner's home folder is another one, and what lies in ours is looked for by these names.
  return { PYENV_ROOT: process.env['PYENV_ROOT'] ?? path.join(home, '.pyenv'), UV_CACHE_DIR: path.join(process.env['XDG_CACHE_HOME'] ?? path.join(home, '.cache'), 'uv'), ...Object.fromEntries(own) };
}

const stubOf = ({ report, outputs = {}, code = 0 }: NonNullable<ActOptions['givenCheck']>): Readonly<Record<string, string>> => ({
  STUB_REPORT: report, STUB_OUTPUTS: Object.entries(outputs).map(([name, value]) => `${name}=${value}`).join('\n'), STUB_CODE: String(code),
});

const named = (context: string, values: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(values).map(([name, value]) => [`${context}.${name}`, value]));

/** act compares the text of `uses:`, so each ref in use is named. */
function stubsNamedIn(...folders: readonly string[]): readonly string[] {
  const texts = folders.map((folder) => path.join(folder, '.github', 'workflows')).flatMap((workflows) => readdirSync(workflows).map((name) => readFileSync(path.join(workflows, name), 'utf8')));
  const named = new Set(texts.flatMap((text) => [...text.matchAll(/uses: actions\/([a-z-]+)@([^\s#]+)/gu)].map(([, name = '', ref = '']) => `${name}@${ref}`)));
  return [...named].map((entry) => {
    const name = entry.split('@')[0] ?? '';
    if (!STUBS.includes(name)) throw new Error(`There is no stand-in for actions/${entry} in test/sandbox/act/stubs.`);
    return `actions/${entry}=${path.join(repository, 'test/sandbox/act/stubs', name)}`;
  });
}

type Watched = Readonly<{ text: Readonly<{ stdout: string; stderr: string }>; end(): void; ended: Promise<number | null> }>;

/** Ends the whole process group at the limit, and when this process ends first, so that no step outlives a failed test. */
function watched(child: ReturnType<typeof spawn>, limitMs: number): Watched {
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => { text.stdout += chunk.toString('utf8'); });
  child.stderr?.on('data', (chunk: Buffer) => { text.stderr += chunk.toString('utf8'); });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself in this moment.
    }
  };
  process.once('exit', end);
  const ended = new Promise<number | null>((resolve, reject) => {
    const limit = setTimeout(end, limitMs);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      process.off('exit', end);
      resolve(code);
    });
  });
  return { text, end, ended };
}
