/** The role of an EC2 instance is one request away for every process on it, whatever its environment says: beside one, check does not start. */
import http from 'node:http';
import { UserError } from '../errors.js';
import type { Variables } from './refuse-credentials.js';

/** Where AWS's own tools look for it, unless their variable names another place. */
const ENDPOINT = 'http://169.254.169.254';
/** Elsewhere nothing answers there, and everybody would wait for it. */
const WAIT_MILLISECONDS = 1_000;
const MAX_ANSWER = 4_096;

/**
 * Azure (GitHub's hosted runners) and Google Cloud answer at the same address, but to a question of AWS's only with an error.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 * @throws UserError where the instance has a role
 */
export async function refuseInstanceRole(env: Variables): Promise<void> {
  const endpoint = (env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || ENDPOINT).replace(/\/+$/u, '');
  // Asked in the older way too: with a hop limit of 1 a container gets no token, but where tokens are optional it needs none.
  const [withToken, without] = await Promise.all([
    ask('PUT', `${endpoint}/latest/api/token`, { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }).then((token) => (token === undefined ? undefined : rolesOf(endpoint, { 'x-aws-ec2-metadata-token': token.trim() }))),
    rolesOf(endpoint, {}),
  ]);
  const role = withToken ?? without;
  if (role === undefined) return;
  throw new UserError(
    `Phase check does not run beside credentials:\n  - this machine is an EC2 instance with a role (${role}), which any process on it may use`,
    'it runs the code of every DAG file, and that code could ask the instance for credentials as anybody here can. Nothing was started.',
    'run check on a GitHub-hosted runner or on an instance without an instance profile; or, where that cannot be, in a container with the instance set to HttpTokens=required and HttpPutResponseHopLimit=1, which keeps containers from it.',
  );
}

/** Name of the role; the listing holds no credential. */
const rolesOf = async (endpoint: string, headers: Readonly<Record<string, string>>): Promise<string | undefined> =>
  /^\s*([\w+=,.@-]{1,128})\s*$/u.exec((await ask('GET', `${endpoint}/latest/meta-data/iam/security-credentials/`, headers)) ?? '')?.[1];

/** Never by a proxy, which would answer for itself. @returns the text of a 200, else undefined */
function ask(method: 'GET' | 'PUT', url: string, headers: Readonly<Record<string, string>>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const nothing = (): void => resolve(undefined);
    try {
      const request = http.request(url, { method, headers: { ...headers, ...(method === 'PUT' ? { 'content-length': '0' } : {}) }, agent: new http.Agent(), signal: AbortSignal.timeout(WAIT_MILLISECONDS) }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => { text = (text + chunk).slice(0, MAX_ANSWER); }).on('error', nothing).on('end', () => resolve(response.statusCode === 200 ? text : undefined));
      });
      request.on('error', nothing).end();
    } catch {
      nothing(); // a variable that is no address
    }
  });
}
