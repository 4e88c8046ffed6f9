/** Whatever stands between the runner and GitHub may answer with what is no HTTP at all. That passes: it is asked again, and told as unreachable. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { UserError } from '../../../src/errors.js';
import { openGithubApi } from '../../../src/gateways/github/api.js';

let server: Server, asked = 0;
beforeAll(async () => {
  server = createServer((socket) => {
    asked += 1;
    socket.on('error', () => undefined).end('<html>Please log in to the guest network</html>\r\n\r\n', () => setTimeout(() => socket.destroy(), 50));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

describe('an answer that cannot be read', () => {
  it.each([{ protocol: 'http', because: 'it is no HTTP' }, { protocol: 'https', because: 'it is no TLS' }])('by $protocol is tried again and then told: $because', async ({ protocol }) => {
    const before = asked;
    const { port } = server.address() as AddressInfo;
    const api = openGithubApi({ apiUrl: `${protocol}://127.0.0.1:${port}`, token: 'ghs_canary-token-8c1d', clock: { now: () => new Date(), sleep: () => Promise.resolve() } });
    const failed: unknown = await api.call({ method: 'GET', path: '/repos/o/r' }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UserError);
    expect(failed).toMatchObject({ what: 'GitHub could not be reached for GET /repos/o/r.' });
    expect(`${JSON.stringify(failed)} ${String(failed)}`).not.toContain('canary');
    expect(asked - before).toBeGreaterThan(1);
  });
});
