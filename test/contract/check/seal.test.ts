/** seal.py on this machine's kernel: what a program sees and can do in it, by the user's own namespaces and by root on a user's behalf. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { openSeal } from '../../../src/check/seal.js';

const SEAL = path.resolve('src/check/python/seal.py');
const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-seal-'));
const at = (name: string): string => path.join(folder, name);
chmodSync(folder, 0o777);
for (const name of ['own', 'hidden']) {
  mkdirSync(at(name));
  chmodSync(at(name), 0o777);
}
writeFileSync(at('hidden/secret'), 'canary');
writeFileSync(at('secret-file'), 'canary');
writeFileSync(at('beside'), 'as it was');
chmodSync(at('beside'), 0o666);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const marker = ({ uid }: Readonly<{ uid: number | null }>): string => `${path.basename(folder)}-${uid ?? 'own'}`;
const jobFor = (ids: Readonly<{ uid: number | null; gid: number | null }>, seconds = 30): string => JSON.stringify({ writable: [at('own')], shown: [], hidden: [at('hidden'), at('secret-file')], seconds, path: '/usr/bin:/bin', ...ids });
const seal = (script: string, ids: Readonly<{ uid: number | null; gid: number | null }>, seconds = 30, more: Readonly<Record<string, readonly string[]>> = {}) =>
  spawnSync('python3', ['-I', '-S', SEAL, JSON.stringify({ writable: [at('own')], shown: [], hidden: [at('hidden'), at('secret-file')], seconds, path: '/usr/bin:/bin', ...ids, ...more }), '/bin/sh', '-c', script], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });

const isRoot = os.userInfo().uid === 0;
// 65534: nobody. Only root can act on behalf of another.
const WAYS = [['by namespaces of the user', { uid: null, gid: null }], ...(isRoot ? [['by root for a user', { uid: 65534, gid: 65534 }] as const] : [])] as const;

describe.each(WAYS)('%s', (_, ids) => {
  const first = seal('true', ids);
  // A kernel without user namespaces is a case of its own: the phase says so and goes on with limits.
  const run = first.status === 97 ? it.skip : it;

  run('shows no process but its own, and works in its folder', () => {
    const { stdout } = seal('ls /proc | grep -c "^[0-9]"; echo $$; pwd; echo mine > file; cat file', ids);
    expect(stdout.split('\n').slice(1, 4)).toEqual(['1', at('own'), 'mine']);
    expect(Number(stdout.split('\n')[0])).toBeLessThanOrEqual(4);
    rmSync(at('own/file'), { force: true });
  });

  run('lets nothing else be written, removed or seen', () => {
    const { stdout } = seal(`echo forged > ${at('beside')}; rm -f ${at('beside')}; echo forged > /tmp/mwaa-migrate-forged; cat ${at('hidden')}/secret ${at('secret-file')}; ls ${at('hidden')}`, ids);
    expect(stdout).toBe('');
    expect(readFileSync(at('beside'), 'utf8')).toBe('as it was');
    expect(existsSync('/tmp/mwaa-migrate-forged')).toBe(false);
  });

  run('shows of a hidden folder what it is told to, also by links, and lets it be only read', () => {
    const home = at('home');
    for (const name of ['tools/1.2.3/bin', 'secrets', 'own']) mkdirSync(path.join(home, name), { recursive: true });
    chmodSync(path.join(home, 'own'), 0o777);
    writeFileSync(path.join(home, 'tools/1.2.3/bin/tool'), 'right');
    writeFileSync(path.join(home, 'tools/1.2.3/library'), 'with it');
    chmodSync(path.join(home, 'tools/1.2.3/library'), 0o666);
    writeFileSync(path.join(home, 'secrets/key'), 'canary');
    rmSync(path.join(home, 'tools/latest'), { force: true });
    symlinkSync('1.2.3', path.join(home, 'tools/latest'));
    const { stdout } = seal(`cat ${home}/tools/latest/bin/tool; echo; cd ${home}; find . | sort; echo forged > tools/1.2.3/library; echo forged > new; echo mine > own/file; cat own/file`, ids, 30, {
      writable: [path.join(home, 'own')], shown: [path.join(home, 'tools/latest/bin/tool'), path.join(home, 'tools/1.2.3'), path.join(home, 'secrets'), path.join(home, 'absent')], hidden: [home, path.join(home, 'secrets')],
    });
    expect(stdout.split('\n')).toEqual(['right', '.', './own', './secrets', './tools', './tools/1.2.3', './tools/1.2.3/bin', './tools/1.2.3/bin/tool', './tools/1.2.3/library', './tools/latest', 'mine', '']);
    expect([readFileSync(path.join(home, 'tools/1.2.3/library'), 'utf8'), readFileSync(path.join(home, 'own/file'), 'utf8')]).toEqual(['with it', 'mine\n']);
    rmSync(path.join(home, 'own/file'));
  });

  run('leaves no way back: no capability, no mount, no namespace of one more level', () => {
    const { stdout } = seal(`grep -E "^Cap(Eff|Prm|Bnd)" /proc/self/status | cut -f2 | sort -u; grep NoNewPrivs /proc/self/status | cut -f2; umount ${at('hidden')} && echo open; mount -o remount,rw / && echo open; unshare -r umount ${at('hidden')} && echo open; true`, ids);
    expect(stdout).toBe('0000000000000000\n1\n');
  });

  run('cannot be ended from inside, and ends all that it started', () => {
    const { stdout, status } = seal(`kill -9 1; (setsid sh -c 'trap "" TERM HUP; sleep 3; echo late > late' >/dev/null 2>&1 &); echo still here; exit 7`, ids);
    expect({ stdout, status }).toEqual({ stdout: 'still here\n', status: 7 });
    expect(spawnSync('pgrep', ['-f', 'echo late > late']).stdout.toString()).toBe('');
  });

  run('ends with the one that started it, wherever it has put itself', async () => {
    // In a session of its own a signal to the group does not reach it, and another user's processes are not ours to end.
    const started = spawn('python3', ['-I', '-S', SEAL, jobFor(ids), '/usr/bin/setsid', 'sh', '-c', `echo started; while true; do sleep 0.1; : ${marker(ids)}; done`], { stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'] ?? '' } });
    const isThere = (): boolean => spawnSync('pgrep', ['-f', `: ${marker(ids)}; done`]).status === 0;
    await new Promise((resolve) => started.stdout.once('data', resolve));
    expect(isThere()).toBe(true);
    started.kill('SIGKILL');
    for (let tries = 0; isThere() && tries < 50; tries += 1) await new Promise((resolve) => setTimeout(resolve, 100));
    const left = isThere();
    // One that is left must not outlive the test, nor hold its pipe.
    for (const id of spawnSync('pgrep', ['-f', `: ${marker(ids)}; done`], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)) process.kill(Number(id), 'SIGKILL');
    expect(left).toBe(false);
  }, 30_000);

  run('ends it when its time is over, also where the one who started it may not', () => expect(seal('sleep 60', ids, 1).status).toBe(137));
});

if (isRoot)
  it('by sudo: takes the one of the system, and has it end what this user may not', async () => {
    const log = at('sudo.log'), fake = at('sudo'), script = at('root_only.py'), work = at('work');
    mkdirSync(work, { recursive: true });
    // Anything else of that name must not be asked.
    writeFileSync(path.join(work, 'sudo'), `#!/bin/sh\necho wrong >> ${log}\nexit 1\n`, { mode: 0o755 });
    writeFileSync(fake, `#!/bin/sh\nprintf "%s\\n" "$*" >> ${log}\nwhile true; do case "$1" in -n|--preserve-env=*) shift;; --) shift; break;; *) break;; esac; done\nexec "$@"\n`, { mode: 0o755 });
    writeFileSync(script, `import json, runpy, sys\nif json.loads(sys.argv[1])["uid"] is None: sys.exit(97)\nrunpy.run_path(${JSON.stringify(SEAL)}, run_name="__main__")\n`);
    const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
    const { kind, run } = await openSeal({ python, uv: path.join(ensureTools(), 'uv'), script, landlock: script, sudo: fake, folder: work, shown: [], hidden: [], env: {} });
    expect(kind).toBe('root');
    rmSync(log);
    const ended = await run({ command: '/bin/sh', args: ['-c', 'while true; do echo more; done'], env: { PATH: `${work}:/usr/bin:/bin` }, folder: work, writable: [work], timeoutSeconds: 60, maxOutput: 1000 });
    expect(ended.stopped).toBe('output');
    expect(readFileSync(log, 'utf8')).toMatch(/^-n --preserve-env=[^\n]* -- [^]*\n-n kill -KILL -- -\d+\n/u);
    expect(readFileSync(log, 'utf8')).not.toContain('wrong');
  }, 60_000);

it('says that it cannot, before anything is started, where the kernel does not let it', () => {
  // Without capabilities and without user namespaces: what a hardened container is.
  const { status, stderr } = spawnSync('python3', ['-I', '-S', SEAL, JSON.stringify({ writable: [at('none')], shown: [], hidden: [], seconds: 5, path: '/bin', uid: null, gid: null }), '/bin/echo', 'started'], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });
  expect(status).toBe(97);
  expect(stderr).toMatch(/not sealed|no namespaces/u);
});
