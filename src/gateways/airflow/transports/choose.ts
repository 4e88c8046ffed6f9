/** Which way leads into an environment, by its version and reach (design §4). */
import type { Command } from '../../../airflow/protocol.js';
import { transportOf } from '../../../airflow/transport-of.js';
import { UserError } from '../../../errors.js';
import type { AirflowEnvironment, EnvironmentDescription } from '../../../ports.js';
import { openCliTransport } from './cli.js';
import { openRestTransport } from './rest.js';
import type { Transport } from './transport.js';

/** @throws UserError for an environment that this release cannot reach */
export function openEnvironment<C extends Command>(transport: Transport): AirflowEnvironment<C> {
  requireReach(transport.description);
  return transportOf(transport.description.AirflowVersion).kind === 'cli' ? openCliTransport<C>(transport) : openRestTransport<C>(transport);
}

function requireReach({ Name, AirflowVersion, WebserverAccessMode }: EnvironmentDescription): void {
  if (Number(AirflowVersion.split('.')[0]) >= 3)
    throw new UserError(`"${Name}" runs Airflow ${AirflowVersion}.`, 'tasks of Airflow 3 have no database, so no command can run inside it.', 'name a target version up to 2.11; the step to 3.x is not part of this release.');
  if (WebserverAccessMode === 'PRIVATE_ONLY')
    throw new UserError(`The web server of "${Name}" is private.`, `${transportOf(AirflowVersion).word} is refused for it outside its VPC, and the way by a self-starting DAG is not part of this release.`, 'set its web server access to public for the migration (the access stays bound to IAM), or wait for a release with the self-starting transport.');
}
