/** What holds for each of our reusable workflows: least rights, nothing of ours that can be forged, every input used and described. */
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { ensureTools } from '../../../scripts/python.mjs';
import { repository, stage } from '../../sandbox/act/stage.js';
import { ancestorsOf } from './job-graph.js';
import { type Declared, needsOf, phaseOf, textOf, workflowOf } from './workflow-file.js';

const action = parse(textOf('action.yml')) as Readonly<{ inputs: Declared; outputs: Declared }>;
const called = readdirSync(path.join(repository, '.github/workflows')).filter((name) => /^ {2}workflow_call:/mu.test(textOf(`.github/workflows/${name}`)));

it('there are three, and each has its page of reference', () => {
  expect(called.sort()).toEqual(['dry-run.yml', 'migrate.yml', 'rollback.yml']);
  expect(readdirSync(path.join(repository, 'docs/reference'))).toEqual(expect.arrayContaining(['dry-run.md', 'migrate-workflow.md', 'rollback-workflow.md']));
});

describe.each(called)('%s', (name) => {
  const source = textOf(`.github/workflows/${name}`), workflow = workflowOf(name);
  const { inputs, outputs, secrets } = workflow.on.workflow_call;
  const jobs = Object.entries(workflow.jobs);

  it('takes no secret and gives no permission by default; a job has those that its line gives a reason for', () => {
    expect([workflow.permissions, secrets, workflow.env]).toEqual([{}, undefined, undefined]);
    expect(source).not.toMatch(/secrets\.|secrets:/u);
    for (const [id, job] of jobs) expect([id, job.secrets, job.env, Object.values(job.permissions).filter((right) => right !== 'read' && right !== 'write')]).toEqual([id, undefined, undefined, []]);
    for (const [line] of source.matchAll(/^ {6}[a-z-]+: (?:read|write)\b.*$/gmu)) expect(line).toMatch(/ # \S/u);
  });

  it('has no expression in a script: what it names reaches a shell as data only', () => {
    for (const [id, { steps }] of jobs) for (const { run = '' } of steps) expect([id, run]).not.toEqual([id, expect.stringContaining('${{')]);
  });

  it('leaves no token in a checkout, names every action of others by its commit with the version, and ours as the commit that runs', () => {
    for (const [, { steps }] of jobs) for (const { uses, with: given } of steps) if (uses !== undefined) {
      expect(uses).toMatch(/^\$\/\.github\/actions\/phase$|^actions\/[a-z-]+@[0-9a-f]{40}$/u);
      if (uses.startsWith('actions/checkout@')) expect(given?.['persist-credentials']).toBe(false);
    }
    for (const [line] of source.matchAll(/uses: actions\/.*$/gmu)) expect(line).toMatch(/ # v\d+\.\d+\.\d+$/u);
    // One version of each, so that an update forgets none.
    const refs = [...source.matchAll(/uses: (actions\/[a-z-]+)@(\w+)/gu)].map(([, of = '', ref = '']) => `${of}@${ref}`);
    expect(new Set(refs).size).toBe(new Set(refs.map((ref) => ref.split('@')[0])).size);
  });

  it('says of every input what it is, of which type, and uses it; every input that is used is declared', () => {
    for (const [input, { description = '', type, required, default: value }] of Object.entries(inputs)) {
      expect([input, description.length > 20, ['string', 'boolean', 'number'].includes(type ?? '')]).toEqual([input, true, true]);
      expect([input, required === true ? value : typeof value]).toEqual([input, required === true ? undefined : type]);
    }
    expect(new Set([...source.matchAll(/inputs\.([\w-]+)/gu)].map(([, input]) => input))).toEqual(new Set(Object.keys(inputs)));
  });

  it('has the defaults of the action where both have an input of that name', () => {
    for (const [input, { default: value, required }] of Object.entries(inputs)) {
      const own = action.inputs[input];
      // Longer than a single step's, for nobody waits beside it; and ask and gate are two jobs here.
      if (own && required !== true && input !== 'timeout-minutes') expect([input, String(value)]).toEqual([input, own.default]);
    }
  });

  it('gives each phase inputs that the action has, and hands on outputs that it has', () => {
    for (const [id, job] of jobs) {
      const { with: given, id: step } = phaseOf(job);
      for (const input of Object.keys(given)) expect(action.inputs).toHaveProperty([input]);
      for (const [, of, output = ''] of source.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/gu)) if (of === step) expect([id, Object.keys(action.outputs)]).toEqual([id, expect.arrayContaining([output])]);
    }
    for (const [output, { value = '', description = '' }] of Object.entries(outputs)) {
      const [, job = '', from = ''] = /^\$\{\{ jobs\.([\w-]+)\.outputs\.([\w-]+) \}\}$/u.exec(value) ?? [];
      expect([output, description !== '', workflow.jobs[job]?.outputs?.[from]]).toEqual([output, true, expect.stringMatching(/steps\.|needs\./u)]);
    }
  });

  it('uses of other jobs only what they give, and of those only that it needs', () => {
    for (const [id, job] of jobs) for (const [, other = '', , output] of JSON.stringify(job).matchAll(/needs\.([\w-]+)\.(result|outputs\.([\w-]+))/gu)) {
      expect([id, needsOf(job)]).toEqual([id, expect.arrayContaining([other])]);
      if (output !== undefined) expect([id, other, Object.keys(workflow.jobs[other]?.outputs ?? {})]).toEqual([id, other, expect.arrayContaining([output])]);
    }
    for (const [id] of jobs) expect(ancestorsOf(workflow.jobs, id)).not.toContain(id);
  });

  it('gives a phase less time than its job has', () => {
    for (const [id, job] of jobs) {
      const { phase, 'timeout-minutes': minutes } = phaseOf(job).with;
      if (phase === 'check') continue; // each file has a limit of its own, and a report that is cut off helps nobody
      if (typeof job['timeout-minutes'] === 'number') expect([id, Number(minutes) < job['timeout-minutes']]).toEqual([id, true]);
      else expect([id, job['timeout-minutes'], minutes]).toEqual([id, '${{ inputs.job-timeout-minutes }}', '${{ inputs.timeout-minutes }}']);
    }
    const { 'timeout-minutes': phase, 'job-timeout-minutes': whole } = inputs;
    if (phase) expect(Number(phase.default)).toBeLessThan(Number(whole?.default));
    // GitHub's own runners: https://docs.github.com/actions/reference/limits
    if (whole) expect(whole.default).toBe(360);
  });

  it('lets DAG code meet no credential: job check may read the repository, has no role, no token and no environment, and runs nothing after it but the upload', () => {
    for (const [, job] of jobs.filter(([, one]) => phaseOf(one).with['phase'] === 'check')) {
      expect([job.permissions, job.environment]).toEqual([{ contents: 'read' }, undefined]);
      expect(phaseOf(job).with).toEqual({ phase: 'check', config: '${{ inputs.config }}', 'github-token': '' });
      expect(JSON.stringify(job)).not.toMatch(/github\.token|-role|id-token/u);
      expect(job.steps.slice(job.steps.findIndex(({ uses = '' }) => uses.startsWith('$/')) + 1).map(({ uses }) => uses?.split('@')[0])).toEqual(['actions/upload-artifact']);
    }
  });

  it('leaves GitHub\'s token to the phases that ask GitHub, and lets them ask no more than they need', () => {
    for (const [id, job] of jobs) {
      const { phase, 'github-token': token } = phaseOf(job).with;
      const asks = ['start', 'gate', 'watch'].includes(String(phase)) || (name === 'migrate.yml' && id === 'finish');
      const comments = name === 'dry-run.yml' && phase === 'plan';
      expect([id, token]).toEqual([id, asks ? undefined : comments ? '${{ inputs.comment && github.token || \'\' }}' : '']);
      expect([id, job.permissions['actions'], job.permissions['pull-requests']]).toEqual([id, asks ? 'read' : undefined, comments ? 'write' : undefined]);
    }
  });

  it('asks for an OIDC token where a role is used, and only there', () => {
    for (const [id, job] of jobs) expect([id, job.permissions['id-token']]).toEqual([id, Object.keys(phaseOf(job).with).some((input) => input.endsWith('-role')) ? 'write' : undefined]);
  });
});

it('the copy that act runs differs from the repository in the lines that name our own action, and in nothing else', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-stage-'));
  try {
    stage(folder, {});
    const copied = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
    expect(copied).toEqual(expect.arrayContaining(['action.yml', '.github/actions/phase/action.yml', 'dist/index.js', ...called.map((name) => `.github/workflows/${name}`)]));
    const differing = copied.flatMap((name) => {
      const [own = [], copy = []] = [repository, folder].map((root) => readFileSync(path.join(root, name), 'latin1').split('\n'));
      expect([name, copy.length]).toEqual([name, own.length]);
      return own.flatMap((line, at) => (line === copy[at] ? [] : [[name, line.trim(), copy[at]?.trim()].join(' | ')]));
    });
    const each = (name: string): string => `.github/workflows/${name} | uses: $/.github/actions/phase | uses: OWNER/mwaa-migrate/.github/actions/phase@v1`;
    expect(differing.sort()).toEqual(called.flatMap((name) => Object.keys(workflowOf(name).jobs).map(() => each(name))).sort());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('actionlint and zizmor (pedantic) find nothing', () => {
  const bin = ensureTools(), files = called.map((name) => `.github/workflows/${name}`);
  const found = (tool: string, ...args: readonly string[]): readonly unknown[] => {
    const { status, stdout, stderr } = spawnSync(path.join(bin, tool), [...args, ...files], { cwd: repository, encoding: 'utf8' });
    return [tool, status, stdout.trim(), stderr.trim()];
  };
  expect(found('actionlint', '-shellcheck', path.join(bin, 'shellcheck'))).toEqual(['actionlint', 0, '', '']);
  expect(found('zizmor', '--offline', '--quiet', '--persona', 'pedantic', '--config', '.github/zizmor.yml')).toEqual(['zizmor', 0, expect.stringContaining('No findings'), '']);
});
