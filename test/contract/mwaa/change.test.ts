import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ACCOUNT, type AMwaa, aMwaa, ENVIRONMENT_ARN } from './a-mwaa.js';

let mwaa: AMwaa;
beforeEach(async () => { mwaa = await aMwaa(); });
afterEach(() => mwaa.close());
const update = (changes: Readonly<Record<string, unknown>>) => mwaa.call('PATCH', '/environments/analytics', changes);

describe('UpdateEnvironment', () => {
  it('changes what is named, keeps the rest and hands it to Airflow', async () => {
    await mwaa.create({ AirflowConfigurationOptions: { 'core.parallelism': '8' } });
    expect(await update({ MaxWorkers: 20, NetworkConfiguration: { SecurityGroupIds: ['sg-2'] } })).toMatchObject({ status: 200, body: { Arn: ENVIRONMENT_ARN } });
    expect(await mwaa.get()).toMatchObject({ Status: 'UPDATING' });
    expect(await update({ MaxWorkers: 21 })).toMatchObject({ status: 400, body: { message: expect.stringContaining('is UPDATING') } });
    await mwaa.service.control.settled('analytics');
    expect(await mwaa.get()).toMatchObject({
      Status: 'AVAILABLE', MaxWorkers: 20, AirflowConfigurationOptions: { 'core.parallelism': '8' }, NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-b'], SecurityGroupIds: ['sg-2'] },
    });
    expect(mwaa.airflow.applied).toHaveLength(1);
  });

  it.each(['KmsKey', 'EndpointManagement', 'Tags'])('does not take %s, which only CreateEnvironment has', async (field) => {
    await mwaa.create();
    expect(await update({ [field]: 'x' })).toMatchObject({ status: 400, body: { message: expect.stringContaining(`'${field}' is not a member of UpdateEnvironmentInput`) } });
  });

  it.each([
    { from: '2.7.2', to: '2.6.3', says: /not supported/ },
    { from: '2.10.3', to: '3.0.6', says: /upgrade to 2\.11\.2 first/ },
  ])('refuses the move $from → $to', async ({ from, to, says }) => {
    await mwaa.create({ AirflowVersion: from });
    expect(await update({ AirflowVersion: to })).toMatchObject({ status: 400, body: { message: expect.stringMatching(says) } });
  });

  it('rolls back to UPDATE_FAILED when Airflow does not take the change, and says why', async () => {
    await mwaa.create();
    let tries = 0;
    mwaa.airflow.script.apply = () => ((tries += 1) === 1 ? Promise.reject(new Error('requirements do not install')) : Promise.resolve());
    await update({ MaxWorkers: 20 });
    await mwaa.service.control.settled('analytics');
    expect(await mwaa.get()).toMatchObject({ Status: 'UPDATE_FAILED', MaxWorkers: 10, LastUpdate: { Status: 'FAILED', Error: { ErrorMessage: 'requirements do not install' } } });
  });

  it.each(['UPDATE_FAILED', 'UNAVAILABLE'] as const)('ends %s on order', async (ending) => {
    await mwaa.create();
    mwaa.service.control.failNextUpdate('analytics', ending);
    await update({ MaxWorkers: 20 });
    await mwaa.service.control.settled('analytics');
    expect(await mwaa.get()).toMatchObject({ Status: ending, MaxWorkers: 10 });
  });
});

describe('DeleteEnvironment', () => {
  it('ends Airflow, then the environment is not found', async () => {
    await mwaa.create();
    expect(await mwaa.call('DELETE', '/environments/analytics')).toMatchObject({ status: 200, body: {} });
    expect(await mwaa.get()).toMatchObject({ Status: 'DELETING' });
    await mwaa.service.control.settled('analytics');
    expect(mwaa.airflow.stopped).toEqual(['analytics']);
    expect(await mwaa.call('GET', '/environments/analytics')).toMatchObject({ status: 404 });
  });

  it('refuses while the environment changes', async () => {
    await mwaa.create();
    mwaa.service.control.holdStatus('analytics', 'UPDATING');
    expect(await mwaa.call('DELETE', '/environments/analytics')).toMatchObject({ status: 400, type: 'ValidationException' });
    mwaa.service.control.releaseStatus('analytics');
    expect(await mwaa.call('DELETE', '/environments/analytics')).toMatchObject({ status: 200 });
  });
});

describe('lists and tags', () => {
  it('lists in pages of this account and region', async () => {
    for (const name of ['b', 'c', 'a']) expect(await mwaa.create({}, name)).toMatchObject({ status: 200 });
    const names = async (query: string) => (await mwaa.call('GET', `/environments${query}`)).body as { Environments: string[]; NextToken?: string };
    expect(await names('')).toEqual({ Environments: ['a', 'b', 'c'] });
    const first = await names('?MaxResults=2');
    expect(first.Environments).toEqual(['a', 'b']);
    expect(await names(`?MaxResults=2&NextToken=${first.NextToken}`)).toEqual({ Environments: ['c'] });
    expect(await mwaa.call('GET', '/environments?MaxResults=26')).toMatchObject({ status: 400, type: 'ValidationException' });
  });

  it('adds, lists and removes tags', async () => {
    await mwaa.create();
    const path = `/tags/${encodeURIComponent(ENVIRONMENT_ARN)}`;
    expect(await mwaa.call('POST', path, { Tags: { team: 'data', stage: 'test' } })).toMatchObject({ status: 200 });
    expect(await mwaa.call('DELETE', `${path}?tagKeys=stage`)).toMatchObject({ status: 200 });
    expect((await mwaa.call('GET', path)).body).toEqual({ Tags: { team: 'data' } });
    expect(await mwaa.call('GET', `/tags/${encodeURIComponent(`${ENVIRONMENT_ARN}2`)}`)).toMatchObject({ status: 403 });
  });

  it('does not find an environment of another region, nor an unknown operation', async () => {
    await mwaa.create();
    expect(await mwaa.call('GET', '/environments/other')).toMatchObject({ status: 404, type: 'ResourceNotFoundException' });
    expect(await mwaa.call('GET', '/nothing')).toMatchObject({ status: 404, type: 'UnknownOperationException' });
    expect(await mwaa.call('GET', '/environments/analytics', undefined, { kind: 'root', account: '999999999999', arn: 'arn:aws:iam::999999999999:root' })).toMatchObject({ status: 404 });
    expect(ACCOUNT).not.toBe('999999999999');
  });
});
