/** The sandbox's spec after reading: everything named, every path absolute. The file's form is spec.schema.json. */
import type { EnvironmentSettings } from '../environments/contract.js';
import type { Network } from '../services/mwaa/caller-permissions.js';
import type { Delays } from '../services/mwaa/lifecycle.js';

export type EnvironmentSpec = Readonly<{
  name: string;
  account: string;
  region: string;
  airflowVersion: string;
  webServer: 'PUBLIC_ONLY' | 'PRIVATE_ONLY' | 'PUBLIC_AND_PRIVATE';
  class: string | undefined;
  options: Readonly<Record<string, string>>;
  bucket: string;
  dags: string | undefined;
  dagsPath: string;
  plugins: string | undefined;
  requirements: string | undefined;
  startupScript: string | undefined;
  /** Values as Airflow stores them: text. */
  variables: Readonly<Record<string, string>>;
  /** Connection id → URI. */
  connections: Readonly<Record<string, string>>;
  pools: Readonly<Record<string, number>>;
  kmsKey: string | undefined;
  tags: Readonly<Record<string, string>>;
  syncSeconds: number;
  triggerer: boolean;
  database: NonNullable<EnvironmentSettings['database']>;
}>;

export type Spec = Readonly<{
  accounts: readonly string[];
  region: string;
  github: Readonly<{ repository?: string; ref?: string; environment?: string; event?: string; workflowRef?: string }>;
  iam: readonly Readonly<{ account: string; region: string; template: string; parameters: Readonly<Record<string, string>> }>[];
  keys: readonly Readonly<{ alias: string; account: string; region: string }>[];
  networks: readonly Network[];
  delays: Partial<Delays>;
  syncSeconds: number;
  environments: readonly EnvironmentSpec[];
}>;

/** Ids of the VPC that every account and region has unless the spec names others. */
export const DEFAULT_NETWORK = { vpc: 'vpc-sandbox', subnets: ['subnet-sandbox-a', 'subnet-sandbox-b', 'subnet-sandbox-c'], securityGroups: ['sg-sandbox', 'sg-sandbox-2'] } as const;
