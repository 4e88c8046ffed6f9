/** What a test or a person at the sandbox can do to environments that the API cannot: force a failure, hold a status, make the customer's endpoints. */
import type { Problem, Status } from './environment-record.js';

/** Options by name: the next creation or update of an environment of that name takes them, once. */
export type EnvironmentControl = Readonly<{
  /** The next CreateEnvironment of this name ends CREATE_FAILED. */
  failNextCreation(name: string, problem?: Problem): void;
  /** The next UpdateEnvironment ends so: UPDATE_FAILED after rolling back, or UNAVAILABLE. */
  failNextUpdate(name: string, ending?: 'UPDATE_FAILED' | 'UNAVAILABLE', problem?: Problem): void;
  /** Shows this status from now on, whatever the environment does; Airflow goes on running. */
  holdStatus(name: string, status: Status, problem?: Problem): void;
  /** Ends holdStatus. */
  releaseStatus(name: string): void;
  /** CUSTOMER endpoints: what the caller's own ec2:CreateVpcEndpoint calls would do. */
  createEndpoints(name: string): void;
  /** InvokeRestApi answers "Update your environment to use InvokeRestApi", as on environments last updated before the feature. */
  outdate(name: string): void;
  /** Resolves when no creation, update or deletion of this name runs any more. */
  settled(name: string): Promise<void>;
}>;

/** The text that AWS gives for most causes (LBHackney-IT/Data-Platform pull 1764). */
export const INCORRECT_CONFIGURATION: Problem = {
  code: 'INCORRECT_CONFIGURATION',
  message: 'You may need to check the execution role permissions policy for your environment, and that each of the VPC networking components required by the environment are configured to allow traffic. Troubleshooting: https://docs.aws.amazon.com/mwaa/latest/userguide/troubleshooting.html',
};

export function createOrders() {
  const creations = new Map<string, Problem>();
  const updates = new Map<string, Readonly<{ ending: 'UPDATE_FAILED' | 'UNAVAILABLE'; problem: Problem }>>();
  const outdated = new Set<string>();
  const take = <T>(map: Map<string, T>, name: string): T | undefined => {
    const order = map.get(name);
    map.delete(name);
    return order;
  };
  return {
    orderCreationFailure: (name: string, problem: Problem) => void creations.set(name, problem),
    orderUpdateFailure: (name: string, ending: 'UPDATE_FAILED' | 'UNAVAILABLE', problem: Problem) => void updates.set(name, { ending, problem }),
    takeCreationFailure: (name: string) => take(creations, name),
    takeUpdateFailure: (name: string) => take(updates, name),
    outdate: (name: string) => void outdated.add(name),
    isOutdated: (name: string) => outdated.has(name),
    /** An update brings the environment up to date. */
    update: (name: string) => void outdated.delete(name),
  };
}
export type Orders = ReturnType<typeof createOrders>;
