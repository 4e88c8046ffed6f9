/** The text of the reusable workflow: what act does not look at (permissions) and what must never be in it. */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { forAct, repository } from '../../sandbox/act/stage.js';

type Step = Readonly<{ id?: string; if?: string; uses?: string; run?: string; with?: Readonly<Record<string, unknown>>; env?: Readonly<Record<string, string>> }>;
type Job = Readonly<{ if?: string; needs?: string; permissions: Readonly<Record<string, string>>; environment?: unknown; secrets?: unknown; env?: unknown; outputs?: Readonly<Record<string, string>>; steps: readonly Step[] }>;
type Declared = Readonly<Record<string, Readonly<{ default?: unknown; description?: string; value?: string }>>>;
type Workflow = Readonly<{ on: Readonly<{ workflow_call: Readonly<{ inputs: Declared; outputs: Declared; secrets?: unknown }> }>; permissions: unknown; concurrency: Readonly<Record<string, unknown>>; jobs: Readonly<Record<string, Job>> }>;
type Calling = Readonly<{ permissions: unknown; jobs: Readonly<Record<string, Readonly<{ permissions: unknown; uses: string; with: Readonly<Record<string, unknown>>; secrets?: unknown }>>> }>;

const text = (name: string): string => readFileSync(path.join(repository, name), 'utf8');
const source = text('.github/workflows/dry-run.yml');
const workflow = parse(source) as Workflow;
const action = parse(text('action.yml')) as Readonly<{ inputs: Declared; outputs: Declared }>;
const { check, plan } = workflow.jobs as Readonly<Record<'check' | 'plan', Job>>;
const stepsOf = (job: Job, used: string): readonly Step[] => job.steps.filter(({ uses = '' }) => uses.startsWith(used));
const FORK = "github.event.pull_request && github.event.pull_request.head.repo.full_name != github.repository";

describe('job check, which runs the DAG code of a pull request', () => {
  it('may read the repository and nothing else', () => expect(check.permissions).toEqual({ contents: 'read' }));

  it('is given no token, no role and no environment', () => {
    const [step] = stepsOf(check, '$/');
    expect(step?.with).toEqual({ phase: 'check', config: '${{ inputs.config }}', 'github-token': '' });
    expect(check.environment).toBeUndefined();
    expect(JSON.stringify(check)).not.toMatch(/github\.token|plan-role|id-token/u);
  });

  it('runs nothing after the DAG code but the upload', () => {
    const at = check.steps.findIndex(({ id }) => id === 'check');
    expect(check.steps.slice(at + 1).map(({ uses }) => uses?.split('@')[0])).toEqual(['actions/upload-artifact']);
  });
});

describe('job plan, which reaches AWS', () => {
  it('may read the repository, ask for an OIDC token and comment, and nothing else', () =>
    expect(plan.permissions).toEqual({ contents: 'read', 'id-token': 'write', 'pull-requests': 'write' }));

  it('runs also after a red check, and never for a fork', () => {
    expect(plan.needs).toBe('check');
    expect(plan.if).toBe(`\${{ !cancelled() && !(${FORK}) }}`);
  });

  it('takes of the check what is text: the id of its artifact', () => {
    expect(check.outputs).toEqual({ 'artifact-id': '${{ steps.upload.outputs.artifact-id }}', errors: '${{ steps.check.outputs.blockers }}' });
    expect([...new Set(JSON.stringify(plan).match(/needs\.check\.[a-z.-]+/gu))].sort()).toEqual(['needs.check.outputs.artifact-id', 'needs.check.result']);
  });
});

describe('the workflow', () => {
  it('takes no secret and gives no permission by default', () => {
    expect(workflow.permissions).toEqual({});
    expect(workflow.on.workflow_call.secrets).toBeUndefined();
    expect(source).not.toMatch(/secrets\./u);
  });

  it('has no expression in a script: what it names reaches a shell as data only', () => {
    const scripts = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect(script).not.toContain('${{');
  });

  it('leaves no token in a checkout, and names every action of others by its commit', () => {
    const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
    for (const step of steps.filter(({ uses = '' }) => uses.startsWith('actions/checkout@'))) expect(step.with?.['persist-credentials']).toBe(false);
    for (const { uses } of steps) if (uses) expect(uses).toMatch(/^\$\/\.github\/actions\/phase$|^actions\/[a-z-]+@[0-9a-f]{40}$/u);
    for (const [line] of source.matchAll(/uses: actions\/.*$/gmu)) expect(line).toMatch(/ # v\d+\.\d+\.\d+$/u);
  });

  it('lets a newer push of the same pull request and migration take the place of an older one', () => {
    expect(workflow.concurrency['cancel-in-progress']).toBe(true);
    for (const part of ['inputs.config', 'github.event.pull_request.number', 'inputs.pull-request', 'github.ref']) expect(workflow.concurrency['group']).toContain(part);
    // The caller's name as part of the group would let caller and called one cancel each other.
    expect(workflow.concurrency['group']).not.toContain('github.workflow');
  });

  it('gives the phases inputs that the action has, and hands on outputs that it has', () => {
    for (const job of [check, plan]) for (const step of stepsOf(job, '$/')) for (const name of Object.keys(step.with ?? {})) expect(Object.keys(action.inputs)).toContain(name);
    const used = [...source.matchAll(/steps\.(?:check|plan)\.outputs\.([a-z-]+)/gu)].map(([, name]) => name);
    expect(Object.keys(action.outputs)).toEqual(expect.arrayContaining(used));
    for (const [name, { value = '' }] of Object.entries(workflow.on.workflow_call.outputs)) {
      const [, job = '', output = ''] = /^\$\{\{ jobs\.([a-z]+)\.outputs\.([a-z-]+) \}\}$/u.exec(value) ?? [];
      expect([name, workflow.jobs[job]?.outputs?.[output]]).toEqual([name, expect.stringContaining('steps.')]);
    }
  });

  it('has the migration file where the action looks for it', () => expect(workflow.on.workflow_call.inputs['config']?.default).toBe(action.inputs['config']?.default));
});

describe('docs/examples/dry-run.yml', () => {
  const caller = parse(text('docs/examples/dry-run.yml')) as Calling;
  const [job] = Object.values(caller.jobs);

  it('grants what the called jobs ask for together, and no more', () => {
    expect(caller.permissions).toEqual({});
    expect(job?.permissions).toEqual({ ...check.permissions, ...plan.permissions });
  });

  it('gives inputs that there are, and no secret', () => {
    expect(job?.uses).toBe('OWNER/mwaa-migrate/.github/workflows/dry-run.yml@v1');
    expect(Object.keys(workflow.on.workflow_call.inputs)).toEqual(expect.arrayContaining(Object.keys(job?.with ?? {})));
    expect(job?.secrets).toBeUndefined();
  });
});

describe('the copy that act runs', () => {
  it('differs in the names of our own action', () => {
    const back = JSON.parse(JSON.stringify(parse(forAct(source))).replaceAll(/OWNER\/mwaa-migrate\/([^"@]+)@v1/gu, '$/$1')) as Workflow;
    expect(back).toEqual(workflow);
  });
});
