/** Every workflow that a user may copy: docs/examples, and what stands between fences in README and how-tos. Read by themselves, never with the product's own code. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { repository } from '../../sandbox/act/stage.js';

export type Step = Readonly<{ uses?: string; with?: Readonly<Record<string, unknown>> }>;
export type Job = Readonly<{
  uses?: string; with?: Readonly<Record<string, unknown>>; permissions?: Readonly<Record<string, string>>; secrets?: unknown; strategy?: Readonly<{ 'fail-fast'?: boolean; matrix: Readonly<Record<string, unknown>> }>;
  environment?: string; 'timeout-minutes'?: number; steps?: readonly Step[];
}>;
export type Declared = Readonly<Record<string, Readonly<{ type?: string; required?: boolean; default?: unknown; options?: readonly string[]; description?: string }>>>;
export type Workflow = Readonly<{
  on?: Readonly<{ workflow_dispatch?: Readonly<{ inputs?: Declared }> | null; workflow_call?: Readonly<{ inputs?: Declared }> }> | string;
  permissions?: unknown; concurrency?: Readonly<Record<string, unknown>>; jobs: Readonly<Record<string, Job>>;
}>;
/** `isWhole`: a file of its own, not an excerpt. */
export type Document = Readonly<{ where: string; text: string; workflow: Workflow; isWhole: boolean }>;

export const text = (name: string): string => readFileSync(path.join(repository, name), 'utf8');
const namesIn = (folder: string, ending: string): readonly string[] => readdirSync(path.join(repository, folder)).filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`).sort();

export const EXAMPLES = namesIn('docs/examples', '.yml');
export const PAGES = ['README.md', 'docs/README.md', ...namesIn('docs/how-to', '.md')];

/** Fences may stand inside of a list. @returns the bodies without its indentation */
export function fenced(page: string, language: string): readonly string[] {
  const fence = new RegExp(String.raw`^(?<indent> *)\x60\x60\x60${language}\n(?<body>[\s\S]*?)^\k<indent>\x60\x60\x60$`, 'gmu');
  return [...text(page).matchAll(fence)].map(({ groups: { indent = '', body = '' } = {} }) => body.replaceAll(new RegExp(`^${indent}`, 'gmu'), ''));
}

const isWorkflow = (value: unknown): value is Workflow => typeof value === 'object' && value !== null && 'jobs' in value;

export const DOCUMENTS: readonly Document[] = [
  ...EXAMPLES.map((where) => ({ where, text: text(where), workflow: parse(text(where)) as Workflow, isWhole: true })),
  ...PAGES.flatMap((where) => fenced(where, 'yaml').flatMap((body) => {
    const workflow: unknown = parse(body);
    return isWorkflow(workflow) ? [{ where, text: body, workflow, isWhole: false }] : [];
  })),
];

/** `[where, id of the job, job, document]`, for it.each. */
export const jobsOf = (isWanted: (job: Job) => boolean): readonly (readonly [string, string, Job, Document])[] =>
  DOCUMENTS.flatMap((document) => Object.entries(document.workflow.jobs).filter(([, job]) => isWanted(job)).map(([id, job]) => [document.where, id, job, document] as const));

const OURS = /^OWNER\/mwaa-migrate\/(?<file>\.github\/workflows\/[a-z-]+\.yml)@v1$/u;
/** The reusable workflow that a job calls. @throws Error when it is none of ours */
export function calledBy(job: Job): Workflow {
  const file = OURS.exec(job.uses ?? '')?.groups?.['file'];
  if (file === undefined) throw new Error(`"${job.uses ?? ''}" is no reusable workflow of this repository at v1.`);
  return parse(text(file)) as Workflow;
}
