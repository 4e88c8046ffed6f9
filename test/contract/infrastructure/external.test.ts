/** target.create: external. The template out of the plan's own summary is deployed by somebody else while phase create waits, and is what it compares with. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { openMwaa } from '../../../src/gateways/aws/mwaa.js';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { createEnvironment } from '../../../src/phases/create.js';
import { planMigration } from '../../../src/phases/plan.js';
import { copyResources } from '../../../src/phases/resources.js';
import type { Context, Mwaa } from '../../../src/ports.js';
import { wire } from '../../../src/wiring.js';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import { readSpec } from '../../sandbox/spec/read-spec.js';
import { executionRolePolicy, executionRoleTrust } from '../../sandbox/spec/execution-role.js';
import { startSandbox, type Sandbox } from '../../sandbox/world.js';
import { anAirflow, type AnAirflow } from '../mwaa/a-mwaa.js';
import { CANARY } from './plans.js';

jest.setTimeout(120_000);
const ACCOUNT = '111122223333', REGION = 'eu-west-1', ROLE = `arn:aws:iam::${ACCOUNT}:role/deployed-by-stack`;
const saved = { ...process.env };
const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
let folder: string, airflow: AnAirflow, sandbox: Sandbox, properties: Record<string, unknown>;

beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-external-'));
  mkdirSync(path.join(folder, 'dags'));
  writeFileSync(path.join(folder, 'dags', 'report.py'), 'from airflow import DAG\n');
  writeFileSync(path.join(folder, 'requirements.txt'), 'attrs==23.1.0\n');
  writeFileSync(path.join(folder, 'sandbox.yaml'), stringify({
    github: { repository: 'acme/airflow', environment: 'migration' },
    iam: [{ template: path.resolve('docs/iam/roles.yaml'), parameters: { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: 'acme-dags' } }],
    environments: [{ name: 'analytics', 'airflow-version': '2.7.2', bucket: 'acme-dags', dags: 'dags', requirements: 'requirements.txt', options: { 'core.parallelism': '16', 'secrets.backend_kwargs': CANARY }, tags: { team: 'on' }, class: 'mw1.medium' }],
  }));
  airflow = await anAirflow();
  sandbox = await startSandbox(readSpec(path.join(folder, 'sandbox.yaml')), { machinery: () => Promise.resolve(airflow.machinery) });
  sandbox.world.createRole({ account: ACCOUNT, name: 'deployed-by-stack', trust: executionRoleTrust(ACCOUNT, REGION, '*'), policies: Object.fromEntries(['analytics-v2', 'analytics-v3'].map((environment) => [environment, executionRolePolicy({ account: ACCOUNT, region: REGION, environment, bucket: 'acme-dags' })])) });
  Object.assign(process.env, sandbox.env());
});
afterAll(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await sandbox?.close();
  await airflow?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** @param onWait called whenever the phase waits */
function runner(phase: string, onWait: () => Promise<void> = () => Promise.resolve()): Context {
  const { PlanRole, SourceRole, TargetRole } = sandbox.stacks[0]?.outputs ?? {};
  return wire({
    inputs: readInputs(JSON.stringify({ phase, config: 'm.yml', ...(phase === 'plan' ? { 'plan-role': PlanRole } : { 'source-role': SourceRole, 'target-role': TargetRole }) })),
    file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3, create: external }\n`, 'm.yml'),
    env: { ...process.env, GITHUB_WORKSPACE: folder }, home: process.cwd(), ticker: () => () => undefined, clock: { now: () => new Date(), sleep: () => new Promise((resolve) => setTimeout(() => void onWait().then(resolve), 20)) }, log,
  }).context;
}

/** Whoever deploys the stack. */
const deployer = (): Mwaa => openMwaa({
  client: new MWAAClient({ ...sandbox.rootClient(ACCOUNT), disableHostPrefix: true }), call: createCaller({ now: () => new Date(), sleep: async () => undefined }, log, 'deployer'), clock: { now: () => new Date(), sleep: async () => undefined },
  region: REGION, account: () => Promise.resolve(ACCOUNT), airflowRole: 'Op',
});

/** As CloudFormation would: every Ref becomes the value that a person gives for it. */
function deployed(template: Readonly<{ Parameters: Readonly<Record<string, unknown>>; Resources: Readonly<{ Environment: Readonly<{ Properties: Record<string, unknown> }> }> }>, values: Readonly<Record<string, string>>): Record<string, unknown> {
  expect(Object.keys(template.Parameters).sort()).toEqual(Object.keys(values).sort());
  const put = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const { Ref } = value as Readonly<{ Ref?: string }>;
    return Ref === undefined ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, put(one)])) : values[Ref];
  };
  return put(template.Resources.Environment.Properties) as Record<string, unknown>;
}

describe('an environment that infrastructure code creates', () => {
  it('is described by the plan so that it can be deployed as it stands', async () => {
    const { summary } = await planMigration(runner('plan'));
    const listing = /```+yaml\n([\s\S]*?)\n```/u.exec(summary.slice(summary.indexOf('The target as CloudFormation')))?.[1] ?? '';
    expect(summary).not.toContain(CANARY);
    await copyResources(runner('resources'));
    const version = sandbox.s3.listObjects('acme-dags', 'analytics-v2/requirements.txt')[0]?.versionId ?? '';
    properties = deployed(parse(listing, { version: '1.1' }) as Parameters<typeof deployed>[0], { ExecutionRole: ROLE, RequirementsVersion: version, OptionSecretsBackendKwargs: CANARY });
    expect(properties).toMatchObject({ Name: 'analytics-v2', Tags: { team: 'on' } });
  });

  it('is waited for by phase create, which creates nothing and finds no difference', async () => {
    let waits = 0;
    sandbox.clearCalls();
    const { summary } = await createEnvironment(runner('create', async () => {
      waits += 1;
      if (waits === 3) await deployer().create(properties);
    }));
    expect(waits).toBeGreaterThanOrEqual(3);
    expect(summary).toContain('0 differences from the plan');
    expect(summary).toContain('your infrastructure code');
    expect(summary).not.toContain(CANARY);
    const writers = sandbox.calls.filter(({ action }) => /^(?:CreateEnvironment|CreateRole|PutRolePolicy|AttachRolePolicy|UpdateEnvironment)$/u.test(action)).map(({ principal, action }) => `${action} ${principal}`);
    expect(writers).toEqual([`CreateEnvironment arn:aws:iam::${ACCOUNT}:root`]);
  });

  it('is compared when it is there, field by field and option by option, without showing what is hidden', async () => {
    const other = { ...properties, Name: 'analytics-v3', MaxWorkers: 3, AirflowConfigurationOptions: { 'core.parallelism': '99', 'secrets.backend_kwargs': 'another;secret;value' } };
    await deployer().create(other);
    await sandbox.control.settled('analytics-v3');
    const context = runner('create');
    const { summary } = await createEnvironment({ ...context, target: { ...context.target, mwaa: { ...context.target.mwaa, get: async (name) => {
      // The same name cannot be had twice: what stands at v3 is shown as v2.
      const found = await deployer().get(name === 'analytics-v2' ? 'analytics-v3' : name);
      return found && { ...found, Name: name };
    } } } });
    expect(summary).toMatch(/3 differences from the plan[\s\S]*MaxWorkers[\s\S]*core\.parallelism[\s\S]*99[\s\S]*secrets\.backend/u);
    for (const secret of [CANARY, 'another;secret;value']) expect(summary).not.toContain(secret);
  });
});
