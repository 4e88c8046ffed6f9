import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { PHASES, readInputs } from '../../../src/inputs.js';
import { INPUT_DEFAULTS, OUTPUT_NAMES } from '../../../src/interface.js';

const root = process.cwd();
const text = (name: string): string => readFileSync(path.join(root, name), 'utf8');
type Step = Readonly<{ id: string; shell: string; env: Readonly<Record<string, string>>; run: string }>;
type Action = Readonly<{ inputs: Readonly<Record<string, Readonly<{ default?: string; required?: boolean; description: string }>>>; outputs: Readonly<Record<string, Readonly<{ value: string }>>>; runs: Readonly<{ using: string; steps: readonly Step[] }>; branding: unknown }>;
const action = parse(text('action.yml')) as Action;
const twin = parse(text('.github/actions/phase/action.yml')) as Action;

describe('the interface', () => {
  it('is the same in action.yml, its twin, TypeScript and the docs', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/interfaces.mjs', '--check'], { cwd: root, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(Object.keys(INPUT_DEFAULTS)).toEqual(Object.keys(action.inputs));
    expect(OUTPUT_NAMES).toEqual(Object.keys(action.outputs));
  });

  it('has a twin that differs in the way to dist alone', () => {
    const run = action.runs.steps[0]?.run.replace('$GITHUB_ACTION_PATH/dist', '$GITHUB_ACTION_PATH/../../../dist');
    expect(twin).toEqual({ ...action, runs: { ...action.runs, steps: [{ ...action.runs.steps[0], run }] } });
  });

  it('hands inputs over in MWAA_INPUTS alone, and no expression stands in the script', () => {
    expect(action.runs.using).toBe('composite');
    expect(action.runs.steps).toHaveLength(1);
    const [step] = action.runs.steps;
    expect(step?.shell).toBe('bash');
    expect(step?.env).toEqual({ MWAA_INPUTS: '${{ toJSON(inputs) }}' });
    expect(step?.run).not.toContain('${{');
  });

  it('maps every output of the step', () => {
    for (const [name, { value }] of Object.entries(action.outputs)) expect(value).toBe(`\${{ steps.${action.runs.steps[0]?.id}.outputs.${name} }}`);
  });

  it('takes every declared input, as GitHub passes them: all of them, as texts', () => {
    const given = Object.fromEntries(Object.keys(action.inputs).map((name) => [name, INPUT_DEFAULTS[name as keyof typeof INPUT_DEFAULTS]]));
    for (const phase of PHASES) expect(readInputs(JSON.stringify({ ...given, phase })).phase).toBe(phase);
  });

  it('reads inputs nowhere else: no getInput, no INPUT_ variable in src', () => {
    const files = (folder: string): string[] => readdirSync(folder).flatMap((name) => (statSync(path.join(folder, name)).isDirectory() ? files(path.join(folder, name)) : [path.join(folder, name)]));
    for (const file of files(path.join(root, 'src')).filter((name) => name.endsWith('.ts'))) expect(readFileSync(file, 'utf8')).not.toMatch(/getInput|['"`]INPUT_/u);
  });
});

describe('the check for node in action.yml', () => {
  const script = action.runs.steps[0]?.run ?? '';
  const withNode = (version: string | undefined) => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-node-'));
    try {
      mkdirSync(path.join(folder, 'bin'));
      if (version) writeFileSync(path.join(folder, 'bin', 'node'), `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "started $1"; fi\n`, { mode: 0o755 });
      const { status, stdout } = spawnSync('/bin/bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], { encoding: 'utf8', env: { PATH: path.join(folder, 'bin'), GITHUB_ACTION_PATH: '/action path' } });
      return { status, stdout };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it.each(['v20.0.0', 'v24.21.0', 'v100.1.0'])('goes on with %s', (version) => expect(withNode(version)).toEqual({ status: 0, stdout: 'started /action path/dist/index.js\n' }));
  it.each([['v18.20.4', 'v18.20.4 is on the PATH'], ['v9.1.0', 'v9.1.0 is on the PATH'], [undefined, 'No node is on the PATH'], ['garbage', 'garbage is on the PATH']])('refuses %p', (version, words) => {
    const { status, stdout } = withNode(version);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^::error /u);
    expect(stdout).toContain(words);
    expect(stdout).toContain('actions/setup-node');
  });
});
