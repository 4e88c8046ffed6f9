/** The entry as a process: what a wrong start says, that it ends red, and that nothing but MWAA_INPUTS is read. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

jest.setTimeout(60_000);
let folder: string, workspace: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-start-'));
  workspace = path.join(folder, 'checkout');
  mkdirSync(path.join(workspace, '.github'), { recursive: true });
  writeFileSync(path.join(folder, 'outside.yml'), 'secret: canary-outside\n');
  writeFileSync(path.join(workspace, '.github', 'broken.yml'), 'source: { enviroment: a, region: eu-west-1 }\n');
  symlinkSync(path.join(folder, 'outside.yml'), path.join(workspace, 'link.yml'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function start(inputs: Readonly<Record<string, string>> | undefined, env: Readonly<Record<string, string>> = {}) {
  const summary = path.join(folder, 'summary.md');
  writeFileSync(summary, '');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/index.ts'], {
    encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summary, ...(inputs ? { MWAA_INPUTS: JSON.stringify(inputs) } : {}), ...env },
  });
  return { status, text: `${stdout}${stderr}`.replaceAll('%0A', '\n'), summary: readFileSync(summary, 'utf8') };
}

it.each([
  ['no inputs, though the runner sets INPUT_PHASE', undefined, /^::error::MWAA_INPUTS is not set/u],
  ['an unknown phase', { phase: 'exprt' }, /"exprt" is no phase \(did you mean "export"\?\)/u],
  ['a phase of a later release', { phase: 'upgrade' }, /Phase "upgrade" is not part of this release/u],
  ['no migration file', { phase: 'plan' }, /Input config: there is no file "\.github\/mwaa-migration\.yml"/u],
  ['a file outside the workspace', { phase: 'plan', config: '../outside.yml' }, /"\.\.\/outside\.yml" lies outside the workspace/u],
  ['an absolute path', { phase: 'plan', config: '/etc/passwd' }, /lies outside the workspace/u],
  ['a link that leads out', { phase: 'plan', config: 'link.yml' }, /"link\.yml" is a symbolic link/u],
  ['a folder', { phase: 'plan', config: '.github' }, /"\.github" is not a file/u],
  ['a wrong key', { phase: 'plan', config: '.github/broken.yml' }, /\.github\/broken\.yml:1:11: unknown key "enviroment"/u],
] as const)('refuses %s: red, with what, why and fix, in log and summary', (_, inputs, words) => {
  const { status, text, summary } = start(inputs, { INPUT_PHASE: 'status' });
  expect(status).toBe(1);
  expect(text).toMatch(words);
  expect(text).toMatch(/\n {2}Why: [^\n]+\n {2}Fix: /u);
  expect(text).not.toMatch(/ {4}at |canary-outside/u);
  expect(summary).toMatch(/^## (Phase \w+ failed|mwaa-migrate did not start)\n\n<pre>[\s\S]*Why: [\s\S]*<\/pre>\n$/u);
});
