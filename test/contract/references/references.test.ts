/** What still points at the source: read under the plan role of docs/iam/roles.yaml on the strict AWS front, and from a repository on disk. */
import { CloudWatchLogsClient, CreateLogGroupCommand, PutMetricFilterCommand, PutRetentionPolicyCommand, PutSubscriptionFilterCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetAccountAuthorizationDetailsCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { searchLines } from '../../../src/gateways/workspace-lines.js';
import { readInputs } from '../../../src/inputs.js';
import { readMigrationFile } from '../../../src/migration-file/read.js';
import { lookForReferences } from '../../../src/phases/references.js';
import { isUnseen, type References } from '../../../src/plan/references.js';
import { renderHtml } from '../../../src/report/html.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { referenceSections } from '../../../src/report/references-section.js';
import { wire } from '../../../src/wiring.js';
import { anEnvironment } from '../../builders/values.js';
import { startFront, type Front } from '../../sandbox/front/server.js';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { createClock, createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { A_JOB } from '../../sandbox/oidc/claims.js';
import { GITHUB_ISSUER, startOidcIssuer, type OidcIssuer } from '../../sandbox/oidc/issuer.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createLogsService } from '../../sandbox/services/logs/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';

const ACCOUNT = '111122223333', REGION = 'eu-west-1', SECRET = 'hunter2-not-to-be-seen';
const SOURCE = anEnvironment();
const allow = (Action: unknown, Resource: unknown) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource, Condition: { StringNotEquals: { 'aws:PrincipalTag/token': SECRET } } }] });
const trust = (arn: string) => ({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: arn } }] });
const saved = { ...process.env };
let world: SandboxWorld, oidc: OidcIssuer, front: Front, workspace: string;
const roles: Record<'blind' | 'seeing', string> = { blind: '', seeing: '' };

beforeAll(async () => {
  jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const clock = createClock();
  oidc = await startOidcIssuer({ clock, job: { ...A_JOB, repository: 'acme/airflow', environment: 'migration' } });
  world = createIdentityWorld({ accounts: [ACCOUNT], clock, oidcIssuers: { [GITHUB_ISSUER]: oidc.url } });
  front = await startFront({ world, services: [createStsService(world), createIamService(world), createLogsService(world, { rateFactor: 100 })] });
  const parameters = { Repository: 'acme/airflow', GitHubEnvironment: 'migration', SourceEnvironment: SOURCE.Name, TargetEnvironment: 'analytics-v2', SourceBucket: 'analytics-bucket' };
  const template = path.join(process.cwd(), 'docs/iam/roles.yaml');
  const load = (more: Readonly<Record<string, string>>) => loadTemplate(world, template, { account: ACCOUNT, region: REGION, parameters: { ...parameters, ...more } }).outputs['PlanRole'] ?? '';
  roles.seeing = load({ PlanReadsPolicies: 'yes' });
  roles.blind = load({ NamePrefix: 'blind', CreateOidcProvider: 'no', CloneBoundaryArn: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary` });
  world.createRole({ account: ACCOUNT, name: 'analytics-execution', path: '/service-role/', trust: trust(`arn:aws:iam::${ACCOUNT}:root`), policies: { own: allow('airflow:PublishMetrics', SOURCE.Arn) } });
  // Enough of them that the answer has a second page.
  for (let number = 0; number < 1_005; number++) world.createRole({ account: ACCOUNT, name: `a-${number}`, trust: trust(`arn:aws:iam::${ACCOUNT}:root`) });
  world.createRole({ account: ACCOUNT, name: 'deploy', trust: trust(`arn:aws:iam::${ACCOUNT}:root`), policies: { 'to-s3': allow('s3:PutObject', 'arn:aws:s3:::analytics-bucket/dags/*') } });
  world.createRole({ account: ACCOUNT, name: 'warehouse', trust: trust(SOURCE.ExecutionRoleArn) });
  const managed = world.createManagedPolicy({ account: ACCOUNT, name: 'call-airflow', document: allow('airflow:InvokeRestApi', SOURCE.Arn.replace(':environment/analytics', ':role/analytics/Op')) });
  world.createUser({ account: ACCOUNT, name: 'jo', managedPolicyArns: [managed] });
  world.createUser({ account: ACCOUNT, name: 'admin', policies: { all: allow('*', '*') } });

  const logs = new CloudWatchLogsClient(rootClient());
  for (const name of ['airflow-analytics-Task', 'airflow-analytics-Scheduler', 'airflow-analytics-v2-Task', 'airflow-analytics-notes']) await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
  const Task = { logGroupName: 'airflow-analytics-Task' };
  await logs.send(new PutRetentionPolicyCommand({ ...Task, retentionInDays: 30 }));
  await logs.send(new PutMetricFilterCommand({ ...Task, filterName: 'errors', filterPattern: SECRET, metricTransformations: [{ metricName: 'TaskErrors', metricNamespace: 'Acme', metricValue: '1' }] }));
  await logs.send(new PutSubscriptionFilterCommand({ ...Task, filterName: 'ship', filterPattern: SECRET, destinationArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:ship` }));

  workspace = mkdtempSync(path.join(os.tmpdir(), 'mwaa-references-'));
  const write = (name: string, text: string | Buffer) => {
    mkdirSync(path.dirname(path.join(workspace, name)), { recursive: true });
    writeFileSync(path.join(workspace, name), text);
  };
  write('.github/mwaa-migration.yml', 'source: { environment: analytics }\n');
  write('.github/workflows/deploy.yml', `steps:\n  - run: aws s3 sync dags s3://analytics-bucket/dags # ${SECRET}\n`);
  write('terraform/main.tf', `password = "${SECRET}" # environment/analytics\r\nrole = "arn:aws:airflow:eu-west-1:1:role/analytics/Op"\n`);
  write('dags/report.py', 'from analytics import report\n');
  write('node_modules/x/index.js', 'name: "analytics"');
  write('.git/config', 'name = analytics');
  write('picture.png', Buffer.concat([Buffer.from([0, 1]), Buffer.from('"analytics"')]));
  write('data.csv', Buffer.alloc(1024 * 1024 + 1, '"analytics"\n'));
  write('a|b`@octo\n<x>.txt', 'name: analytics\n');
  symlinkSync('/etc', path.join(workspace, 'etc'));
  symlinkSync(path.join(workspace, 'terraform/main.tf'), path.join(workspace, 'link.tf'));
  execFileSync('mkfifo', [path.join(workspace, 'pipe')]);
  Object.assign(process.env, { AWS_ENDPOINT_URL: front.url, AWS_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true', GITHUB_WORKSPACE: workspace, ...oidc.env() });
}, 60_000);

afterAll(async () => {
  jest.restoreAllMocks();
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name);
  await front?.close();
  await oidc?.close();
  if (workspace) rmSync(workspace, { recursive: true, force: true });
});

const rootClient = () => ({ endpoint: front.url, region: REGION, credentials: world.identities.accessKeyFor(`arn:aws:iam::${ACCOUNT}:root`) });

function look(role: string): Promise<References> {
  const { context } = wire({
    inputs: readInputs(JSON.stringify({ phase: 'plan', 'plan-role': role, config: './.github/mwaa-migration.yml' })),
    file: readMigrationFile(`source: { environment: analytics, region: ${REGION} }\ntarget: { environment: analytics-v2, airflow-version: 2.10.3 }\n`, 'm.yml'),
    env: process.env, home: process.cwd(), ticker: () => () => undefined,
    clock: { now: () => new Date(), sleep: async () => undefined }, log: { info: () => undefined, warn: () => undefined, group: (_, work) => work() },
  });
  return lookForReferences(context, { source: SOURCE, target: undefined, targetAccount: ACCOUNT });
}
const reportOf = (references: References) => {
  const report = { verdict: 'plan', isGood: true, sections: referenceSections(references), next: [] };
  return { markdown: renderMarkdown(report), html: renderHtml(report, 'plan') };
};

describe('policies', () => {
  it('that name the source are found on every page, with who holds them', async () => {
    front.clearCalls();
    const { policies } = await look(roles.seeing);
    expect(front.calls.filter(({ action }) => action === 'GetAccountAuthorizationDetails')).toHaveLength(2);
    if (isUnseen(policies)) throw new Error(policies.unseen);
    const told = policies.references.map(({ kind, policy, holders, subjects, calls, isForTarget }) => [kind, policy, holders.map(({ name }) => name).join(), subjects.join(), calls.join(), isForTarget]);
    // The roles of the other stack (named blind-…) are not ours, and name both environments.
    expect(told.filter(([, , holder]) => !String(holder).startsWith('blind'))).toEqual([
      ['inline', 'to-s3', 'deploy', 'DAG folder', '', false],
      ['trust', 'warehouse', 'warehouse', 'execution role', '', false],
      ['managed', 'call-airflow', 'jo', 'Airflow roles', 'REST API as Op', false],
    ]);
    expect(policies.callersOfAny.map(({ name }) => name)).toEqual(['admin']);
    expect(policies.isWhole).toBe(true);
  });

  it('are not looked at without the permission, and the report says how to', async () => {
    const references = await look(roles.blind);
    expect(references.policies).toEqual({ unseen: 'Access denied: iam:GetAccountAuthorizationDetails on *.' });
    expect(reportOf(references).markdown).toMatch(/Not looked at[\s\S]*iam&#58;GetAccountAuthorizationDetails[\s\S]*PlanReadsPolicies&#61;yes/u);
  });

  it('come from the sandbox as AWS gives them', async () => {
    const answer = await new IAMClient(rootClient()).send(new GetAccountAuthorizationDetailsCommand({ Filter: ['Role'], MaxItems: 2 }));
    expect(answer).toMatchObject({ IsTruncated: true, RoleDetailList: [{ RolePolicyList: [], AttachedManagedPolicies: [] }, {}], UserDetailList: [], Policies: [] });
    expect(JSON.parse(decodeURIComponent(answer.RoleDetailList?.[0]?.AssumeRolePolicyDocument ?? ''))).toMatchObject({ Statement: [{ Action: 'sts:AssumeRole' }] });
    await expect(new IAMClient(rootClient()).send(new GetAccountAuthorizationDetailsCommand({ Filter: ['Everything' as never] }))).rejects.toThrow(/Member must satisfy enum value set/u);
  });
});

describe('log groups', () => {
  it('of the source alone are told with what hangs on them, without any pattern', async () => {
    front.clearCalls();
    const { logGroups } = await look(roles.blind);
    // No call for the groups of another environment.
    expect(front.calls.filter(({ action }) => action === 'DescribeMetricFilters')).toHaveLength(2);
    expect(logGroups).toEqual([
      { name: 'airflow-analytics-Scheduler', retentionDays: undefined, kmsKey: undefined, metricFilters: [], subscriptions: [] },
      { name: 'airflow-analytics-Task', retentionDays: 30, kmsKey: undefined, metricFilters: [{ name: 'errors', metrics: ['Acme/TaskErrors'] }], subscriptions: [{ name: 'ship', destination: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:ship` }] },
    ]);
  });

  it('whose filters the role may not see are told without them', async () => {
    const trustOf = world.identities.trustPolicy(roles.blind);
    const role = world.createRole({ account: ACCOUNT, name: 'groups-only', trust: trustOf!, policies: { p: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'logs:DescribeLogGroups', Resource: '*' }] } } });
    const references = await look(role);
    expect(references.logGroups).toMatchObject([{ metricFilters: undefined, subscriptions: undefined }, { retentionDays: 30, metricFilters: undefined }]);
    expect(reportOf(references).markdown).toContain('not looked at');
  });

  it('get commands that a shell reads as one word each, whatever the environment is called', async () => {
    const references = await look(roles.blind);
    const name = `x'; touch ${workspace}/forged; '$(id)\``;
    const odd = { ...references, source: { ...references.source, environment: name }, target: { ...references.target, environment: name } };
    const listings = referenceSections(odd).flatMap(({ blocks }) => blocks).flatMap((block) => (block.kind === 'listing' ? [block.text] : []));
    const aws = 'aws() { for word; do printf "[%s]" "$word"; done; echo; }; grep() { cat > /dev/null; printf "[%s]" "$@"; return 1; }\n';
    const said = execFileSync('bash', ['-c', `${aws}${listings.join('\n')}\ntrue`], { encoding: 'utf8', cwd: workspace });
    expect(existsSync(path.join(workspace, 'forged'))).toBe(false);
    expect(said).toContain(`[-e][${name}]`);
    expect(said).toContain(`[--region][eu-west-1][--alarm-types][MetricAlarm][CompositeAlarm][--output][text][--query][[MetricAlarms, CompositeAlarms][] | [?contains(to_string(@), '${name.replaceAll("'", "\\'")}')].AlarmName]`);
    expect(reportOf(references).markdown).toContain("aws logs put-retention-policy --region 'eu-west-1' --log-group-name 'airflow-analytics-v2-Task' --retention-in-days 30");
  });

  it('get a query that finds alarms of every kind by the name', () => {
    const query = "[MetricAlarms, CompositeAlarms][] | [?contains(to_string(@), 'analytics')].AlarmName";
    const answer = {
      MetricAlarms: [
        { AlarmName: 'queue', Dimensions: [{ Name: 'Environment', Value: 'analytics' }] }, { AlarmName: 'maths', Metrics: [{ MetricStat: { Metric: { Dimensions: [{ Name: 'Environment', Value: 'analytics' }] } } }] },
        { AlarmName: 'other', Dimensions: [{ Name: 'Environment', Value: 'sales' }] },
      ],
      CompositeAlarms: [{ AlarmName: 'both', AlarmRule: 'ALARM("analytics-queue")' }],
    };
    const program = 'import json, sys, jmespath; print(json.dumps([jmespath.search(sys.argv[1], json.loads(sys.argv[2])), jmespath.search(sys.argv[1], {"MetricAlarms": []})]))';
    expect(JSON.parse(execFileSync(path.join(ensureTools(), 'python'), ['-c', program, query, JSON.stringify(answer)], { encoding: 'utf8' }))).toEqual([['queue', 'maths', 'both'], []]);
  });
});

describe('the repository', () => {
  it('is searched file by file; links, other people\'s code and what is no text are left out', async () => {
    const { lines } = await look(roles.blind);
    expect(lines.lines).toEqual([
      { path: '.github/workflows/deploy.yml', line: 2, kinds: ['bucket'] },
      { path: 'a|b`@octo\n<x>.txt', line: 1, kinds: ['name'] },
      { path: 'terraform/main.tf', line: 2, kinds: ['Airflow role'] },
    ]);
    expect(lines).toMatchObject({ files: 5, unread: 1, isWhole: true });
  });

  it('says where its limits ended the search', async () => {
    const search = { needles: ['a'], match: () => ['name' as const], without: [] };
    const limits = { files: 20_000, bytes: 1024, lines: 500 };
    expect(await searchLines(workspace, search, { ...limits, files: 2, bytes: 50 })).toMatchObject({ files: 1, unread: 1, isWhole: false });
    const few = await searchLines(workspace, search, { ...limits, lines: 2 });
    expect(few).toMatchObject({ isWhole: false });
    expect(few.lines).toHaveLength(2);
    expect(await searchLines(path.join(workspace, 'none'), search)).toEqual({ lines: [], files: 0, unread: 0, isWhole: true });
  });
});

describe('the report', () => {
  it('shows no line, no pattern and no text of a policy', async () => {
    const references = await look(roles.seeing);
    const { markdown, html } = reportOf(references);
    for (const text of [JSON.stringify(references), markdown, html]) expect(text).not.toContain(SECRET);
    expect(markdown).toContain('REST API as Op');
  });

  it('lets no name of a file out of its cell', async () => {
    const { markdown, html } = reportOf(await look(roles.blind));
    const row = markdown.split('\n').find((line) => line.includes('octo'));
    expect(row).toBe('| <code>a&#124;b&#96;&#64;<wbr>octo&#10;&#60;x&#62;.txt&#58;1</code> | name: perhaps something else that is called so |');
    expect(html).not.toContain('<x>');
  });
});
