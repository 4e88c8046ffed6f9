/**
 * Where an environment's processes get the execution role's credentials: a loopback endpoint like ECS's.
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Identities } from '../../front/contract.js';
import { SESSION_NAME } from './execution-role.js';

export type ContainerCredentials = Readonly<{
  /** Variables for the processes of an environment with this role. Whoever has them has the role, so they are as secret as keys. */
  variablesFor(environment: Readonly<{ name: string; account: string; region: string; executionRoleArn: string }>): Readonly<Record<string, string>>;
  close(): Promise<void>;
}>;

/** @param sessionSeconds short, so that every long task proves that its client renews */
export async function startContainerCredentials(identities: Identities, sessionSeconds = 3600): Promise<ContainerCredentials> {
  /** Authorization token → role. */
  const roles = new Map<string, string>();
  const server = http.createServer((request, response) => {
    const json = (status: number, body: unknown) => void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const roleArn = roles.get(request.headers.authorization ?? '');
    if (!roleArn) return json(401, { code: 'Unauthorized', message: 'No role belongs to this authorization token' });
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = identities.sessionForService(roleArn, 'airflow-env.amazonaws.com', SESSION_NAME, sessionSeconds);
      json(200, { RoleArn: roleArn, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration: expiration.toISOString() });
    } catch (error) {
      // A role deleted under a running environment: its SDKs get no credentials, as in AWS.
      json(403, { code: 'AccessDenied', message: error instanceof Error ? error.message : String(error) });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    variablesFor({ executionRoleArn }) {
      const token = randomBytes(32).toString('base64url');
      roles.set(token, executionRoleArn);
      return { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`, AWS_CONTAINER_AUTHORIZATION_TOKEN: token };
    },
    close: () => new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
