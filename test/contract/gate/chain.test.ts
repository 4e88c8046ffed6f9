/** The chain in the code and the jobs of migrate.yml are the same: one that phase start does not know would never run, and nobody would see it. */
import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CHOSEN_JOBS, OWN_RULE_JOBS } from '../../../src/gate/chain.js';

type Job = Readonly<{ needs?: string | readonly string[]; if?: string; steps: readonly Readonly<{ id?: string; with?: Readonly<Record<string, unknown>> }>[] }>;
const { on, jobs } = parse(readFileSync(new URL('../../../.github/workflows/migrate.yml', import.meta.url), 'utf8')) as Readonly<{ on: Readonly<{ workflow_call: Readonly<{ inputs: Readonly<Record<string, unknown>> }> }>; jobs: Readonly<Record<string, Job>> }>;
const needs = (job: Job | undefined): readonly string[] => [job?.needs ?? []].flat();

it('has the jobs of the workflow, in its order', () => expect(['start', ...CHOSEN_JOBS, 'watch-rollback', 'cutover-watch-rollback', 'rollback', 'finish']).toEqual(Object.keys(jobs)));

it('knows which of them have rules of their own', () => expect(Object.keys(jobs).filter((id) => !(jobs[id]?.if ?? '').includes(`contains(fromJSON(needs.start.outputs.jobs), '${id}')`)).sort()).toEqual([...OWN_RULE_JOBS].sort()));

it.each(CHOSEN_JOBS)('job %s is chosen by its own name, after job start and after no job that comes later', (id) => {
  const own = (jobs[id]?.if ?? '').match(/fromJSON\(needs\.start\.outputs\.jobs\), '([\w-]+)'/gu) ?? [];
  expect(own).toEqual([`fromJSON(needs.start.outputs.jobs), '${id}'`]);
  expect(needs(jobs[id])).toContain('start');
  const order = Object.keys(jobs);
  for (const before of needs(jobs[id])) expect(order.indexOf(before)).toBeLessThan(order.indexOf(id));
});

it('gets everything that it decides by: job start hands on every input that it takes', () => {
  const given = jobs['start']?.steps.find(({ id }) => id === 'start')?.with ?? {};
  for (const name of ['gate', 'gate-environment', 'gate-timeout-minutes', 'allow-unprotected-gate', 'cutover-environment', 'pause', 'from', 'only']) {
    expect(Object.keys(on.workflow_call.inputs)).toContain(name);
    expect([name, given[name]]).toEqual([name, `\${{ inputs.${name} }}`]);
  }
});
