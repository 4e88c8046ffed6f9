/** The entry as a process: what a wrong start says, that it ends red, and that nothing but MWAA_INPUTS is read. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

jest.setTimeout(60_000);
let folder: string, workspace: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-start-'));
  workspace = path.join(folder, 'checkout');
  mkdirSync(path.join(workspace, '.github'), { recursive: true });
  writeFileSync(path.join(folder, 'outside.yml'), 'secret: canary-outside\n');
  writeFileSync(path.join(workspace, '.github', 'right.yml'), 'source: { environment: a, region: eu-west-1 }\ntarget: { environment: b, airflow-version: 2.10.3 }\n');
  writeFileSync(path.join(workspace, '.github', 'broken.yml'), 'source: { enviroment: a, region: eu-west-1 }\n');
  symlinkSync(path.join(folder, 'outside.yml'), path.join(workspace, 'link.yml'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function start(inputs: Readonly<Record<string, string>> | undefined, env: Readonly<Record<string, string>> = {}) {
  const summary = path.join(folder, 'summary.md');
  writeFileSync(summary, '');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'src/index.ts'], {
    encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summary, ...(inputs ? { MWAA_INPUTS: JSON.stringify(inputs) } : {}), ...env },
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

it('by hand, says it in lines for a person, and leaves out what only a runner needs', () => {
  const { text } = start({ phase: 'plan', config: '.github/broken.yml' }, { GITHUB_ACTIONS: '' });
  expect(text).toMatch(/^error: The migration file has [^]*\n {2}Why: [^\n]+\n {2}Fix: /mu);
  expect(text).not.toContain('::');
});

describe('after an earlier run that was green', () => {
  const reports = (): readonly string[] => ['md', 'html'].map((ending) => path.join(folder, `mwaa-migrate-rollback.${ending}`));
  beforeEach(() => reports().forEach((file) => writeFileSync(file, '✅ Dry run: would go back')));

  it.each([
    ['wrong inputs', { phase: 'rollback', 'dry-run': 'perhaps', attempt: '<b>' }, 'mwaa-migrate did not start', 'dry-run: "perhaps"'],
    ['what was found before anything was called', { phase: 'rollback', config: 'none.yml' }, 'Phase rollback failed', 'there is no file'],
  ] as const)('writes its own failure as the report, .md and .html and output: %s', (_, inputs, title, words) => {
    const output = path.join(folder, 'output');
    writeFileSync(output, '');
    const { status, summary } = start(inputs, { RUNNER_TEMP: folder, GITHUB_OUTPUT: output });
    expect(status).toBe(1);
    const [markdown = '', html = ''] = reports().map((file) => readFileSync(file, 'utf8'));
    expect(markdown).toBe(summary);
    expect(markdown).toContain(title);
    expect(html).toContain(`<h1 class="bad">❌ ${title}</h1>`);
    expect(html).toContain(words.replaceAll('"', '&#34;'));
    expect(html).toMatch(/<p>Why: [^<]+<\/p>\n<p>Fix: /u);
    expect(`${markdown}${html}`).not.toMatch(/✅|<b>/u);
    expect(readFileSync(output, 'utf8')).toContain(reports()[0]);
  });

  it('leaves no report when it is ended half-way', async () => {
    const aws = http.createServer().listen(0, '127.0.0.1');
    try {
      await once(aws, 'listening');
      const child = spawn(process.execPath, ['--import', 'tsx', 'src/index.ts'], {
        stdio: 'ignore', env: {
          PATH: process.env['PATH'] ?? '', RUNNER_TEMP: folder, GITHUB_WORKSPACE: workspace, MWAA_INPUTS: JSON.stringify({ phase: 'rollback', config: '.github/right.yml' }),
          AWS_ENDPOINT_URL: `http://127.0.0.1:${(aws.address() as AddressInfo).port}`, AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example',
        },
      });
      // It waits for an answer that never comes.
      await once(aws, 'request');
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([143, null]);
      expect(reports().some((file) => existsSync(file))).toBe(false);
    } finally {
      aws.closeAllConnections();
      aws.close();
    }
  });

  it('leaves the report of another phase alone', () => {
    start({ phase: 'cutover', config: 'none.yml' }, { RUNNER_TEMP: folder });
    expect(reports().every((file) => existsSync(file))).toBe(true);
  });
});
