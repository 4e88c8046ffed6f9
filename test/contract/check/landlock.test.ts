/** landlock.py on this machine's kernel: what keeps a stranger's code from files and processes where there are no namespaces. */
import { afterAll, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const LANDLOCK = path.resolve('src/check/python/landlock.py');
const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-landlock-')));
const at = (name: string): string => path.join(folder, name);
for (const name of ['own', 'home/tools/1.2/bin', 'home/.aws', 'repo/.git', 'repo/dags']) mkdirSync(at(name), { recursive: true });
for (const [name, text] of Object.entries({ 'home/.aws/credentials': 'canary', 'home/tools/1.2/bin/tool': 'right', 'repo/.git/config': 'canary', 'repo/dags/a.py': 'a DAG', beside: 'as it was', 'secret-file': 'canary' })) writeFileSync(at(name), text);
symlinkSync('1.2', at('home/tools/latest'));
for (const name of ['', 'own', 'home', 'home/.aws', 'repo/.git', 'beside']) chmodSync(at(name), 0o777);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 65534: nobody. Root without capabilities is kept from much by that alone; an ordinary user from its own other processes only by Landlock. */
const USER = os.userInfo().uid === 0 ? { uid: 65534, gid: 65534 } : {};
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const run = (script: string, seconds = 30) =>
  spawnSync(PYTHON, ['-I', '-S', LANDLOCK, JSON.stringify({ writable: [at('own')], shown: [at('home/tools/latest/bin/tool'), at('repo'), at('absent')], hidden: [at('home'), at('repo/.git'), at('secret-file')], seconds, path: '/usr/bin:/bin', uid: null, gid: null }), '/bin/sh', '-c', script], { ...USER, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', MINE: 'canary' } });

// A kernel without it is a case of its own: the phase says so and goes on with limits.
const test = run('true').status === 97 ? it.skip : it;
const [major = 0, minor = 0] = os.release().split('.').map(Number);
const keepsSignals = major > 6 || (major === 6 && minor >= 12);

test('works in its folder, ends with the status of the program, and lets it read what it needs', () => {
  const { stdout, status } = run(`pwd; echo mine > file; mkdir -p more && mv file more/file && cat more/file; cat ${at('home/tools/latest/bin/tool')}; echo; cat ${at('repo/dags/a.py')}; echo; ls ${at('repo')}; echo gone > /dev/null; exit 7`);
  expect({ lines: stdout.split('\n'), status }).toEqual({ lines: [at('own'), 'mine', 'right', 'a DAG', 'dags', ''], status: 7 });
});

test('lets nothing else be written, removed or read', () => {
  const { stdout, stderr } = run(`echo forged > ${at('beside')}; true >> ${at('beside')}; rm -f ${at('beside')}; mv ${at('beside')} file; ln ${at('beside')} hard; echo forged > ${at('new')}; cat ${at('home/.aws/credentials')} ${at('repo/.git/config')} ${at('secret-file')}; ls ${at('home')}`);
  expect(stdout).toBe('');
  expect(stderr).toContain('ermission denied');
  expect([readFileSync(at('beside'), 'utf8'), existsSync(at('new')), existsSync(at('own/hard'))]).toEqual(['as it was', false, false]);
});

test('cannot look into processes that are not its own, nor end them', () => {
  // Its parent is landlock.py itself, whose environment has the canary too.
  const { stdout, status, signal } = run(`cat /proc/$PPID/environ /proc/${process.pid}/environ; readlink /proc/$PPID/cwd /proc/$PPID/fd/1; grep -E "^(CapEff|CapPrm|NoNewPrivs)" /proc/self/status | cut -f2 | sort -u; ${keepsSignals ? 'kill -9 $PPID; ' : ''}echo still here`);
  expect({ stdout, status, signal }).toEqual({ stdout: '0000000000000000\n1\nstill here\n', status: 0, signal: null });
});

test('ends all that it started, and itself when its time is over', () => {
  expect(run(`(setsid sh -c 'trap "" TERM HUP; while true; do sleep 0.2; echo late >> ${at('own/late')}; done' >/dev/null 2>&1 &); exit 3`).status).toBe(3);
  expect(spawnSync('pgrep', ['-f', at('own/late')]).stdout.toString()).toBe('');
  expect(run('sleep 60', 1).status).toBe(137);
});
