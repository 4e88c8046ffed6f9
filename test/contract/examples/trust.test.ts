/** The shipped roles, deployed as the how-tos have them, trust exactly the jobs of the reusable workflows that use them: a job that they do not trust fails when production is paused. */
import { describe, expect, it } from '@jest/globals';
import path from 'node:path';
import { parse } from 'yaml';
import { jobsOf } from '../../sandbox/act/jobs.js';
import { repository } from '../../sandbox/act/stage.js';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';
import { text, type Workflow } from './documents.js';

const ACCOUNT = '111122223333', REPOSITORY = 'acme/airflow', PARAMETERS = { Repository: REPOSITORY, SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags' };
const ROLES = { 'plan-role': 'plan', 'target-plan-role': 'plan', 'source-role': 'source', 'target-role': 'target' } as const;
const WORKFLOWS = path.join(repository, '.github/workflows');

/** Of the token that GitHub gives each job of a run on the default branch. @param inputs of the called workflow */
function uses(workflow: string, inputs: Readonly<Record<string, string>>): readonly (readonly [job: string, role: string, subject: string])[] {
  const { jobs, on } = parse(text(`.github/workflows/${workflow}`)) as Workflow;
  const declared = (typeof on === 'object' && on.workflow_call?.inputs) || {};
  const given = { ...Object.fromEntries(Object.entries(declared).map(([name, { default: value = '' }]) => [`inputs.${name}`, String(value)])), ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs.${name}`, value])) };
  const environments = new Map(jobsOf(path.join(WORKFLOWS, workflow), WORKFLOWS, given).map(({ id, environment }) => [id, environment]));
  return Object.entries(jobs).flatMap(([id, { steps = [] }]) => {
    const environment = environments.get(id), subject = `repo:${REPOSITORY}:${environment === undefined ? 'ref:refs/heads/main' : `environment:${environment}`}`;
    return steps.flatMap(({ with: handed = {} }) => Object.keys(ROLES).filter((name) => name in handed).map((name) => [id, ROLES[name as keyof typeof ROLES], subject] as const));
  });
}

function trusted(parameters: Readonly<Record<string, string>>): (role: string) => readonly string[] {
  const world = createIdentityWorld({ accounts: [ACCOUNT] });
  loadTemplate(world, path.join(repository, 'docs/iam/roles.yaml'), { account: ACCOUNT, region: 'eu-west-1', parameters: { ...PARAMETERS, ...parameters } });
  return (role) => {
    const statements = [world.identities.trustPolicy(`arn:aws:iam::${ACCOUNT}:role/mwaa-migrate-${role}`)?.Statement ?? []].flat();
    const Condition = (statements[0]?.Condition ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    return [Condition['StringEquals']?.['token.actions.githubusercontent.com:sub'] ?? []].flat() as unknown as readonly string[];
  };
}

describe.each([
  { because: 'as it is', workflow: 'migrate.yml', inputs: {}, parameters: {} },
  { because: 'with a second gate in the environment of the first', workflow: 'migrate.yml', inputs: { 'cutover-environment': 'migration-production' }, parameters: {} },
  { because: 'with a second gate of its own', workflow: 'migrate.yml', inputs: { 'cutover-environment': 'migration-cutover' }, parameters: { CutoverGitHubEnvironment: 'migration-cutover' } },
  { because: 'without reviewers', workflow: 'migrate.yml', inputs: { gate: 'dispatch' }, parameters: { GitHubEnvironment: 'migration-prepare', SecondGitHubEnvironment: '' } },
  { because: 'one of several migrations', workflow: 'migrate.yml', inputs: { 'gate-environment': 'migration-billing' }, parameters: { GitHubEnvironment: 'migration-billing' } },
  { because: 'the way back by hand', workflow: 'rollback.yml', inputs: {}, parameters: {} },
])('$workflow $because', ({ workflow, inputs, parameters }) => {
  const subjects = trusted(parameters);
  // Without its input this job never runs.
  const used = uses(workflow, inputs).filter(([job]) => job !== 'cutover-gate' || 'cutover-environment' in inputs);

  it('each role trusts each job that uses it', () => {
    expect(used.length).toBeGreaterThan(1);
    expect(used.filter(([, role, subject]) => !subjects(role).includes(subject))).toEqual([]);
  });

  it('no role that changes something trusts a job without a GitHub environment', () => {
    for (const role of ['source', 'target']) expect(subjects(role).length).toBeGreaterThan(0);
    for (const role of ['source', 'target']) expect(subjects(role).filter((subject) => !subject.includes(':environment:'))).toEqual([]);
  });
});

it('a second gate of its own is trusted by the source role alone', () => {
  const subject = `repo:${REPOSITORY}:environment:migration-cutover`, subjects = trusted({ CutoverGitHubEnvironment: 'migration-cutover' });
  expect(['plan', 'source', 'target'].map((role) => subjects(role).includes(subject))).toEqual([false, true, false]);
});
