/** A number is not worth waiting for: a count that Airflow does not give in time is given up, connection and all. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MWAAClient } from '@aws-sdk/client-mwaa';
import { systemClock } from '../../../src/clock.js';
import { openAirflowRest } from '../../../src/gateways/airflow/transports/airflow-rest.js';
import { createCaller } from '../../../src/gateways/aws/call.js';
import { openMwaa } from '../../../src/gateways/aws/mwaa.js';

const log = { info: () => undefined, warn: () => undefined, group: <T>(_: string, work: () => Promise<T>) => work() };
let server: Server | undefined;
afterEach(() => {
  jest.restoreAllMocks();
  server?.closeAllConnections();
  server?.close();
});

/** @param answer undefined: it never comes */
async function anAirflow(answer: unknown) {
  let calls = 0, lost = 0;
  server = createServer((request, response) => {
    calls += 1;
    request.on('data', () => undefined);
    response.on('close', () => { if (!response.writableEnded) lost += 1; });
    if (answer !== undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', () => resolve()));
  const client = new MWAAClient({ region: 'eu-west-1', credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' }, maxAttempts: 1, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, disableHostPrefix: true });
  const mwaa = openMwaa({ client, call: createCaller(systemClock, log, 'plan-role'), clock: systemClock, region: 'eu-west-1', account: async () => '111122223333', airflowRole: 'Viewer' });
  return { rest: openAirflowRest(mwaa, 'analytics', systemClock), counted: () => ({ calls, lost }) };
}

describe('a count', () => {
  it('that comes is taken', async () => {
    const { rest } = await anAirflow({ RestApiStatusCode: 200, RestApiResponse: { total_entries: 12 } });
    expect(await rest.total('/dags')).toBe(12);
  });

  it('that does not come is unknown, and the connection is given up, not tried again', async () => {
    const { rest, counted } = await anAirflow(undefined);
    jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 100);
      return controller.signal;
    });
    expect(await rest.total('/dags/~/dagRuns/~/taskInstances')).toBeUndefined();
    for (let look = 0; counted().lost === 0 && look < 100; look += 1) await systemClock.sleep(20);
    expect(counted()).toEqual({ calls: 1, lost: 1 });
  });
});
