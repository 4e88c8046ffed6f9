import { expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { installRequirements } from '../../../src/check/install.js';
import type { ProgramResult } from '../../../src/check/run-program.js';
import { readFile } from 'node:fs/promises';

const line = (number: number, text: string, name?: string) => ({ file: 'requirements.txt', line: number, text, name });
const trouble = (host: string) => `error: Failed to fetch: \`https://${host}/simple/x/\`\n  Caused by: client error (Connect)\n  Caused by: dns error`;

/** The first line that begins so: uv names one at a time. */
const named = (text: string, beginning: string): string => text.split('\n').find((one) => one.startsWith(beginning)) ?? beginning;

/** uv as it answers when these hosts do not; what it was asked to install last. */
async function installing(lines: readonly ReturnType<typeof line>[], options: readonly ReturnType<typeof line>[], silent: readonly string[], constraints: readonly string[] = [], missing = '') {
  const work = await mkdtemp(path.join(os.tmpdir(), 'unreachable-'));
  const asked: string[][] = [];
  const run = async ({ args }: Readonly<{ args: readonly string[] }>): Promise<ProgramResult> => {
    const text = await readFile(path.join(work, 'requirements.txt'), 'utf8');
    asked.push(text.trim().split('\n'));
    const host = silent.find((one) => text.includes(one) || args.some((arg) => arg.includes(one)));
    const stderr = host !== undefined ? trouble(host) : missing !== '' && text.includes(missing) ? `Because ${named(text, missing)} was not found in the package registry and you require ${named(text, missing)}` : '';
    return { code: stderr === '' ? 0 : 1, stopped: undefined, stdout: '', stderr };
  };
  try {
    const seal = { run, env: {}, writable: [work], shown: [] };
    const result = await installRequirements({ tools: { uv: '/uv', python: '/python' }, env: {}, venv: work, work, version: '2.10.3', seal }, { packages: lines, options, constraints: [], missing: [], hasHashes: false }, constraints);
    return { ...result, last: asked.at(-1) };
  } finally {
    await rm(work, { recursive: true });
  }
}

it('a line whose host does not answer is a warning, and the rest is installed', async () => {
  const { findings, notChecked, last } = await installing([line(1, 'acme @ https://bob:canary@pypi.internal.example/acme.whl', 'acme'), line(2, 'humanize==4.9.0', 'humanize')], [], ['pypi.internal.example']);
  expect(findings.map(({ code, level, line: at }) => [code, level, at])).toEqual([['requirements-unreachable', 'warning', 1]]);
  expect(last).toEqual(['humanize==4.9.0', 'apache-airflow==2.10.3']);
  expect(notChecked.join(' ')).toContain('requirements.txt:1');
  expect(JSON.stringify(findings)).not.toContain('canary');
});

it('without an index of the company, what only that has is a warning too', async () => {
  const { findings, last } = await installing([line(2, 'acme-internal', 'acme-internal'), line(3, 'humanize', 'humanize')], [line(1, '--extra-index-url https://pypi.internal.example/simple')], ['pypi.internal.example'], [], 'acme-internal');
  expect(findings.map(({ code, level, line: at }) => [code, level, at])).toEqual([['requirements-unreachable', 'warning', 1], ['requirements-missing', 'warning', 2]]);
  expect(last).toEqual(['humanize', 'apache-airflow==2.10.3']);
});

it('with an index that answers, what it does not have is an error', async () =>
  expect((await installing([line(2, 'acme-internal', 'acme-internal')], [], [], [], 'acme-internal')).findings.map(({ code, level }) => [code, level])).toEqual([['requirements-missing', 'error']]));

it('constraints that do not answer give way to Airflow\'s own', async () => {
  const { findings, notChecked } = await installing([line(1, 'humanize', 'humanize')], [], ['pypi.internal.example'], ['https://bob:canary@pypi.internal.example/constraints.txt']);
  expect(findings).toEqual([]);
  expect(notChecked).toEqual(['Constraints that this runner cannot reach (https://pypi.internal.example/…): Airflow\'s own were used.']);
});

it('what is left when it gives up is named, and is not called installed', async () => {
  const lines = Array.from({ length: 20 }, (_, at) => line(at + 1, `own-${String.fromCodePoint(97 + at)}`, `own-${String.fromCodePoint(97 + at)}`));
  const { findings, notChecked } = await installing(lines, [], [], [], 'own-');
  expect(findings.at(-1)).toMatchObject({ code: 'requirements-conflict', level: 'error', line: undefined });
  for (const { line: at } of lines) expect(notChecked.join(' ')).toMatch(new RegExp(`requirements\\.txt:${at}(?!\\d)`, 'u'));
});

it('an index that answers for nothing ends the phase: nothing can be said then', async () =>
  await expect(installing([line(1, 'humanize', 'humanize')], [], ['humanize'])).rejects.toThrow(/package index does not answer|could not be installed/u));
