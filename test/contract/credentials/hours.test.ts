/**
 * A phase of more than four hours on sessions of one: phase create waits for an environment that somebody else deploys late, on an AWS that ends sessions
 * to the second. Time is the test's: every Date of this process (ours, the SDKs', STS's, GitHub's issuer's) is moved on by what the phase sleeps.
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Ticker } from '../../../src/clock.js';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openMwaa } from '../../../src/gateways/aws/mwaa.js';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { createEnvironment } from '../../../src/phases/create.js';
import { wire } from '../../../src/wiring.js';
import type { CallRecord } from '../../sandbox/front/contract.js';
import { executionRolePolicy, executionRoleTrust } from '../../sandbox/spec/execution-role.js';
import { readSpec } from '../../sandbox/spec/read-spec.js';
import { startSandbox, type Sandbox } from '../../sandbox/world.js';
import { anAirflow, type AnAirflow } from '../mwaa/a-mwaa.js';

jest.setTimeout(240_000);
const ACCOUNT = '111122223333', REGION = 'eu-west-1', ROLE = `arn:aws:iam::${ACCOUNT}:role/deployed-by-stack`;
const MINUTE = 60_000, LATE = 260 * MINUTE;
/** Polls are this much slower than the phase wants, which keeps their number small; heartbeats keep their pace. */
const SLOWER = 6;
const saved = { ...process.env };
const log = { info: () => undefined, warn: (line: string) => void warnings.push(line), group: <T>(_: string, work: () => Promise<T>) => work() };
const warnings: string[] = [];
let folder: string, airflow: AnAirflow, sandbox: Sandbox;

beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-hours-'));
  mkdirSync(path.join(folder, 'dags'));
  writeFileSync(path.join(folder, 'dags', 'report.py'), 'from airflow import DAG\n');
  writeFileSync(path.join(folder, 'sandbox.yaml'), stringify({
    github: { repository: 'acme/airflow', environment: 'migration' },
    iam: [{ template: path.resolve('docs/iam/roles.yaml'), parameters: { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags' } }],
    environments: [{ name: 'analytics', 'airflow-version': '2.7.2', bucket: 'acme-dags', dags: 'dags' }],
  }));
  airflow = await anAirflow();
  sandbox = await startSandbox(readSpec(path.join(folder, 'sandbox.yaml')), { machinery: () => Promise.resolve(airflow.machinery) });
  sandbox.world.createRole({ account: ACCOUNT, name: 'deployed-by-stack', trust: executionRoleTrust(ACCOUNT, REGION, '*'), policies: { own: executionRolePolicy({ account: ACCOUNT, region: REGION, environment: 'analytics-v2', bucket: 'acme-dags' }) } });
  Object.assign(process.env, sandbox.env());
  // Dates alone: timers and everything that waits for them stay real.
  jest.useFakeTimers({ now: Date.now(), doNotFake: ['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
});
afterAll(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await sandbox?.close();
  await airflow?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** @param onTime told of the time that has passed, after each minute of it */
function passing(onTime: (ms: number) => Promise<void>): Readonly<{ sleep: (ms: number) => Promise<void>; ticker: Ticker }> {
  const beats = new Map<() => void, Readonly<{ every: number; due: number }>>(), began = Date.now();
  const step = async (ms: number): Promise<void> => {
    jest.setSystemTime(Date.now() + ms);
    for (const [work, { every, due }] of beats) if (Date.now() >= due) {
      beats.set(work, { every, due: Date.now() + every });
      work();
      // The heartbeat is on its own: it needs some real time to be sent.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await onTime(Date.now() - began);
  };
  return {
    async sleep(ms) {
      for (let left = ms * SLOWER; left > 0; left -= MINUTE) await step(Math.min(left, MINUTE));
    },
    ticker: (every, work) => {
      beats.set(work, { every, due: Date.now() + every });
      return () => void beats.delete(work);
    },
  };
}

async function deploy(): Promise<void> {
  const clock = { now: () => new Date(), sleep: () => new Promise<void>((resolve) => setTimeout(resolve, 10)) };
  const mwaa = openMwaa({ client: new MWAAClient({ ...sandbox.rootClient(ACCOUNT), disableHostPrefix: true }), call: createCaller(clock, log, 'deployer'), clock, region: REGION, account: () => Promise.resolve(ACCOUNT), airflowRole: 'Op' });
  const { SourceBucketArn, NetworkConfiguration, EnvironmentClass } = (await mwaa.get('analytics')) as Record<string, unknown>;
  await mwaa.create({ Name: 'analytics-v2', AirflowVersion: '2.10.3', ExecutionRoleArn: ROLE, SourceBucketArn, NetworkConfiguration, EnvironmentClass, DagS3Path: 'analytics-v2/dags' });
}

const assumptions = (calls: readonly CallRecord[]): readonly CallRecord[] => calls.filter(({ action }) => action === 'AssumeRoleWithWebIdentity');
const hours = (ms: number): number => ms / 3_600_000;

describe('a phase of more than four hours', () => {
  it('renews its sessions before they end, makes no call that fails for them, and ends right', async () => {
    const { SourceRole, TargetRole } = sandbox.stacks[0]?.outputs ?? {};
    const began = Date.now(), first = sandbox.world.identities.sessionForService(TargetRole ?? '', 'test', 'bought-at-the-beginning', 3600);
    let isDeployed = false;
    const { sleep, ticker } = passing(async (ms) => {
      if (isDeployed || ms < LATE) return;
      isDeployed = true;
      await deploy();
    });
    sandbox.clearCalls();
    const { context, close } = wire({
      inputs: readInputs(JSON.stringify({ phase: 'create', config: 'm.yml', 'timeout-minutes': '400', 'source-role': SourceRole, 'target-role': TargetRole })),
      file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3, create: external }\n`, 'm.yml'),
      env: { ...process.env, GITHUB_WORKSPACE: folder }, home: process.cwd(), clock: { now: () => new Date(), sleep }, ticker, log,
    });
    const { ok, summary } = await createEnvironment(context);
    await close();

    expect(hours(Date.now() - began)).toBeGreaterThan(4);
    expect({ ok, isDeployed }).toEqual({ ok: true, isDeployed: true });
    expect(summary).toContain('analytics-v2');
    // What is not there yet is asked for; nothing else went wrong.
    const wrong = sandbox.calls.filter(({ status }) => status >= 400).map(({ action, status }) => `${action} ${status}`);
    expect([...new Set(wrong)].filter((one) => !/^(?:GetEnvironment|HeadBucket|GetObject|GetBucketEncryption|GetPublicAccessBlock|GetBucketPolicy) 404$/u.test(one))).toEqual([]);
    expect(warnings.filter((line) => line.includes('session'))).toEqual([]);
    // An hour each, renewed ten minutes before it ends: five or six of each role.
    const bought = assumptions(sandbox.calls).map(({ resource }) => resource.split('/').at(-1));
    for (const role of ['mwaa-migrate-source', 'mwaa-migrate-target']) expect(bought.filter((one) => one === role).length).toBeGreaterThan(4);
    expect(bought.length).toBeLessThan(14);
    // That sessions do end here: the one of the beginning is refused by now.
    const old = new STSClient({ ...sandbox.rootClient(ACCOUNT), credentials: first, maxAttempts: 1 });
    await expect(old.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: expect.stringMatching(/^ExpiredToken/u) });
  });
});
