/** Every policy of an account by one paged call. Needs iam:GetAccountAuthorizationDetails, which docs/iam/roles.yaml gives the plan role only when asked to. */
import { GetAccountAuthorizationDetailsCommand, type GetAccountAuthorizationDetailsResponse, type GroupDetail, type IAMClient, type RoleDetail, type UserDetail } from '@aws-sdk/client-iam';
import type { AccountPolicies, AccountPolicy, Holder } from '../../reference-sources.js';
import type { Caller } from './call.js';

/** Entries of one answer; IAM's most (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html). */
const PAGE = 1_000;
/** Pages: 50,000 roles, users, groups and policies. The quota of roles is 5,000 at most. */
const MAX_PAGES = 50;

/** @returns AWS's own managed policies are not among them: they name no environment */
export async function readAccountPolicies(client: Pick<IAMClient, 'send'>, call: Caller): Promise<AccountPolicies> {
  const own: AccountPolicy[] = [];
  const managed = new Map<string, Readonly<{ name: string; document: unknown }>>();
  const attached = new Map<string, Holder[]>();
  let Marker: string | undefined, pages = 0;
  do {
    const page: GetAccountAuthorizationDetailsResponse = await call({ action: 'iam:GetAccountAuthorizationDetails', resource: '*' }, () =>
      client.send(new GetAccountAuthorizationDetailsCommand({ Filter: ['Role', 'User', 'Group', 'LocalManagedPolicy'], MaxItems: PAGE, ...(Marker ? { Marker } : {}) })));
    for (const [holder, detail] of holdersOf(page)) {
      for (const { PolicyName, PolicyDocument } of inlineOf(detail)) own.push({ kind: 'inline', name: PolicyName ?? '', holders: [holder], document: readDocument(PolicyDocument) });
      for (const { PolicyArn = '' } of detail.AttachedManagedPolicies ?? []) attached.set(PolicyArn, [...(attached.get(PolicyArn) ?? []), holder]);
      if ('AssumeRolePolicyDocument' in detail) own.push({ kind: 'trust', name: holder.name, holders: [holder], document: readDocument(detail.AssumeRolePolicyDocument) });
    }
    for (const { Arn = '', PolicyName = '', DefaultVersionId, PolicyVersionList } of page.Policies ?? [])
      managed.set(Arn, { name: PolicyName, document: readDocument(PolicyVersionList?.find(({ VersionId, IsDefaultVersion }) => IsDefaultVersion ?? VersionId === DefaultVersionId)?.Document) });
    Marker = page.IsTruncated ? page.Marker : undefined;
    pages += 1;
  } while (Marker && pages < MAX_PAGES);
  return { policies: [...own, ...[...managed].map(([arn, { name, document }]): AccountPolicy => ({ kind: 'managed', name, holders: attached.get(arn) ?? [], document }))], isWhole: Marker === undefined };
}

type Detail = RoleDetail | UserDetail | GroupDetail;

function holdersOf({ RoleDetailList = [], UserDetailList = [], GroupDetailList = [] }: GetAccountAuthorizationDetailsResponse): readonly (readonly [Holder, Detail])[] {
  return [
    ...RoleDetailList.map((role) => [{ kind: 'role', name: role.RoleName ?? '', arn: role.Arn ?? '' }, role] as const),
    ...UserDetailList.map((user) => [{ kind: 'user', name: user.UserName ?? '', arn: user.Arn ?? '' }, user] as const),
    ...GroupDetailList.map((group) => [{ kind: 'group', name: group.GroupName ?? '', arn: group.Arn ?? '' }, group] as const),
  ];
}

const inlineOf = (detail: Detail) => ('RolePolicyList' in detail ? detail.RolePolicyList : 'UserPolicyList' in detail ? detail.UserPolicyList : 'GroupPolicyList' in detail ? detail.GroupPolicyList : undefined) ?? [];

/** IAM gives documents URL-encoded (RFC 3986). One that cannot be read names nothing, and must not keep anybody from a plan. */
function readDocument(text: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(text ?? '%7B%7D'));
  } catch {
    return {};
  }
}
