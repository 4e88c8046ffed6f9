/** Workflows that stand in the text of README and how-tos: whoever copies one gets inputs that there are, and a job without too many permissions. */
import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { readInputs } from '../../../src/inputs.js';
import { repository } from '../../sandbox/act/stage.js';

type Step = Readonly<{ uses?: string; with?: Readonly<Record<string, unknown>> }>;
type Job = Readonly<{ permissions: Readonly<Record<string, string>>; steps: readonly Step[] }>;

const pages = ['README.md', ...readdirSync(path.join(repository, 'docs/how-to')).map((name) => `docs/how-to/${name}`)];
/** Fences may stand inside of a list. */
const FENCE = /^(?<indent> *)```yaml\n(?<body>[\s\S]*?)^\k<indent>```$/gmu;
const jobs = pages.flatMap((page) => [...readFileSync(path.join(repository, page), 'utf8').matchAll(FENCE)].flatMap(({ groups: { indent = '', body = '' } = {} }) => {
  const value = parse(body.replaceAll(new RegExp(`^${indent}`, 'gmu'), '')) as Readonly<{ jobs?: Readonly<Record<string, Job>> }> | null;
  return Object.entries(value?.jobs ?? {}).map(([name, job]) => ({ page, name, job }));
}));

it('there are some', () => expect(new Set(jobs.map(({ page }) => page))).toEqual(new Set(['README.md', 'docs/how-to/check-your-dags.md', 'docs/how-to/review-a-plan.md'])));

/** A value as the expression would give it. */
const resolved = (value: unknown): string => String(value).replace(/\$\{\{ (.*?) \}\}/gu, (_, expression: string) =>
  (expression.includes('digest') ? 'a'.repeat(64) : expression.startsWith('vars.') ? 'arn:aws:iam::111122223333:role/mwaa-migrate-plan' : expression === 'inputs.pull-request' ? '7' : '/tmp'));

it.each(jobs)('$page, job $name: the action takes the inputs, and DAG code meets no credential', ({ job }) => {
  const ours = job.steps.filter(({ uses = '' }) => uses.startsWith('OWNER/mwaa-migrate@')).map(({ with: given = {} }) => given);
  expect(ours.length).toBeGreaterThan(0);
  for (const given of ours) {
    const { phase } = readInputs(JSON.stringify(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, resolved(value)]))));
    if (phase !== 'check') continue;
    expect([ours.length, job.permissions, given['github-token']]).toEqual([1, { contents: 'read' }, '']);
    expect(job.steps[0]).toMatchObject({ uses: expect.stringMatching(/^actions\/checkout@/u), with: { 'persist-credentials': false } });
  }
});
