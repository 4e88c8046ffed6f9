/** Our reusable workflows as their YAML has them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { repository } from '../../sandbox/act/stage.js';

export type Step = Readonly<{ id?: string; name?: string; if?: string; uses?: string; run?: string; with?: Readonly<Record<string, unknown>>; env?: Readonly<Record<string, string>> }>;
export type Job = Readonly<{
  name?: string; if?: string; needs?: string | readonly string[]; 'runs-on': string; 'timeout-minutes': number | string; environment?: string; secrets?: unknown; env?: unknown;
  concurrency?: Readonly<{ group: string; 'cancel-in-progress': boolean }>; permissions: Readonly<Record<string, string>>; outputs?: Readonly<Record<string, string>>; steps: readonly Step[];
}>;
export type Declared = Readonly<Record<string, Readonly<{ type?: string; required?: boolean; default?: unknown; description?: string; value?: string }>>>;
export type Workflow = Readonly<{
  name: string; permissions: unknown; concurrency?: unknown; env?: unknown;
  on: Readonly<{ workflow_call: Readonly<{ inputs: Declared; outputs: Declared; secrets?: unknown }> }>;
  jobs: Readonly<Record<string, Job>>;
}>;

export const textOf = (name: string): string => readFileSync(path.join(repository, name), 'utf8');
export const workflowOf = (name: string): Workflow => parse(textOf(`.github/workflows/${name}`)) as Workflow;
export const needsOf = ({ needs = [] }: Pick<Job, 'needs'>): readonly string[] => (typeof needs === 'string' ? [needs] : needs);

/** The step of a job that runs a phase: each job has one. */
export function phaseOf(job: Job | undefined): Step & Readonly<{ with: Readonly<Record<string, unknown>> }> {
  const [step, ...more] = job?.steps.filter(({ uses = '' }) => uses.startsWith('$/')) ?? [];
  if (!step?.with || more.length > 0) throw new Error(`Job ${job?.name ?? '(none)'} does not run one phase.`);
  return { ...step, with: step.with };
}
