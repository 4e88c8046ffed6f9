/** Which Airflow role a caller gets for InvokeRestApi and CreateWebLoginToken: `arn:aws:airflow:<region>:<account>:role/<environment>/<Airflow role>`. */
import type { AirflowRole } from '../../environments/contract.js';
import { type Authorizer, AwsError, type Principal } from '../../front/contract.js';
import type { EnvironmentRecord } from './environment-record.js';

/** From the mightiest down; MWAA knows no custom roles (user guide, "Accessing an Amazon MWAA environment", note at AmazonMWAAWebServerAccess). */
const ROLES: readonly AirflowRole[] = ['Admin', 'Op', 'User', 'Viewer', 'Public'];

/**
 * What a policy grants whose resource also matches roles that do not exist (`"Resource": "*"`, `role/env/*`). AWS says only that such a session
 * "is mapped to a role that lacks" what Admin has and can read DAG runs (repost.aws, "How do I resolve Forbidden errors when calling certain
 * Apache Airflow REST API endpoints"); Viewer is the least role that fits, so that nothing here works by a wildcard that AWS may refuse.
 */
const BY_WILDCARD: AirflowRole = 'Viewer';

/** @throws AwsError AccessDeniedException, "No Airflow role granted in IAM" */
export function airflowRoleOf(authorizer: Authorizer, principal: Principal, action: 'airflow:InvokeRestApi' | 'airflow:CreateWebLoginToken', environment: Pick<EnvironmentRecord, 'account' | 'region' | 'name'>): AirflowRole {
  const { account, region, name } = environment;
  const may = (role: string) => authorizer.allows({ principal, action, resource: `arn:aws:airflow:${region}:${account}:role/${name}/${role}`, resourceAccount: account });
  const granted = ROLES.find(may);
  if (!granted) throw new AwsError('AccessDeniedException', 'No Airflow role granted in IAM', 403);
  // The account's root is no policy's subject: tests seed environments with it.
  if (principal.kind !== 'root' && may('mwaa-migrate-no-such-role')) return BY_WILDCARD;
  return granted;
}
