/** GitHub's token endpoint as each job of a run sees it: the subject of a job with an environment names that, of one without it the branch. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Job } from '../act/jobs.js';
import type { OidcJob } from './claims.js';
import type { OidcIssuer } from './issuer.js';

export type JobTokens = Readonly<{
  /** The two variables of one job's steps. */
  env(job: Job): Readonly<Record<string, string>>;
  /** From now on tokens are of this run: its id, attempt, event, actor … */
  setRun(run: Partial<OidcJob>): void;
  /** Jobs that were given a token, in the order of their first. */
  jobs(): readonly string[];
  close(): Promise<void>;
}>;

/** Stands before the sandbox's issuer, which speaks of one job at a time and signs at once: nothing can come between. */
export async function startJobTokens(oidc: OidcIssuer): Promise<JobTokens> {
  const { ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = oidc.env();
  const given = new Set<string>();
  const jobs = new Map<string, Job>();
  let run: Partial<OidcJob> = {};
  const server = createServer((request, response) => {
    const { searchParams, pathname } = new URL(request.url ?? '/', 'http://localhost');
    const job = jobs.get(pathname.slice(1));
    const isRight = job !== undefined && request.headers.authorization === `Bearer ${bearer}` && searchParams.has('api-version');
    response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' });
    if (!isRight) return void response.end(JSON.stringify({ message: 'No job of this run asks like that.' }));
    given.add(job.id);
    oidc.setJob({ ...run, environment: job.environment });
    response.end(JSON.stringify({ count: 1, value: oidc.token(searchParams.get('audience') ?? 'https://github.com/acme') }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    env(job) {
      jobs.set(job.id, job);
      return { ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${job.id}?api-version=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer };
    },
    setRun: (change) => { run = change; },
    jobs: () => [...given],
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
