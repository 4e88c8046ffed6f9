/** The example workflows are taken as they stand: the action accepts every step, and the roles of docs/iam/roles.yaml trust every job. actionlint and zizmor read them in `lint`. */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { readInputs } from '../../../src/inputs.js';

type Step = Readonly<{ uses?: string; with?: Readonly<Record<string, unknown>> }>;
type Job = Readonly<{ permissions?: Readonly<Record<string, string>>; environment?: string; 'timeout-minutes'?: number; steps: readonly Step[] }>;
type Workflow = Readonly<{ jobs: Readonly<Record<string, Job>>; on: unknown }>;

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const text = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const names = readdirSync(path.join(root, 'docs/examples'));
/** A value as the expression would give it. */
const resolved = (value: unknown): string =>
  String(value).replace(/\$\{\{ (.*?) \}\}/gu, (_, expression: string) => (expression.includes('digest') ? 'a'.repeat(64) : expression.startsWith('vars.') ? 'arn:aws:iam::111122223333:role/mwaa-migrate-source' : 'true'));
const inputsOf = ({ with: given = {} }: Step) => readInputs(JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, resolved(value)]))));
const isOurs = ({ uses = '' }: Step): boolean => uses.startsWith('OWNER/mwaa-migrate@');

it.each(names)('docs/examples/%s is linked from the README', (name) => expect(text('README.md')).toContain(`(docs/examples/${name})`));

/** dry-run.yml calls a reusable workflow and has no steps; test/contract/workflows looks at it. */
describe.each(names.filter((name) => name !== 'dry-run.yml'))('docs/examples/%s', (name) => {
  const workflow = parse(text(`docs/examples/${name}`)) as Workflow;
  it.each(Object.entries(workflow.jobs))('job %s has the token, the migration file, the environment that its roles trust, and time for its steps', (_, job) => {
    const steps = job.steps.filter(isOurs).map(inputsOf);
    expect(steps.length).toBeGreaterThan(0);
    expect(job.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
    expect(job.steps[0]?.uses).toMatch(/^actions\/checkout@/u);
    const hasChangingRole = steps.some(({ sourceRole, targetRole }) => sourceRole ?? targetRole);
    expect(['migration-prepare', 'migration-production'].includes(job.environment ?? '')).toBe(hasChangingRole);
    if (hasChangingRole) expect(steps.reduce((sum, { timeoutMinutes }) => sum + timeoutMinutes, 0)).toBeLessThan(job['timeout-minutes'] ?? 0);
  });
});

it('the way back is there too, behind the gate of the migration, with a dry run to choose', () => {
  const { jobs, on } = parse(text('docs/examples/rollback.yml')) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps).filter(isOurs);
  expect(steps.map((step) => inputsOf(step).phase)).toEqual(['rollback']);
  expect(steps[0]?.with?.['dry-run']).toBe('${{ inputs.dry-run }}');
  expect(on).toHaveProperty('workflow_dispatch.inputs.dry-run.type', 'boolean');
  expect(Object.values(jobs).map(({ environment }) => environment)).toEqual(['migration-production']);
});
