import { describe, expect, it } from '@jest/globals';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openMwaa } from '../../../src/gateways/aws/mwaa.js';

type Answer = Readonly<{ status: number; body: unknown; headers?: Readonly<Record<string, string>> }> | Error;
type Sent = Readonly<{ method: string; hostname: string; path: string; query: unknown; body: unknown }>;

/** The real client down to the wire: only the connection is a double. */
function aMwaa(answers: Answer[], endpoint?: string) {
  const sent: Sent[] = [], waits: number[] = [];
  let now = 0;
  const clock = { now: () => new Date(now), sleep: async (milliseconds: number) => { waits.push(milliseconds); now += milliseconds; } };
  const client = new MWAAClient({
    region: 'eu-west-1', credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' }, maxAttempts: 1, ...(endpoint ? { endpoint, disableHostPrefix: true } : {}),
    requestHandler: {
      handle: async (request: { method: string; hostname: string; path: string; query: unknown; body?: string }) => {
        sent.push({ method: request.method, hostname: request.hostname, path: request.path, query: request.query, body: request.body ? JSON.parse(request.body) : undefined });
        const answer = answers.shift() ?? { status: 500, body: {} };
        if (answer instanceof Error) throw answer;
        return { response: { statusCode: answer.status, headers: { ...answer.headers }, body: Buffer.from(JSON.stringify(answer.body)) } };
      },
      destroy: () => undefined,
    } as never,
    streamCollector: async (body: unknown) => body as Uint8Array,
  });
  const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
  const mwaa = openMwaa({ client, call: createCaller(clock, log, 'source-role'), clock, region: 'eu-west-1', account: async () => '111122223333', airflowRole: 'Op' });
  return { mwaa, sent, waits };
}
const environment = { Name: 'a', Arn: 'arn', Status: 'AVAILABLE', AirflowVersion: '2.7.2', ExecutionRoleArn: 'r', SourceBucketArn: 'b', DagS3Path: 'dags' };
const refusal = (name: string, status: number, body: unknown = {}): Answer => ({ status, body, headers: { 'x-amzn-errortype': `${name}:http://internal/` } });

describe('MWAA', () => {
  it('keeps fields that the SDK does not know, both ways', async () => {
    const { mwaa, sent } = aMwaa([{ status: 200, body: { Environment: { ...environment, MinWebservers: 2, FutureField: { x: 1 } } } }, { status: 200, body: { Arn: 'x' } }]);
    expect(await mwaa.get('a')).toMatchObject({ MinWebservers: 2, FutureField: { x: 1 } });
    await mwaa.create({ Name: 'b', MinWebservers: 2, FutureField: [1] });
    expect(sent).toEqual([
      { method: 'GET', hostname: 'api.airflow.eu-west-1.amazonaws.com', path: '/environments/a', query: {}, body: undefined },
      { method: 'PUT', hostname: 'api.airflow.eu-west-1.amazonaws.com', path: '/environments/b', query: {}, body: { MinWebservers: 2, FutureField: [1] } },
    ]);
  });

  it('leaves the host prefix out exactly for an endpoint of one\'s own', async () => {
    const { mwaa, sent } = aMwaa([{ status: 200, body: { Environment: environment } }, { status: 200, body: { RestApiStatusCode: 200, RestApiResponse: {} } }], 'http://127.0.0.1:9');
    await mwaa.get('a');
    await mwaa.rest('a', { path: '/dags', method: 'GET' });
    expect(sent.map(({ hostname, path }) => [hostname, path])).toEqual([['127.0.0.1', '/environments/a'], ['127.0.0.1', '/restapi/a']]);
  });

  it('answers undefined for an environment that is not there', async () => expect(await aMwaa([refusal('ResourceNotFoundException', 404, { message: 'no' })]).mwaa.get('a')).toBeUndefined());

  it('reads all pages of names', async () => {
    const { mwaa, sent } = aMwaa([{ status: 200, body: { Environments: ['a'], NextToken: 't' } }, { status: 200, body: { Environments: ['b'] } }]);
    expect(await mwaa.list()).toEqual(['a', 'b']);
    expect(sent[1]?.query).toEqual({ MaxResults: '25', NextToken: 't' });
  });

  it("gives Airflow's own refusal as an answer", async () => {
    const { mwaa, sent } = aMwaa([refusal('RestApiClientException', 400, { RestApiStatusCode: 404, RestApiResponse: { detail: 'DAG not found' } })]);
    expect(await mwaa.rest('a', { path: '/dags/x', method: 'GET', query: { limit: 1 } })).toEqual({ status: 404, body: { detail: 'DAG not found' } });
    expect(sent[0]).toMatchObject({ hostname: 'env.airflow.eu-west-1.amazonaws.com', body: { Path: '/dags/x', Method: 'GET', QueryParameters: { limit: 1 } } });
  });

  it('names action and resource that were denied', async () => {
    const denied = () => refusal('AccessDeniedException', 403, { Message: 'User: x is not authorized to perform: airflow:InvokeRestApi' });
    await expect(aMwaa([denied()]).mwaa.rest('a', { path: '/dags', method: 'GET' })).rejects.toMatchObject({ what: 'Access denied: airflow:InvokeRestApi on arn:aws:airflow:eu-west-1:111122223333:role/a/Op.', why: expect.stringContaining('credentials of source-role') as unknown });
    await expect(aMwaa([denied()]).mwaa.get('a')).rejects.toMatchObject({ what: 'Access denied: airflow:GetEnvironment on arn:aws:airflow:eu-west-1:111122223333:environment/a.' });
  });

  it.each([['No Airflow role granted in IAM', /A wildcard in the resource counts as no role/u], ['Update your environment to use InvokeRestApi', /update the environment once/u]])('explains "%s"', async (message, words) => {
    await expect(aMwaa([refusal('AccessDeniedException', 403, { Message: message })]).mwaa.rest('a', { path: '/dags', method: 'GET' })).rejects.toThrow(words);
  });

  it('repeats throttled, failing and dropped calls', async () => {
    const { mwaa, waits } = aMwaa([refusal('ThrottlingException', 429), refusal('InternalServerException', 500), Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), { status: 200, body: { Environment: environment } }]);
    expect(await mwaa.get('a')).toMatchObject({ Name: 'a' });
    expect(waits).toHaveLength(3);
  });

  it('takes an environment that exists for its own when the first answer was lost, and else refuses', async () => {
    const exists = () => refusal('ValidationException', 400, { message: 'Environment a already exists' });
    await expect(aMwaa([new Error('socket hang up'), exists()]).mwaa.create({ Name: 'a' })).resolves.toBeUndefined();
    await expect(aMwaa([exists()]).mwaa.create({ Name: 'a' })).rejects.toThrow(/AWS refused airflow:CreateEnvironment on .*already exists/su);
  });

  it('sends at most 10 REST calls a second', async () => {
    const { mwaa, waits } = aMwaa(Array.from({ length: 21 }, () => ({ status: 200, body: { RestApiStatusCode: 200, RestApiResponse: {} } })));
    for (let call = 0; call < 21; call += 1) await mwaa.rest('a', { path: '/dags', method: 'GET' });
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThanOrEqual(2_000);
  });

  it('refuses paths that AWS would refuse', async () => {
    await expect(aMwaa([]).mwaa.rest('a', { path: `/${'x'.repeat(64)}`, method: 'GET' })).rejects.toThrow('1 to 64 characters');
  });
});
