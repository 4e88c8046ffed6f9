/** Which way leads into an environment, by its version and reach (design §4). */
import type { Command } from '../../../airflow/protocol.js';
import { UserError } from '../../../errors.js';
import type { AirflowEnvironment, EnvironmentDescription } from '../../../ports.js';
import { openRestTransport, type RestTransport } from './rest.js';

/** InvokeRestApi's least version: "Using the Apache Airflow REST API" in MWAA's user guide. */
const REST_SINCE = [2, 4, 3] as const;
const NEXT_MAJOR = 3;

/** @throws UserError for an environment that this release cannot reach */
export function openEnvironment<C extends Command>(transport: RestTransport): AirflowEnvironment<C> {
  requireRest(transport.description);
  return openRestTransport<C>(transport);
}

export function requireRest({ Name, AirflowVersion, WebserverAccessMode }: EnvironmentDescription): void {
  const version = AirflowVersion.split('.').map(Number);
  if ((version[0] ?? 0) >= NEXT_MAJOR)
    throw new UserError(`"${Name}" runs Airflow ${AirflowVersion}.`, 'tasks of Airflow 3 have no database, so no command can run inside it.', 'name a target version up to 2.11; the step to 3.x is not part of this release.');
  if (isBefore(version, REST_SINCE))
    throw new UserError(`"${Name}" runs Airflow ${AirflowVersion}, which AWS does not reach by REST.`, `InvokeRestApi begins with ${REST_SINCE.join('.')}; the ways for older versions are not part of this release.`, 'upgrade the source in place to 2.4.3 or newer where AWS still offers it, or wait for a release with the CLI transport.');
  if (WebserverAccessMode === 'PRIVATE_ONLY')
    throw new UserError(`The web server of "${Name}" is private.`, 'InvokeRestApi is refused for it outside its VPC, and the way by a self-starting DAG is not part of this release.', 'set its web server access to public for the migration (the access stays bound to IAM), or wait for a release with the self-starting transport.');
}

const isBefore = (version: readonly number[], least: readonly number[]): boolean => {
  const at = least.findIndex((part, index) => (version[index] ?? 0) !== part);
  return at >= 0 && (version[at] ?? 0) < (least[at] ?? 0);
};
