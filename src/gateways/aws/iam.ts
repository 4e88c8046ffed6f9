/** Execution roles: read for the plan, and cloned under names of our own. */
import {
  AttachRolePolicyCommand, CreateRoleCommand, GetPolicyCommand, GetPolicyVersionCommand, GetRoleCommand, GetRolePolicyCommand, ListAttachedRolePoliciesCommand, ListRolePoliciesCommand, PutRolePolicyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { InternalError, UserError } from '../../errors.js';
import type { RoleDescription, Roles } from '../../ports.js';
import { nameOf, unless, type Caller } from './call.js';

type Iam = Pick<IAMClient, 'send'>;

/** The only names our policies let us create; docs/iam/roles.yaml says the same. */
export const CLONE_PREFIX = 'mwaa-migrate-';
/** Made by docs/iam/roles.yaml: without a boundary of the source's role, a clone carries this one. */
export const CLONE_BOUNDARY = 'mwaa-migrate-clone-boundary';
/** Tells a role of ours from one somebody happened to name so. */
const OWN_TAG = { Key: 'mwaa-migrate', Value: 'clone' } as const;

/** What IAM takes in the value of a tag, and how much of it: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const NOT_IN_A_TAG = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, TAG_CHARACTERS = 256;

/**
 * @param account of the roles that are created
 * @param trace tags of a cloned role besides our own, by name: where it comes from
 */
export function openRoles(client: Iam, call: Caller, account: () => Promise<string>, trace: Readonly<Record<string, string>> = {}): Roles {
  const tags = [OWN_TAG, ...Object.entries(trace).map(([Key, value]) => ({ Key, Value: value.replace(NOT_IN_A_TAG, '-').slice(0, TAG_CHARACTERS) }))];
  return {
    async get(arn) {
      const RoleName = arn.split('/').at(-1) ?? '';
      const answer = await call({ action: 'iam:GetRole', resource: arn }, () => unless(['NoSuchEntityException', 'NoSuchEntity'], client.send(new GetRoleCommand({ RoleName }))));
      const role = answer?.Role;
      if (!role) return undefined;
      return {
        arn: role.Arn ?? arn,
        name: role.RoleName ?? RoleName,
        trustPolicy: readDocument(role.AssumeRolePolicyDocument),
        inlinePolicies: await readInline(client, call, arn, RoleName),
        attached: await readAttached(client, call, arn, RoleName),
        boundary: role.PermissionsBoundary?.PermissionsBoundaryArn,
      };
    },

    async boundary(given) {
      const arn = given ?? boundaryOfTemplate(await account());
      const answer = await call({ action: 'iam:GetPolicy', resource: arn }, () => unless(['NoSuchEntityException', 'NoSuchEntity'], client.send(new GetPolicyCommand({ PolicyArn: arn }))));
      return { arn, exists: answer?.Policy !== undefined };
    },

    async createClone(role) {
      if (!role.name.startsWith(CLONE_PREFIX)) throw new InternalError(`A cloned role is called ${CLONE_PREFIX}…, not "${role.name}".`);
      const owner = await account();
      const wanted = `arn:aws:iam::${owner}:role/${role.name}`;
      const boundary = role.boundary ?? boundaryOfTemplate(owner);
      const arn = await call({ action: 'iam:CreateRole', resource: wanted }, async () => {
        try {
          const { Role } = await client.send(
            new CreateRoleCommand({
              RoleName: role.name, AssumeRolePolicyDocument: JSON.stringify(role.trustPolicy), Tags: tags, Description: 'Execution role of an MWAA environment, cloned by mwaa-migrate',
              PermissionsBoundary: boundary,
            }),
          );
          return Role?.Arn ?? wanted;
        } catch (error) {
          if (nameOf(error) === 'NoSuchEntityException' || nameOf(error) === 'NoSuchEntity')
            throw new UserError(`The permissions boundary ${boundary} does not exist.`, 'a cloned role without a boundary could be widened by whoever may change it.', 'deploy docs/iam/roles.yaml in this account, which makes the policy, or name an existing role under "target.execution-role".', { cause: error });
          if (nameOf(error) !== 'EntityAlreadyExistsException' && nameOf(error) !== 'EntityAlreadyExists') throw error;
          return await adopt(client, role.name, boundary, wanted);
        }
      });
      for (const [PolicyName, document] of Object.entries(role.inlinePolicies))
        await call({ action: 'iam:PutRolePolicy', resource: arn }, () => client.send(new PutRolePolicyCommand({ RoleName: role.name, PolicyName, PolicyDocument: JSON.stringify(document) })));
      for (const PolicyArn of role.attached)
        await call({ action: `iam:AttachRolePolicy of ${PolicyArn}`, resource: arn }, () => client.send(new AttachRolePolicyCommand({ RoleName: role.name, PolicyArn })));
      return arn;
    },
  };
}

const boundaryOfTemplate = (owner: string): string => `arn:aws:iam::${owner}:policy/${CLONE_BOUNDARY}`;

/** A role of that name: ours from an earlier try goes on; somebody else's is not touched. */
async function adopt(client: Iam, name: string, boundary: string, arn: string): Promise<string> {
  const { Role } = await client.send(new GetRoleCommand({ RoleName: name }));
  const isOurs = Role?.Tags?.some(({ Key, Value }) => Key === OWN_TAG.Key && Value === OWN_TAG.Value) === true;
  if (!isOurs || Role.PermissionsBoundary?.PermissionsBoundaryArn !== boundary)
    throw new UserError(
      `Role ${arn} exists already and is not the one mwaa-migrate would make.`,
      isOurs ? 'its permissions boundary is another one.' : `it lacks the tag ${OWN_TAG.Key}=${OWN_TAG.Value}; changing somebody's role could open or close doors elsewhere.`,
      'delete that role, or name an existing one under "target.execution-role" in the migration file.',
    );
  return Role.Arn ?? arn;
}

async function readInline(client: Iam, call: Caller, arn: string, RoleName: string): Promise<Readonly<Record<string, unknown>>> {
  const names = await pages((Marker) => call({ action: 'iam:ListRolePolicies', resource: arn }, () => client.send(new ListRolePoliciesCommand({ RoleName, ...Marker }))), (page) => page.PolicyNames);
  const policies: Record<string, unknown> = {};
  for (const PolicyName of names) {
    const { PolicyDocument } = await call({ action: 'iam:GetRolePolicy', resource: arn }, () => client.send(new GetRolePolicyCommand({ RoleName, PolicyName })));
    policies[PolicyName] = readDocument(PolicyDocument);
  }
  return policies;
}

async function readAttached(client: Iam, call: Caller, arn: string, RoleName: string): Promise<RoleDescription['attached']> {
  const policies = await pages((Marker) => call({ action: 'iam:ListAttachedRolePolicies', resource: arn }, () => client.send(new ListAttachedRolePoliciesCommand({ RoleName, ...Marker }))), (page) => page.AttachedPolicies);
  const attached: { arn: string; document: unknown }[] = [];
  for (const { PolicyArn } of policies) {
    if (!PolicyArn) continue;
    const { Policy } = await call({ action: 'iam:GetPolicy', resource: PolicyArn }, () => client.send(new GetPolicyCommand({ PolicyArn })));
    const { PolicyVersion } = await call({ action: 'iam:GetPolicyVersion', resource: PolicyArn }, () => client.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId })));
    attached.push({ arn: PolicyArn, document: readDocument(PolicyVersion?.Document) });
  }
  return attached;
}

type Page = Readonly<{ IsTruncated?: boolean | undefined; Marker?: string | undefined }>;
async function pages<P extends Page, T>(read: (marker: Readonly<{ Marker?: string }>) => Promise<P>, entries: (page: P) => readonly T[] | undefined): Promise<readonly T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read(marker ? { Marker: marker } : {});
    all.push(...(entries(page) ?? []));
    marker = page.IsTruncated ? page.Marker : undefined;
  } while (marker);
  return all;
}

/** IAM gives documents URL-encoded (RFC 3986): https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html */
const readDocument = (text: string | undefined): unknown => JSON.parse(decodeURIComponent(text ?? '%7B%7D'));
