/**
 * What GitHub knows of the jobs of a workflow and act ignores: environment, `id-token: write`, jobs that a further attempt does not run again.
 * Read from the YAML as it is in the repository, and handed to programs/bash as files, so that no workflow is rewritten for it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { evaluate } from './expression.js';

export type Job = Readonly<{ id: string; needs: readonly string[]; environment: string | undefined; mayAskForToken: boolean }>;
/** Of the steps of a job that is not run again, by name. */
export type KeptOutputs = Readonly<Record<string, string>>;
/** What GitHub says to a job that names an environment, each time it is asked. */
export type Gate = (job: string, environment: string) => 'begins' | 'waits' | 'rejected';

type Declared = Readonly<Record<string, Readonly<{ default?: unknown }>>>;
type Yaml = Readonly<{
  on?: Readonly<Partial<Record<'workflow_call' | 'workflow_dispatch', Readonly<{ inputs?: Declared }> | null>>>;
  jobs: Readonly<Record<string, Readonly<{ uses?: string; with?: Readonly<Record<string, unknown>>; needs?: string | readonly string[]; environment?: string | Readonly<{ name: string }>; permissions?: Readonly<Record<string, string>> }>>>;
}>;

/**
 * Every job that has steps: of the caller's workflow, and of ours that it calls.
 * @param ours folder with our workflows @param given repository variables (`vars.x`) and inputs of the event (`inputs.x`), for what the caller hands on
 * @throws Error when two workflows have a job of the same id, or an expression is none that expression.ts knows
 */
export function jobsOf(file: string, ours: string, given: Readonly<Record<string, string>>): readonly Job[] {
  const workflow = parse(readFileSync(file, 'utf8')) as Yaml;
  const found = jobsIn(workflow, { ...defaultsOf(workflow.on?.workflow_dispatch?.inputs), ...given }, (uses) => path.join(ours, path.basename(uses.split('@')[0] ?? '')));
  const twice = found.find(({ id }, at) => found.findIndex((other) => other.id === id) !== at);
  if (twice) throw new Error(`Two workflows of one run have a job "${twice.id}": the stand-in tells jobs apart by their ids.`);
  return found;
}

function jobsIn(workflow: Yaml, given: Readonly<Record<string, string>>, find: (uses: string) => string): readonly Job[] {
  return Object.entries(workflow.jobs).flatMap(([id, { uses, with: handed = {}, needs = [], environment, permissions = {} }]): readonly Job[] => {
    if (uses === undefined) {
      const name = evaluate(typeof environment === 'object' ? environment.name : environment ?? '', given);
      return [{ id, needs: typeof needs === 'string' ? [needs] : needs, environment: name || undefined, mayAskForToken: permissions['id-token'] === 'write' }];
    }
    const called = parse(readFileSync(find(uses), 'utf8')) as Yaml;
    const inputs = Object.entries(handed).map(([name, value]) => [`inputs.${name}`, evaluate(String(value), given)]);
    return jobsIn(called, { ...defaultsOf(called.on?.workflow_call?.inputs), ...Object.fromEntries(inputs) as Record<string, string> }, find);
  });
}

const defaultsOf = (declared: Declared = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(declared).map(([name, { default: value }]) => [`inputs.${name}`, String(value ?? '')]));

/** @param folder made here: one folder a job */
export function tellJobs(folder: string, jobs: readonly Job[], { idTokenEnv, kept, hasGate }: Readonly<{ idTokenEnv: (job: Job) => Readonly<Record<string, string>>; kept: Readonly<Record<string, KeptOutputs>>; hasGate: boolean }>): void {
  for (const job of jobs) {
    const of = (name: string): string => path.join(folder, job.id, name);
    mkdirSync(path.join(folder, job.id), { recursive: true });
    const outputs = kept[job.id];
    if (outputs) writeFileSync(of('kept'), Object.entries(outputs).map(([name, value]) => `${name}<<kept-output-ends\n${value}\nkept-output-ends\n`).join(''));
    if (job.environment !== undefined && hasGate) writeFileSync(of('environment'), job.environment);
    if (job.mayAskForToken) writeFileSync(of('env'), Object.entries(idTokenEnv(job)).map(([name, value]) => `${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`).join(''));
  }
}

/** Answers the jobs that ask. @returns ends it */
export function answerJobs(folder: string, gate: Gate): () => void {
  const timer = setInterval(() => {
    for (const job of existsSync(folder) ? readdirSync(folder) : []) {
      const of = (name: string): string => path.join(folder, job, name);
      if (!existsSync(of('asks')) || existsSync(of('may')) || existsSync(of('may-not'))) continue;
      const answer = gate(job, readFileSync(of('environment'), 'utf8'));
      if (answer !== 'waits') writeFileSync(of(answer === 'begins' ? 'may' : 'may-not'), '');
    }
  }, 100);
  return () => clearInterval(timer);
}
