/** What answers at the address of an EC2 instance's metadata: only a role of AWS keeps phase check from starting. */
import { afterEach, describe, expect, it } from '@jest/globals';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { refuseInstanceRole } from '../../../src/check/instance-role.js';

type Answer = readonly [status: number, text: string] | 'silence';
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** By the words of AWS's, Azure's and Google's documentation. */
async function metadata(answer: (request: http.IncomingMessage) => Answer): Promise<Readonly<Record<string, string>>> {
  const server = http.createServer((request, response) => {
    const given = answer(request);
    if (given !== 'silence') response.writeHead(given[0]).end(given[1]);
  });
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const TOKEN = 'AQAEAH-token==';
const ROLES = '/latest/meta-data/iam/security-credentials/';
const ec2 = (roles: Answer, given: Readonly<{ token: Answer; isTokenRequired: boolean }>) => metadata(({ method, url, headers }) => {
  if (url === '/latest/api/token') return method === 'PUT' && /^\d+$/u.test(String(headers['x-aws-ec2-metadata-token-ttl-seconds'])) ? given.token : [405, ''];
  if (url !== ROLES || method !== 'GET') return [404, ''];
  return headers['x-aws-ec2-metadata-token'] === TOKEN || (!given.isTokenRequired && headers['x-aws-ec2-metadata-token'] === undefined) ? roles : [401, ''];
});

describe('an instance with a role', () => {
  it.each([
    ['that wants a token', { token: [200, TOKEN], isTokenRequired: true }],
    ['that needs none, and is too far away to give one', { token: 'silence', isTokenRequired: false }],
  ] as const)('%s is refused, with the name of the role and the cure', async (_, given) => {
    const refused = refuseInstanceRole(await ec2([200, 'runner-role'], given));
    await expect(refused).rejects.toThrow(/EC2 instance with a role \(runner-role\)/u);
    await expect(refused).rejects.toMatchObject({ fix: expect.stringMatching(/GitHub-hosted runner.*HttpPutResponseHopLimit=1/u) });
  });
});

describe('nothing is refused', () => {
  it.each<readonly [string, () => Promise<Readonly<Record<string, string>>>]>([
    ['on an instance without a role', () => ec2([404, 'Not Found'], { token: [200, TOKEN], isTokenRequired: true })],
    ['in a container that the instance answers nothing', () => ec2([200, 'runner-role'], { token: 'silence', isTokenRequired: true })],
    ["on Azure, as GitHub's hosted runners", () => metadata(({ headers }) => [400, headers['metadata'] === 'true' ? '' : '{"error":"Bad request. Required metadata header not specified or not correct"}'])],
    ['on Google Cloud', () => metadata(() => [403, 'Missing Metadata-Flavor:Google header.'])],
    ['behind something that answers every question with a page', () => metadata(() => [200, '<html><body>Please sign in</body></html>'])],
    ['where nothing answers', () => metadata(() => 'silence')],
    ['where nothing listens', () => Promise.resolve({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' })],
    ['by a variable that is no address', () => Promise.resolve({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'nowhere' })],
  ])('%s', async (_, start) => expect(await refuseInstanceRole(await start())).toBeUndefined());
});
