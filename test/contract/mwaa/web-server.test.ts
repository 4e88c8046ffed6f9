import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type AMwaa, aMwaa, ACCOUNT, REGION } from './a-mwaa.js';

let mwaa: AMwaa;
beforeEach(async () => { mwaa = await aMwaa(); });
afterEach(() => mwaa.close());

describe('InvokeRestApi', () => {
  const get = { Path: '/dags', Method: 'GET' };

  it('forwards as the Airflow role of the policy, and wraps the answer', async () => {
    await mwaa.create();
    const answer = await mwaa.restApi({ Path: '/dags/~/dagRuns/list', Method: 'POST', QueryParameters: { limit: 5, tags: ['a', 'b'], only_active: true }, Body: { page_limit: 1 } });
    expect(answer).toMatchObject({ status: 200, body: { RestApiStatusCode: 200, RestApiResponse: { dags: [] } } });
    expect(mwaa.airflow.rest).toEqual([{ role: 'Op', method: 'POST', path: '/dags/~/dagRuns/list', query: 'limit=5&tags=a&tags=b&only_active=true', body: '{"page_limit":1}' }]);
  });

  it.each([
    { allowed: ['Viewer', 'User', 'Public'], is: 'User', because: 'the highest counts' },
    { allowed: ['Admin', 'Viewer'], is: 'Admin', because: 'the highest counts' },
    { allowed: ['*'], is: 'Viewer', because: 'a wildcard is mapped to a lesser role' },
  ])('maps a policy for $allowed to $is: $because', async ({ allowed, is }) => {
    await mwaa.close();
    mwaa = await aMwaa({ rest: { Effect: 'Allow', Action: 'airflow:InvokeRestApi', Resource: allowed.map((role) => `arn:aws:airflow:${REGION}:${ACCOUNT}:role/analytics/${role}`) } });
    await mwaa.create();
    await mwaa.restApi(get);
    expect(mwaa.airflow.rest.map(({ role }) => role)).toEqual([is]);
  });

  it('refuses a caller without an Airflow role', async () => {
    await mwaa.close();
    mwaa = await aMwaa({ without: ['rest'] });
    await mwaa.create();
    expect(await mwaa.restApi(get)).toEqual({ status: 403, type: 'AccessDeniedException', body: { Message: 'No Airflow role granted in IAM' } });
  });

  it.each([
    { airflow: 404, body: '{"detail":"DAG not found"}', type: 'RestApiClientException', response: { detail: 'DAG not found' } },
    { airflow: 500, body: 'oops', type: 'RestApiServerException', response: 'oops' },
  ])('answers HTTP 400 with the envelope when Airflow answers $airflow', async ({ airflow, body, type, response }) => {
    await mwaa.create();
    mwaa.airflow.script.rest = () => Promise.resolve({ status: airflow, body });
    expect(await mwaa.restApi(get)).toEqual({ status: 400, type, body: { RestApiStatusCode: airflow, RestApiResponse: response } });
  });

  it('takes paths of 1 to 64 characters', async () => {
    await mwaa.create();
    expect(await mwaa.restApi({ ...get, Path: `/${'a'.repeat(63)}` })).toMatchObject({ status: 200 });
    expect(await mwaa.restApi({ ...get, Path: `/${'a'.repeat(64)}` })).toMatchObject({ status: 400, type: 'ValidationException' });
    expect(await mwaa.restApi({ ...get, Path: '' })).toMatchObject({ status: 400, type: 'ValidationException' });
    expect(await mwaa.restApi({ ...get, Method: 'HEAD' })).toMatchObject({ status: 400, type: 'ValidationException' });
  });

  it('fails above 6 MB', async () => {
    await mwaa.create();
    mwaa.airflow.script.rest = () => Promise.resolve({ status: 200, body: JSON.stringify('x'.repeat(6 * 1024 * 1024)) });
    expect(await mwaa.restApi(get)).toMatchObject({ status: 400, type: 'RestApiServerException' });
  });

  it('throttles after ten calls in a burst, and lets go again', async () => {
    await mwaa.create();
    const begun = Date.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => mwaa.restApi(get)));
    const throttled = answers.filter(({ type }) => type === 'ThrottlingException');
    // Ten a second come free again while the burst lasts, which a busy machine makes longer.
    expect(throttled.length).toBeGreaterThanOrEqual(50 - Math.ceil((Date.now() - begun) / 100));
    expect(throttled.length).toBeLessThanOrEqual(50);
    expect(new Set(throttled.map(({ status }) => status))).toEqual(new Set([429]));
    mwaa.world.clock.shift(1);
    expect(await mwaa.restApi(get)).toMatchObject({ status: 200 });
  });

  it('refuses a private web server, an outdated environment and one that is not ready', async () => {
    await mwaa.create({ WebserverAccessMode: 'PRIVATE_ONLY' });
    expect(await mwaa.restApi(get)).toMatchObject({ status: 403, type: 'AccessDeniedException', body: { Message: expect.stringContaining('only within a VPC') } });
    await mwaa.close();
    mwaa = await aMwaa();
    await mwaa.create();
    mwaa.service.control.holdStatus('analytics', 'UPDATING');
    expect(await mwaa.restApi(get)).toMatchObject({ status: 400, type: 'ValidationException', body: { message: expect.stringContaining('is UPDATING') } });
    mwaa.service.control.releaseStatus('analytics');
    mwaa.service.control.outdate('analytics');
    expect(await mwaa.restApi(get)).toMatchObject({ status: 400, body: { message: 'Update your environment to use InvokeRestApi' } });
    expect(mwaa.airflow.rest).toEqual([]);
  });
});

describe('web server host', () => {
  const post = (url: string, body: string, headers: Record<string, string>) => fetch(url, { method: 'POST', body, headers, redirect: 'manual' });
  const cliToken = async () => (await mwaa.call('POST', '/clitoken/analytics', {})).body as { CliToken: string; WebServerHostname: string };

  it('runs a CLI command with a token and answers base64 without an exit code', async () => {
    await mwaa.create();
    const { CliToken, WebServerHostname } = await cliToken();
    const answer = await post(`http://${WebServerHostname}/aws_mwaa/cli`, `dags trigger x --conf '{"a": "b c"}'`, { authorization: `Bearer ${CliToken}`, 'content-type': 'text/plain' });
    expect(await answer.json()).toEqual({ stdout: Buffer.from('out').toString('base64'), stderr: Buffer.from('err').toString('base64') });
    expect(mwaa.airflow.cli).toEqual([['dags', 'trigger', 'x', '--conf', '{"a": "b c"}']]);
  });

  it('runs no command that AWS refuses, and none without a fresh token', async () => {
    await mwaa.create();
    const { CliToken, WebServerHostname } = await cliToken();
    const run = (command: string, token = CliToken) => post(`http://${WebServerHostname}/aws_mwaa/cli`, command, { authorization: `Bearer ${token}`, 'content-type': 'text/plain' });
    for (const command of ['connections list', 'connections get x', 'variables export /tmp/x', 'users list', 'db reset -y', 'pools list', 'scheduler']) expect((await run(command)).status).toBe(500);
    expect((await run('version', 'guessed')).status).toBe(403);
    mwaa.world.clock.shift(61);
    expect((await run('version')).status).toBe(403);
    expect(mwaa.airflow.cli).toEqual([]);
  });

  it('passes everything else on to the real web server', async () => {
    await mwaa.create();
    const { WebserverUrl } = await mwaa.get();
    const answer = await fetch(`${String(WebserverUrl)}/health?x=1`);
    expect([answer.headers.get('x-seen-path'), await answer.text()]).toEqual(['/health?x=1', 'the real web server']);
  });

  it('gives a web login token as the caller’s Airflow role, valid for this environment and kind only', async () => {
    await mwaa.create();
    const { body } = await mwaa.call('POST', '/webtoken/analytics', {});
    expect(body).toMatchObject({ AirflowIdentity: 'assumed-role/deployer/test', IamIdentity: expect.stringContaining(':assumed-role/deployer/test') });
    const run = await post(`http://${String(body.WebServerHostname)}/aws_mwaa/cli`, 'version', { authorization: `Bearer ${String(body.WebToken)}`, 'content-type': 'text/plain' });
    expect(run.status).toBe(403);
    const login = await post(`http://${String(body.WebServerHostname)}/aws_mwaa/login`, `token=${String(body.WebToken)}`, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(login.status).toBe(501); // this caller is Op; the sandbox opens sessions for Admin
  });

  it('refuses a token to a caller without airflow:CreateCliToken', async () => {
    await mwaa.close();
    mwaa = await aMwaa({ without: ['cli'] });
    await mwaa.create();
    expect(await mwaa.call('POST', '/clitoken/analytics', {})).toMatchObject({ status: 403, body: { Message: expect.stringContaining('airflow:CreateCliToken') } });
  });
});
