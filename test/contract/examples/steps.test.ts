/** Jobs that use the action itself, in the example of an own workflow and in the text of the how-tos: the action takes every step, the shipped roles trust every job. */
import { describe, expect, it } from '@jest/globals';
import { readInputs } from '../../../src/inputs.js';
import { jobsOf, type Step } from './documents.js';

const jobs = jobsOf(({ steps = [] }) => steps.length > 0);
/** A value as the expression would give it. */
const resolved = (value: unknown): string => String(value).replace(/\$\{\{ (.*?) \}\}/gu, (_, expression: string) => {
  if (expression.includes('digest')) return 'a'.repeat(64);
  if (expression.startsWith('vars.')) return 'arn:aws:iam::111122223333:role/mwaa-migrate-plan';
  return expression === 'inputs.pull-request' ? '7' : expression === 'inputs.dry-run' ? 'true' : '/tmp';
});
const inputsOf = ({ with: given = {} }: Step) => readInputs(JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, resolved(value)]))));
const isOurs = ({ uses = '' }: Step): boolean => uses.startsWith('OWNER/mwaa-migrate@');
/** As docs/iam/roles.yaml trusts them by default. */
const TRUSTED = ['migration-prepare', 'migration-production'];

it('there are some', () => expect(new Set(jobs.map(([where]) => where))).toEqual(new Set(['docs/examples/own-workflow.yml', 'docs/how-to/check-your-dags.md', 'docs/how-to/own-workflow.md'])));

describe.each(jobs)('%s, job %s', (_, __, job, { isWhole }) => {
  const given = (job.steps ?? []).filter(isOurs).map(({ with: inputs = {} }) => inputs), steps = (job.steps ?? []).filter(isOurs).map(inputsOf);

  it('begins with the checkout that holds the migration file, and leaves no token in it', () => {
    expect(steps.length).toBeGreaterThan(0);
    expect(job.steps?.[0]).toMatchObject({ uses: expect.stringMatching(/^actions\/checkout@/u), with: { 'persist-credentials': false } });
  });

  it('has the permissions of its phases, and no more', () => {
    const isCheck = steps.some(({ phase }) => phase === 'check');
    expect([isCheck ? steps.length : 1, job.permissions]).toEqual([1, { contents: 'read', ...(isCheck ? {} : { 'id-token': 'write' }) }]);
    if (isCheck) expect(given[0]?.['github-token']).toBe('');
  });

  it('names an environment that the roles trust, and has time for its steps', () => {
    const hasChangingRole = steps.some(({ sourceRole, targetRole }) => sourceRole ?? targetRole);
    expect(TRUSTED.includes(job.environment ?? '')).toBe(hasChangingRole);
    if (isWhole && hasChangingRole) expect(steps.reduce((sum, { timeoutMinutes }) => sum + timeoutMinutes, 0)).toBeLessThan(job['timeout-minutes'] ?? 0);
  });
});

describe('docs/examples/own-workflow.yml', () => {
  it('pauses, imports and activates behind the reviewers only, and gives what they have approved', () => {
    const gated = jobs.filter(([where, , { environment }]) => where.endsWith('own-workflow.yml') && environment === 'migration-production').flatMap(([, , { steps = [] }]) => steps.filter(isOurs).map(inputsOf));
    expect(gated.map(({ phase, mode, approvedPlan, approvedManifest }) => [phase, mode, approvedPlan !== undefined, approvedManifest !== undefined])).toEqual([
      ['export', 'final', true, false], ['import', 'rehearsal', false, true], ['verify', 'rehearsal', false, false], ['cutover', 'rehearsal', false, false],
    ]);
    const others = jobs.filter(([where, , { environment }]) => where.endsWith('own-workflow.yml') && environment !== 'migration-production').flatMap(([, , { steps = [] }]) => steps.filter(isOurs).map(inputsOf));
    expect(others.map(({ phase, mode }) => `${phase} ${mode}`)).toEqual(['plan rehearsal', 'resources rehearsal', 'create rehearsal', 'export rehearsal']);
  });
});
