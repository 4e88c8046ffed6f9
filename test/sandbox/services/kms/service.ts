/** KMS over JSON 1.1. Source: https://docs.aws.amazon.com/kms/latest/APIReference/ */
import { AwsError, type Service } from '../../front/contract.js';
import { jsonAnswer, jsonBody, jsonError, targetAction } from '../../front/json-protocol.js';
import type { SandboxWorld } from '../../iam/world.js';
import { CRYPTOGRAPHY } from './cryptography.js';
import { GRANT_OPERATIONS } from './grant-operations.js';
import { KEY_OPERATIONS } from './key-operations.js';
import type { KmsOperation } from './request.js';

const OPERATIONS: Readonly<Record<string, KmsOperation>> = { ...KEY_OPERATIONS, ...GRANT_OPERATIONS, ...CRYPTOGRAPHY };

export function createKmsService(world: SandboxWorld): Service {
  return {
    name: 'kms',
    actionOf: targetAction,
    // async, so that what an operation throws becomes a rejection
    async handle(request) {
      const operation = OPERATIONS[targetAction(request)];
      if (!operation) throw new AwsError('UnknownOperationException', '', 400);
      const { principal, region } = request;
      const account = principal.kind === 'anonymous' ? '' : principal.account;
      return jsonAnswer(operation({ store: world.kms, world, principal, account, region, input: jsonBody(request) }));
    },
    renderError: jsonError,
  };
}
