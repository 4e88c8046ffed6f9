/** The workflow run that we are part of, as the runner tells it: variables, and the file with the event. */
import { readFile } from 'node:fs/promises';
import type { WorkflowRun } from '../../ports.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Never throws: by hand there is no run, and a damaged event only costs the comment. */
export async function readWorkflowRun(env: Env): Promise<WorkflowRun> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: id, GITHUB_SHA: sha } = env;
  const event = await readEvent(env['GITHUB_EVENT_PATH']);
  const pull = at(event, 'pull_request');
  const number = at(pull, 'number'), head = at(at(pull, 'head'), 'repo'), base = at(at(at(pull, 'base'), 'repo'), 'full_name'), headSha = at(at(pull, 'head'), 'sha');
  const isPull = typeof number === 'number' && Number.isSafeInteger(number);
  return {
    url: server && repository && id ? `${server}/${repository}/actions/runs/${id}` : undefined,
    id,
    attempt: /^[1-9]\d*$/u.test(env['GITHUB_RUN_ATTEMPT'] ?? '') ? Number(env['GITHUB_RUN_ATTEMPT']) : undefined,
    event: env['GITHUB_EVENT_NAME'] || undefined,
    ref: env['GITHUB_REF'] || undefined,
    // owner/repo/.github/workflows/file.yml@ref: https://docs.github.com/actions/reference/workflows-and-actions/variables#default-environment-variables
    workflowFile: /\/\.github\/workflows\/([\w.-]+\.ya?ml)@/u.exec(env['GITHUB_WORKFLOW_REF'] ?? '')?.[1],
    // A re-run has the first starter as its actor, and is done by whoever triggers it.
    startedBy: [...new Set([env['GITHUB_ACTOR'], env['GITHUB_TRIGGERING_ACTOR']].filter((name): name is string => Boolean(name)))],
    // The runner's own is the merge of both sides, which nobody has seen.
    commit: isPull && typeof headSha === 'string' ? headSha : sha,
    pullRequest: isPull ? {
      number,
      // GitHub gives their runs a token that only reads. The repository of a deleted fork is null. pull_request_target runs with the token of the base.
      isFork: env['GITHUB_EVENT_NAME'] === 'pull_request' && at(head, 'full_name') !== base,
    } : undefined,
  };
}

async function readEvent(file: string | undefined): Promise<unknown> {
  try {
    return file ? JSON.parse(await readFile(file, 'utf8')) : undefined;
  } catch {
    return undefined; // said by the phase: it finds no pull request
  }
}

const at = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined);
