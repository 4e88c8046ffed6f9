/** IAM over the query protocol; one endpoint for all regions. Source: https://docs.aws.amazon.com/IAM/latest/APIReference/ */
import { AwsError, type Service } from '../../front/contract.js';
import { formOf, queryAnswer, queryError, required } from '../../front/query-protocol.js';
import type { SandboxWorld } from '../../iam/world.js';
import { ACCOUNT_OPERATIONS } from './account-details.js';
import { POLICY_OPERATIONS } from './policies.js';
import { PROVIDER_OPERATIONS } from './providers.js';
import type { IamOperation } from './request.js';
import { ROLE_POLICY_OPERATIONS } from './role-policies.js';
import { ROLE_OPERATIONS } from './roles.js';
import { simulatePrincipalPolicy } from './simulate.js';

const NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/';
const OPERATIONS: Readonly<Record<string, IamOperation>> = {
  ...ROLE_OPERATIONS, ...ROLE_POLICY_OPERATIONS, ...POLICY_OPERATIONS, ...PROVIDER_OPERATIONS, ...ACCOUNT_OPERATIONS, SimulatePrincipalPolicy: simulatePrincipalPolicy,
};

export function createIamService(world: SandboxWorld): Service {
  return {
    name: 'iam',
    actionOf: (request) => formOf(request).get('Action') ?? 'Unknown',
    // async, so that what an operation throws becomes a rejection
    async handle(request) {
      const form = formOf(request);
      const action = required(form, 'Action');
      const operation = OPERATIONS[action];
      if (!operation) throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${form.get('Version') ?? 'NO_VERSION_SPECIFIED'}`, 400);
      const { principal } = request;
      const account = principal.kind === 'anonymous' ? '' : principal.account;
      return queryAnswer(action, NAMESPACE, operation({ world, principal, account, action, form }), request.id);
    },
    renderError: (error, request) => queryError(error, NAMESPACE, request.id),
  };
}
