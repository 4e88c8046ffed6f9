/** The wiring as it ships, as one job of a workflow, on a front with docs/iam/roles.yaml deployed: for tests of whose credentials a call carries. */
import { jest } from '@jest/globals';
import path from 'node:path';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import type { Context } from '../../../src/ports.js';
import { wire } from '../../../src/wiring.js';
import { startFront, type Front } from '../../sandbox/front/server.js';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { createClock, createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { A_JOB } from '../../sandbox/oidc/claims.js';
import { GITHUB_ISSUER, startOidcIssuer, type OidcIssuer } from '../../sandbox/oidc/issuer.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createS3Service, type S3Service } from '../../sandbox/services/s3/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';

export const ACCOUNT = '111122223333', STRANGER = '999988887777', REGION = 'eu-west-1', DAGS = 'acme-dags', ENVIRONMENT = 'migration-production';
export const PARAMETERS = { Repository: 'acme/airflow', SourceEnvironment: 'analytics', TargetEnvironment: 'analytics-v2', SourceBucket: DAGS };

export type Stage = Readonly<{
  world: SandboxWorld; oidc: OidcIssuer; s3: S3Service; front: Front;
  /** Deploys the roles anew with these parameters besides, under a prefix of their own. @returns ARNs by input */
  deploy: (prefix: string, parameters: Readonly<Record<string, string>>, account?: string) => Readonly<Record<string, string>>;
  /** A runner of its own: new credentials, new clients, its warnings. */
  runner: (inputs: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>) => Context & Readonly<{ warnings: readonly string[] }>;
  close: () => Promise<void>;
}>;

export async function aStage(): Promise<Stage> {
  // core.getIDToken masks every token by a workflow command; there is no runner here to swallow it.
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const saved = { ...process.env }, clock = createClock();
  const oidc = await startOidcIssuer({ clock, job: { ...A_JOB, repository: 'acme/airflow', environment: ENVIRONMENT } });
  const world = createIdentityWorld({ accounts: [ACCOUNT, STRANGER], clock, oidcIssuers: { [GITHUB_ISSUER]: oidc.url } });
  const s3 = await createS3Service(world);
  const front = await startFront({ world, services: [s3, createStsService(world), createIamService(world)] });
  s3.makeBucket({ name: DAGS, account: ACCOUNT, region: REGION, versioning: true });
  // The SDKs and core.getIDToken read the process's own environment, as they do on a runner.
  const outside = Object.keys(process.env).filter((name) => name.startsWith('AWS_') || name.startsWith('GITHUB_'));
  for (const name of outside) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, { AWS_ENDPOINT_URL: front.url, AWS_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/nonexistent', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent', ...oidc.env() });
  const made = new Set<string>();
  return {
    world, oidc, s3, front,
    deploy(prefix, parameters, account = ACCOUNT) {
      const again = made.has(account) ? { CreateOidcProvider: 'no', CloneBoundaryArn: `arn:aws:iam::${account}:policy/mwaa-migrate-clone-boundary` } : {};
      made.add(account);
      const { outputs } = loadTemplate(world, path.resolve('docs/iam/roles.yaml'), { account, region: REGION, parameters: { ...PARAMETERS, NamePrefix: prefix, ...again, ...parameters } });
      return { 'plan-role': outputs['PlanRole'] ?? '', 'source-role': outputs['SourceRole'] ?? '', 'target-role': outputs['TargetRole'] ?? '' };
    },
    runner(inputs, env = {}) {
      const warnings: string[] = [];
      Object.assign(process.env, env);
      const { context } = wire({
        inputs: readInputs(JSON.stringify(inputs)),
        file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\n`, 'm.yml'),
        env: process.env, home: process.cwd(), ticker: () => () => undefined, clock: { now: () => new Date(), sleep: async () => undefined },
        log: { info: () => undefined, warn: (line) => void warnings.push(line), group: (_, work) => work() },
      });
      return { ...context, warnings };
    },
    async close() {
      jest.restoreAllMocks();
      for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, saved);
      await front.close();
      await oidc.close();
    },
  };
}

export const messageOf = (work: Promise<unknown>): Promise<string> => work.then(() => 'it was allowed', (error: unknown) => (error instanceof Error ? error.message : String(error)));
