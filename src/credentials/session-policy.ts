/**
 * The most that a session of one role may do in one phase: the Policy of AssumeRoleWithWebIdentity. What counts is what this and the role's own
 * policies both allow, so it widens nothing: it keeps a session that leaks, or code that goes wrong, from doing what the phase does not do.
 * Resources are named as far as their names are sure before anything is looked at; the role's own policies name the rest.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 */
import { rightsOf, type Right, type RightsOf } from './session-rights.js';

/** Characters of the plain text. AWS packs it besides, with a limit of its own that nobody can compute: the tests keep well below this one. */
export const MAX_CHARACTERS = 2_048;

type Statement = Readonly<{ Effect: 'Allow'; Action: readonly string[]; Resource: readonly string[]; Condition?: Right['condition'] }>;

/** @param uses the inputs that name this role, for it may be the same on both sides. @returns JSON */
export function sessionPolicy(uses: readonly RightsOf[]): string {
  const rights = uses.flatMap(rightsOf);
  const places = new Map(rights.map(({ resources, condition }) => [keyOf({ resources, condition }), { resources, condition }]));
  const Statement = [...places].map(([key, { resources, condition }]): Statement => ({
    Effect: 'Allow',
    Action: [...new Set(rights.filter((right) => keyOf(right) === key).flatMap(({ actions }) => actions))].sort(),
    Resource: resources,
    ...(condition ? { Condition: condition } : {}),
  }));
  return JSON.stringify({ Version: '2012-10-17', Statement });
}

const keyOf = ({ resources, condition }: Pick<Right, 'resources' | 'condition'>): string => JSON.stringify([resources, condition]);
