/** Code that wants something of the machine on which phase check loads it gains nothing, and does not hide what the others are. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeHostileRunner, processesOf, type HostileRunner } from './hostile-runner.js';
import { runCheck, type CheckRun } from './run-check.js';

const home = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'check-hostile-')));
let runner: HostileRunner, run: CheckRun, left: readonly number[];
beforeAll(async () => {
  runner = await makeHostileRunner(home);
  run = await runCheck(runner, runner.canaries);
  left = processesOf(home);
}, 600_000);
afterAll(() => {
  for (const id of processesOf(home)) process.kill(id, 'SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

const idsOf = (file: string): readonly string[] => run.report.dags.filter((dag) => dag.file === `dags/${file}`).map(({ dagId }) => dagId);
/** Everything that leaves the step for people and machines. */
const leaving = (): Readonly<Record<string, string>> => ({ output: run.output, summary: run.summary, markdown: run.markdown, html: run.html, json: run.json, outputs: readFileSync(runner.commandFile('GITHUB_OUTPUT'), 'utf8') });

it('ends red, by a report of its own', () => {
  expect(run.code).toBe(1);
  expect(run.report.counts.dagFiles).toBeGreaterThan(20);
});

describe('the other files', () => {
  it('are reported as ever: two good ones and a broken one', () => {
    expect(idsOf('aa_innocent.py')).toEqual(['innocent_first']);
    expect(idsOf('zz_innocent.py')).toEqual(['innocent_last']);
    expect(run.report.findings.filter(({ file }) => /innocent/u.test(file ?? ''))).toEqual([]);
    expect(run.report.findings).toContainEqual(expect.objectContaining({ level: 'error', file: 'dags/mm_broken.py', line: 2 }));
  });

  it('are as they were, in the repository and elsewhere', () => {
    const changed = [...runner.others].filter(([file, content]) => !existsSync(file) || readFileSync(file, 'utf8') !== content).map(([file]) => file);
    expect(changed).toEqual([]);
  });

  it('gain no DAG by what is forged', () => {
    expect(run.json).not.toContain('forged_dag');
    expect(run.json).not.toContain('FORGED: error');
  });
});

it.each([
  ['exits.py', 'os._exit(0)'], ['exits_politely.py', 'sys.exit(0)'], ['loops.py', 'an endless loop'], ['eats_memory.py', 'too much memory'],
  ['forks.py', 'forks'], ['says_much.py', 'megabytes of text'], ['commands_in_error.py', 'an error'], ['marked_up_error.py', 'an error'],
])('%s (%s) has an error of its own', (file) => {
  expect(run.report.findings.filter((finding) => finding.level === 'error' && finding.file === `dags/${file}`)).toHaveLength(1);
});

describe('what was looked for', () => {
  it('was not found: no value of the environment leaves the step', () => {
    for (const [where, text] of Object.entries(leaving()))
      for (const value of Object.values(runner.canaries))
        for (const form of [value, value.slice('canary-'.length), [...value].reverse().join(''), Buffer.from(value).toString('base64').slice(0, 24)])
          expect({ where, found: text.includes(form) }).toEqual({ where, found: false });
  });

  it('was not there: no variable of the runner, no memory, no open file of others, no package cache, no key in the home folder', () => {
    const ids = run.report.dags.map(({ dagId }) => dagId);
    expect(ids.filter((id) => /^(found|has|remembered)\.(?!nothing$)|^opened_\d|package_cache/u.test(id))).toEqual([]);
    expect(idsOf('commands_upwards.py')).toEqual(['opened_no_files_of_others']);
    expect(idsOf('plants.py')).toEqual(['planted']);
    expect(idsOf('home_of_others.py')).toEqual(['found_at_home.nothing']);
    expect(run.json).not.toMatch(/GITHUB_(ENV|PATH|OUTPUT|WORKSPACE)=/u);
  });
});

it('a requirement that is built from source finds nothing either, and its words to the runner are not heard', () => {
  // It did run: the DAG that it made is there.
  expect(idsOf('from_setup.py')).toEqual(['found.nothing']);
  expect(run.report.findings.filter(({ code }) => code.startsWith('requirements-'))).toEqual([]);
});

describe('the runner', () => {
  it('finds in its files what the action wrote, and nothing else', () => {
    for (const name of ['GITHUB_ENV', 'GITHUB_PATH', 'GITHUB_STATE'] as const) expect({ name, content: readFileSync(runner.commandFile(name), 'utf8') }).toEqual({ name, content: '' });
    const outputs = readFileSync(runner.commandFile('GITHUB_OUTPUT'), 'utf8');
    // name<<delimiter, value, delimiter: toolkit's form.
    const names = [...outputs.matchAll(/^([\w-]+)<<(ghadelimiter_[\w-]+)\n[^]*?\n\2$/gmu)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining(['report', 'check-report']));
    expect(outputs.replace(/^([\w-]+)<<(ghadelimiter_[\w-]+)\n[^]*?\n\2\n/gmu, '')).toBe('');
    expect(run.summary.trim()).toBe(run.markdown.trim());
    expect(readdirSync(path.join(runner.temporary, '_runner_file_commands'))).toHaveLength(5);
  });

  it('reads no command that is not the action\'s', () => {
    const commands = run.output.split(/[\r\n]/u).filter((line) => /^\s*(::|##\[)/u.test(line));
    expect(commands.length).toBeGreaterThan(3);
    const codes = new Set(run.report.findings.map(({ code }) => code));
    for (const line of commands) {
      const properties = /^::(?:error|warning|notice)(?: title=([a-z0-9-]+)(?:,file=[^,:\r\n]+)?(?:,line=\d+)?)?::/u.exec(line);
      expect({ line, ours: properties !== null && (properties[1] === undefined || codes.has(properties[1])) }).toEqual({ line, ours: true });
    }
    expect(commands.filter((line) => line.startsWith('::error::'))).toHaveLength(1);
  });

  it('has no process of theirs left', () => expect(left).toEqual([]));

  it('has no folder of theirs left', () => {
    expect(readdirSync(runner.temporary).sort()).toEqual(['_github_workflow', '_runner_file_commands', 'corpus-output.txt', 'gha-creds.json', 'mwaa-migrate-check.html', 'mwaa-migrate-check.json', 'mwaa-migrate-check.md']);
  });
});

describe('what people read', () => {
  it('shows their names as text: no markup, no mention, no heading, no letters that turn', () => {
    for (const [where, text] of Object.entries({ summary: run.summary, html: run.html })) {
      // In a file nobody is mentioned; GitHub does that.
      for (const forged of ['<img', '<script', '</code></td></tr></table>', '<!-- mwaa-migrate:corpus', '](https://forged', '\n## forged', '<b>@', ...(where === 'summary' ? ['@octocat', '@octo-org'] : [])])
        expect({ where, forged, found: text.includes(forged) }).toEqual({ where, forged, found: false });
      expect({ where, found: /[\u202a-\u202e\u2066-\u2069\u200b]/u.test(text) }).toEqual({ where, found: false });
    }
    // The names are there, as text; a test on nothing would pass.
    expect(run.json).toContain('onerror=alert(1)');
  });

  it('stays within what the runner takes', () => {
    expect(Buffer.byteLength(run.summary)).toBeLessThan(1024 * 1024);
    expect(Buffer.byteLength(run.json)).toBeLessThan(8 * 1024 * 1024);
    expect(Buffer.byteLength(run.output)).toBeLessThan(256 * 1024);
    expect(Math.max(...run.report.dags.map(({ dagId }) => dagId.length))).toBeLessThanOrEqual(250);
  });
});
