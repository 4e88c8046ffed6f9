/** docs/how-to/use-on-github-enterprise-server.md, done by its own commands. Nobody's server is here: what such a server lacks is looked for in the text. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { ensureTools } from '../../../scripts/python.mjs';
import { repository } from '../../sandbox/act/stage.js';
import { fenced, text } from './documents.js';

type Step = Record<string, unknown> & { uses?: string; with?: Record<string, unknown> };
type Yaml = { jobs: Record<string, { steps: Step[]; outputs?: Record<string, string> }> };

const PAGE = 'docs/how-to/use-on-github-enterprise-server.md';
const REUSABLE = ['dry-run.yml', 'migrate.yml', 'rollback.yml'];
const commands = fenced(PAGE, 'sh').flatMap((body) => body.split('\n'));
const commandWith = (word: string): string => commands.find((line) => line.includes(word)) ?? '';

let copy: string;
const inCopy = (name: string): string => path.join(copy, name);
const run = (command: string) => spawnSync('bash', ['--noprofile', '--norc', '-euo', 'pipefail', '-c', command], { cwd: copy, encoding: 'utf8', env: { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` } });
const workflow = (name: string): string => readFileSync(inCopy(`.github/workflows/${name}`), 'utf8');

beforeAll(() => {
  copy = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-server-'));
  const files = ['scripts/enterprise-server.mjs', 'docs/iam/roles.yaml', ...readdirSync(path.join(repository, '.github/workflows')).map((name) => `.github/workflows/${name}`)];
  for (const file of files) {
    mkdirSync(path.dirname(inCopy(file)), { recursive: true });
    copyFileSync(path.join(repository, file), inCopy(file));
  }
  expect(run(commandWith('enterprise-server.mjs'))).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe.each(REUSABLE)('%s after the script', (name) => {
  it('names the action of the copy, and the actions of GitHub by tags that a server can have', () => {
    const steps = Object.values((parse(workflow(name)) as Yaml).jobs).flatMap((job) => job.steps);
    expect(new Set(steps.flatMap(({ uses = [] }) => uses))).toEqual(new Set(['octo-org/mwaa-migrate/.github/actions/phase@v1', 'actions/checkout@v5',
      ...(name === 'rollback.yml' ? [] : ['actions/setup-python@v6', 'actions/upload-artifact@v3', 'actions/download-artifact@v3'])]));
  });

  it('is the workflow as it was in all the rest', () => {
    const rest = (source: string): Yaml => {
      const value = parse(source) as Yaml;
      for (const { steps, outputs = {} } of Object.values(value.jobs)) {
        delete outputs['artifact-id'];
        for (const step of steps) {
          delete step.uses;
          for (const input of ['overwrite', 'name', 'artifact-ids']) delete step.with?.[input];
        }
      }
      return value;
    };
    expect(rest(workflow(name))).toEqual(rest(text(`.github/workflows/${name}`)));
  });

  it('asks for nothing that github.com alone has', () => expect(workflow(name)).not.toMatch(/\$\/|job\.workflow_|artifact-ids|@[0-9a-f]{40}/u));
});

it.each(['dry-run.yml', 'migrate.yml'])('%s fetches the report of check by the name under which it was kept', (name) => {
  const { jobs } = parse(workflow(name)) as Yaml;
  const kept = jobs['check']?.steps.find(({ uses = '' }) => uses.includes('upload-artifact'))?.with?.['name'];
  expect(kept).toMatch(/^mwaa-migrate-check-\$\{\{/u);
  expect(jobs['check']?.outputs?.['artifact-id']).toBe(kept);
  expect(jobs['plan']?.steps.find(({ uses = '' }) => uses.includes('download-artifact'))?.with?.['name']).toBe('${{ needs.check.outputs.artifact-id }}');
});

it('can be run again, with the next tag, and leaves the workflows of this repository alone', () => {
  const before = REUSABLE.map(workflow), own = readFileSync(inCopy('.github/workflows/ci.yml'), 'utf8');
  expect(run(commandWith('enterprise-server.mjs')).stdout.match(/as it was/gu)).toHaveLength(3);
  expect(REUSABLE.map(workflow)).toEqual(before);
  run('node scripts/enterprise-server.mjs --owner octo-org --ref v2');
  expect(REUSABLE.map(workflow)).toEqual(before.map((one) => one.replaceAll('/phase@v1', '/phase@v2')));
  expect(readFileSync(inCopy('.github/workflows/ci.yml'), 'utf8')).toBe(own);
  run(commandWith('enterprise-server.mjs'));
});

it.each(['', '--owner "two words"', '--owner octo-org --ref "a b"'])('says how it is used when it is given "%s"', (args) => {
  expect(run(`node scripts/enterprise-server.mjs ${args}`)).toMatchObject({ status: 1, stderr: expect.stringContaining('Usage: ') });
});

it('writes the issuer of the server into the roles, and nothing of github.com stays', () => {
  expect(run(commandWith('sed '))).toMatchObject({ status: 0, stderr: '' });
  const template = readFileSync(inCopy('roles-github-example.yaml'), 'utf8');
  expect(template).not.toContain('githubusercontent');
  expect(template).toContain('Url: https://github.example.com/_services/token\n');
  expect(template).toContain('github.example.com/_services/token:sub:');
  expect(template).toContain('oidc-provider/github.example.com/_services/token');
  expect(execFileSync(path.join(ensureTools(), 'cfn-lint'), ['--regions', 'eu-west-1', '--', inCopy('roles-github-example.yaml')], { encoding: 'utf8' })).toBe('');
});
