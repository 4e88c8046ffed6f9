import { UserError } from '../errors.js';
import { clonedRole, executionRoleArn } from '../plan/build.js';
import { canonicalJson } from '../plan/canonical.js';
import type { ClonedRole } from '../plan/clone-role.js';
import type { Context, RoleDescription } from '../ports.js';
import type { Survey } from './survey.js';

export type ExecutionRole = Readonly<{ arn: string; outcome: 'given' | 'created' | 'completed' | 'there'; clone: ClonedRole | undefined }>;

/** The target's execution role: the given one, or the clone, made or completed where a killed run left half of it. */
export async function ensureExecutionRole({ file, target, log }: Pick<Context, 'file' | 'target' | 'log'>, seen: Survey): Promise<ExecutionRole> {
  const input = { file, source: seen.source, targetAccount: seen.targetAccount, sourceRole: seen.sourceRole };
  const arn = executionRoleArn(input);
  const clone = clonedRole(input);
  const there = await target.roles.get(arn);
  if (!clone) {
    if (there) return { arn, outcome: 'given', clone: undefined };
    throw new UserError(`The execution role ${arn} does not exist.`, 'an environment cannot be created without it.', 'correct target.execution-role in the migration file, or set it to "clone".');
  }
  if (there && isComplete(there, clone)) return { arn: there.arn, outcome: 'there', clone };
  const made = await target.roles.createClone(clone);
  log.info(`${there ? 'Completed' : 'Created'} execution role ${clone.name}: ${Object.keys(clone.inlinePolicies).length} inline and ${clone.attached.length} attached policies.`);
  return { arn: made, outcome: there ? 'completed' : 'created', clone };
}

/** More than the clone has is fine: somebody may have added rights by hand. */
function isComplete(role: RoleDescription, clone: ClonedRole): boolean {
  const attached = new Set(role.attached.map(({ arn }) => arn));
  return (
    clone.attached.every((arn) => attached.has(arn)) &&
    Object.entries(clone.inlinePolicies).every(([name, document]) => canonicalJson(role.inlinePolicies[name]) === canonicalJson(document))
  );
}
