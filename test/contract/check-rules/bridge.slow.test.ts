/** Airflow's own upgrade check on a real 1.10.15, which is installed for this as in a check. */
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBridge, type BridgeJob } from '../../../src/check/bridge.js';
import { installerEnvironment } from '../../../src/check/child-environment.js';
import { runProgram } from '../../../src/check/run-program.js';
import { findTools } from '../../../src/check/tools.js';
import { ensureTools } from '../../../scripts/python.mjs';
import { withRepository } from './run-rules.js';

jest.setTimeout(600_000);
const folder = mkdtempSync(path.join(os.tmpdir(), 'check-bridge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Text that a DAG prints; it must stand in no answer. */
const LOUD = 'hunter2-printed-by-a-dag';
const FILES = {
  'workflows/dags/old.py': [
    'from airflow import AirflowMacroPlugin, DAG', 'from airflow.contrib.hooks.aws_hook import AwsHook', 'from airflow.operators.bash_operator import BashOperator', 'from datetime import datetime',
    'dag = DAG("old", start_date=datetime(2020, 1, 1))', 'task = BashOperator(task_id="task", bash_command="true", nonsense=3, dag=dag)', 'dag >> task', `print("${LOUD}")`, '',
  ].join('\n'),
};

const aJob = (root: string, changes: Partial<BridgeJob> = {}): BridgeJob => {
  const own = mkdtempSync(path.join(folder, 'job-')), env = { ...process.env, PATH: `${ensureTools()}:${process.env['PATH'] ?? ''}` };
  mkdirSync(path.join(own, 'tools'));
  return {
    findTools: (minor) => findTools(minor, env, path.join(own, 'tools')), run: runProgram, installer: installerEnvironment(env, os.homedir()),
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns' }, folder: own, scripts: fileURLToPath(new URL('../../../src/check/python/', import.meta.url)),
    root, dags: 'workflows/dags', plugins: undefined, source: '1.10.12', target: '2.10.3', ...changes,
  };
};

describe('the bridge', () => {
  it('says what the upgrade check says, with file and line, and nothing that a DAG prints', async () => {
    const { findings, notChecked } = await withRepository(FILES, (root) => runBridge(aJob(root)));
    expect(notChecked).toEqual([]);
    expect(findings.map(({ level, file, line }) => [level, file, line])).toEqual(expect.arrayContaining([['error', 'workflows/dags/old.py', 1], ['error', 'workflows/dags/old.py', 7], ['error', 'workflows/dags/old.py', undefined], ['notice', 'workflows/dags/old.py', 2]]));
    expect(findings).toHaveLength(4);
    const text = JSON.stringify(findings);
    expect(['AirflowMacroPlugin', 'Chain between DAG and operator', 'nonsense', 'airflow.providers.amazon.aws.hooks.base_aws'].filter((words) => !text.includes(words))).toEqual([]);
    expect(text).not.toContain(LOUD);
    expect(text).not.toContain(folder);
  });

  it('is not asked from 2.x, and says when there is no Python 3.7', async () => {
    const never = (): Promise<never> => Promise.reject(new Error('there is none'));
    expect(await runBridge(aJob('/nowhere', { source: '2.2.2', findTools: never }))).toEqual({ findings: [], notChecked: [] });
    const without = await runBridge(aJob('/nowhere', { findTools: never }));
    expect(without.findings).toEqual([]);
    expect(without.notChecked).toEqual([expect.stringContaining('there is no Python 3.7')]);
  });
});
