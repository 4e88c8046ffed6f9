/** The text of dry-run.yml: what is its own. called-workflows.test.ts holds what all our workflows have in common. */
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type Job, textOf, workflowOf } from './workflow-file.js';

type Calling = Readonly<{ permissions: unknown; jobs: Readonly<Record<string, Readonly<{ permissions: unknown; uses: string; with: Readonly<Record<string, unknown>>; secrets?: unknown }>>> }>;

const workflow = workflowOf('dry-run.yml');
const { check, plan } = workflow.jobs as Readonly<Record<'check' | 'plan', Job>>;
const FORK = "github.event.pull_request && github.event.pull_request.head.repo.full_name != github.repository";

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
  it('lets a newer push of the same pull request and migration take the place of an older one', () => {
    const concurrency = workflow.concurrency as Readonly<Record<string, unknown>>;
    expect(concurrency['cancel-in-progress']).toBe(true);
    for (const part of ['inputs.config', 'github.event.pull_request.number', 'inputs.pull-request', 'github.ref']) expect(concurrency['group']).toContain(part);
    // The caller's name as part of the group would let caller and called one cancel each other.
    expect(concurrency['group']).not.toContain('github.workflow');
  });
});

describe('docs/examples/dry-run.yml', () => {
  const caller = parse(textOf('docs/examples/dry-run.yml')) as Calling;
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
