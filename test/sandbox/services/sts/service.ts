/** STS: who am I, and session credentials of a role for somebody its trust policy names. */
import { AwsError, type FrontRequest, type FrontResponse, type Service } from '../../front/contract.js';
import { formOf, queryAnswer, queryError, required, type XmlValue } from '../../front/query-protocol.js';
import type { SandboxWorld } from '../../iam/world.js';
import { assumeRole } from './assume-role.js';
import { assumeRoleWithWebIdentity } from './web-identity.js';

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

export function createStsService(world: SandboxWorld): Service {
  const run = async (action: string, request: FrontRequest, form: URLSearchParams): Promise<XmlValue> => {
    switch (action) {
      case 'GetCallerIdentity':
        return callerIdentity(request, world);
      case 'AssumeRole':
        return assumeRole(world, request.principal, form);
      case 'AssumeRoleWithWebIdentity':
        return assumeRoleWithWebIdentity(world, form);
      default:
        throw new AwsError('InvalidAction', `Could not find operation ${required(form, 'Action')} for version ${form.get('Version') ?? 'NO_VERSION_SPECIFIED'}`, 400);
    }
  };
  return {
    name: 'sts',
    actionOf: (request) => formOf(request).get('Action') ?? 'Unknown',
    async handle(request): Promise<FrontResponse> {
      const form = formOf(request);
      const action = required(form, 'Action');
      return queryAnswer(action, NAMESPACE, await run(action, request, form), request.id);
    },
    renderError: (error, request) => queryError(error, NAMESPACE, request.id),
  };
}

/** Needs no permission: "No permissions are required to perform this operation", not even past an explicit deny. */
function callerIdentity({ principal }: FrontRequest, { identities }: SandboxWorld): XmlValue {
  switch (principal.kind) {
    case 'role-session': return { Arn: principal.arn, UserId: principal.keys['aws:userid']?.[0] ?? '', Account: principal.account };
    case 'user': return { Arn: principal.arn, UserId: identities.users.get(principal.arn)?.id ?? '', Account: principal.account };
    case 'root': return { Arn: principal.arn, UserId: principal.account, Account: principal.account };
    default: throw new AwsError('AccessDenied', 'Cannot call GetCallerIdentity without credentials', 403);
  }
}
