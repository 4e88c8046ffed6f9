import { describe, expect, it } from '@jest/globals';
import { readAccountPolicies } from '../../../src/gateways/aws/references-iam.js';

type Client = Parameters<typeof readAccountPolicies>[0];
const encoded = (document: unknown) => encodeURIComponent(JSON.stringify(document));
const DOCUMENT = { Version: '2012-10-17', Statement: [] };

/** Answers page by page; the sandbox has no groups, and no account of ten thousand roles. */
function answering(...pages: readonly object[]) {
  const asked: unknown[] = [];
  const send = (command: Readonly<{ input: unknown }>) => {
    asked.push(command.input);
    const at = Math.min(asked.length, pages.length) - 1;
    return Promise.resolve(pages[at]);
  };
  return { asked, read: () => readAccountPolicies({ send } as unknown as Client, (_, work) => work(1)) };
}

describe('the policies of an account', () => {
  it('are those of roles, users and groups, with everybody a managed one is attached to, on whatever page', async () => {
    const managed = { PolicyName: 'deploy', PolicyArn: 'arn:p' };
    const { asked, read } = answering(
      { IsTruncated: true, Marker: 'next', GroupDetailList: [{ GroupName: 'data', Arn: 'arn:g', GroupPolicyList: [{ PolicyName: 'own', PolicyDocument: encoded(DOCUMENT) }], AttachedManagedPolicies: [managed] }] },
      {
        IsTruncated: false, Marker: 'ignored', UserDetailList: [{ UserName: 'jo', Arn: 'arn:u', AttachedManagedPolicies: [managed] }],
        RoleDetailList: [{ RoleName: 'ci', Arn: 'arn:r', AssumeRolePolicyDocument: encoded(DOCUMENT), RolePolicyList: [{ PolicyName: 'odd', PolicyDocument: 'no % policy' }] }],
        Policies: [{ Arn: 'arn:p', PolicyName: 'deploy', DefaultVersionId: 'v2', PolicyVersionList: [{ VersionId: 'v1', IsDefaultVersion: false, Document: encoded({ old: true }) }, { VersionId: 'v2', IsDefaultVersion: true, Document: encoded(DOCUMENT) }] }],
      },
    );
    const group = { kind: 'group', name: 'data', arn: 'arn:g' }, user = { kind: 'user', name: 'jo', arn: 'arn:u' }, role = { kind: 'role', name: 'ci', arn: 'arn:r' };
    expect(await read()).toEqual({
      isWhole: true,
      policies: [
        { kind: 'inline', name: 'own', holders: [group], document: DOCUMENT }, { kind: 'inline', name: 'odd', holders: [role], document: {} }, { kind: 'trust', name: 'ci', holders: [role], document: DOCUMENT },
        { kind: 'managed', name: 'deploy', holders: [group, user], document: DOCUMENT },
      ],
    });
    expect(asked).toMatchObject([{ Filter: ['Role', 'User', 'Group', 'LocalManagedPolicy'] }, { Marker: 'next' }]);
    expect(asked[0]).not.toHaveProperty('Marker');
  });

  it('end at a limit that no account should reach, and it says so', async () => {
    const { asked, read } = answering({ IsTruncated: true, Marker: 'again' });
    expect(await read()).toEqual({ isWhole: false, policies: [] });
    expect(asked).toHaveLength(50);
  });
});
