/** What an environment's state means for a migration. Source: https://docs.aws.amazon.com/mwaa/latest/userguide/environment-states.html (names: service model). */

export type StateMeaning = Readonly<{
  /** usable: it runs. wait: it gets there by itself. broken: somebody has to act. */
  verdict: 'usable' | 'wait' | 'broken';
  /** What is the matter, as the second half of a sentence that begins with the environment's name and state. */
  meaning: string;
  fix: string;
}>;

const MEANINGS: Readonly<Record<string, StateMeaning>> = {
  AVAILABLE: { verdict: 'usable', meaning: 'it is ready', fix: '' },
  UPDATE_FAILED: { verdict: 'usable', meaning: 'its last update failed and MWAA put the former configuration back; it runs on that', fix: 'look at LastUpdate.Error before you rely on its configuration' },
  CREATING: { verdict: 'wait', meaning: 'MWAA is creating it', fix: 'wait until it is AVAILABLE' },
  UPDATING: { verdict: 'wait', meaning: 'an update is under way, and tasks may be ended by it', fix: 'wait until it is AVAILABLE' },
  CREATING_SNAPSHOT: { verdict: 'wait', meaning: 'MWAA takes a snapshot of its database before an update', fix: 'wait until it is AVAILABLE' },
  ROLLING_BACK: { verdict: 'wait', meaning: 'an update failed and MWAA is putting the former state back', fix: 'wait until it is AVAILABLE or UPDATE_FAILED' },
  MAINTENANCE: { verdict: 'wait', meaning: 'MWAA is maintaining it and it may be unavailable meanwhile', fix: 'wait until the maintenance is over' },
  PENDING: { verdict: 'wait', meaning: 'MWAA waits for you to create its VPC endpoints (EndpointManagement is CUSTOMER)', fix: 'create VPC endpoints for the services that are named here' },
  CREATE_FAILED: { verdict: 'broken', meaning: 'it could not be created', fix: 'repair the cause, delete the environment, then run phase create again' },
  UNAVAILABLE: { verdict: 'broken', meaning: 'a request failed and it did not return to its former state', fix: 'update it, or open a case with AWS Support' },
  DELETING: { verdict: 'broken', meaning: 'it is being deleted', fix: 'wait until it is gone, then run this phase again' },
  DELETED: { verdict: 'broken', meaning: 'it was deleted', fix: 'choose an environment that exists' },
};

export const stateOf = (status: string): StateMeaning =>
  MEANINGS[status] ?? { verdict: 'broken', meaning: 'this release does not know that state', fix: 'look at the environment in the MWAA console' };

/** `ErrorCode: ErrorMessage` of the last update, if MWAA gave one. */
export function lastErrorOf(description: Readonly<{ LastUpdate?: Readonly<Record<string, unknown>> }>): string | undefined {
  const error = description.LastUpdate?.Error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { ErrorCode, ErrorMessage } = error as Readonly<Record<string, unknown>>;
  return [ErrorCode, ErrorMessage].filter((part) => typeof part === 'string' && part !== '').join(': ') || undefined;
}

/** The two VPC endpoint services that a PENDING environment waits for. */
export const endpointServicesOf = (description: Readonly<Record<string, unknown>>): readonly string[] =>
  [description.DatabaseVpcEndpointService, description.WebserverVpcEndpointService].filter((one): one is string => typeof one === 'string' && one !== '');
