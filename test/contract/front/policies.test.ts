import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PolicyStatement } from '../../sandbox/front/contract.js';
import { type Front, startFront } from '../../sandbox/front/server.js';
import { createIdentityWorld, type SandboxWorld } from '../../sandbox/iam/world.js';
import { createIamService } from '../../sandbox/services/iam/service.js';
import { createKmsService } from '../../sandbox/services/kms/service.js';
import { createLogsService, type LogsService } from '../../sandbox/services/logs/service.js';
import { createS3Service, type S3Service } from '../../sandbox/services/s3/service.js';
import { createStsService } from '../../sandbox/services/sts/service.js';
import { type AccessKey, callByBotocore, type ForeignAnswer, type ForeignCall } from './foreign-client.js';
import { ACCOUNT, ACTIONS, OTHER_ACCOUNT, POLICY_TABLE, type PolicyRow, REGION } from './policy-table.js';

let world: SandboxWorld;
let s3: S3Service;
let logs: LogsService;
let front: Front;
let answers: readonly ForeignAnswer[];

beforeAll(async () => {
  world = createIdentityWorld({ accounts: [ACCOUNT, OTHER_ACCOUNT] });
  s3 = await createS3Service(world);
  logs = createLogsService(world);
  front = await startFront({ world, services: [s3, logs, createStsService(world), createIamService(world), createKmsService(world)] });
  const starter = world.createUser({ account: ACCOUNT, name: 'starter', policies: { all: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } } });
  const rows = await Promise.all(POLICY_TABLE.map((row, index) => prepare(row, String(index).padStart(2, '0'), world.identities.accessKeyFor(starter))));
  // Bucket policies first, by the owners, over the wire: what S3 refuses to store would make a row meaningless.
  const puts = rows.flatMap(({ put }) => put ?? []);
  const all = await callByBotocore(front.url, [...puts, ...rows.map(({ call }) => call)]);
  const refused = all.slice(0, puts.length).filter(({ outcome }) => outcome !== 'allowed');
  if (refused.length > 0) throw new Error(`bucket policies of the table were refused: ${JSON.stringify(refused)}`);
  answers = all.slice(puts.length);
}, 120_000);
afterAll(async () => front.close());

/** Makes what the row speaks of, and the call that botocore is to make. */
async function prepare(row: PolicyRow, id: string, starter: AccessKey): Promise<Readonly<{ call: ForeignCall; put: ForeignCall | undefined }>> {
  const names = {
    role: `arn:aws:iam::${ACCOUNT}:role/row-${id}`, session: `arn:aws:sts::${ACCOUNT}:assumed-role/row-${id}/test`, target: `arn:aws:iam::${ACCOUNT}:role/target-${id}`,
    'target-name': `target-${id}`, bucket: `row-${id}-data`, shared: `row-${id}-shared`, group: `airflow-row-${id}-Task`, limit: `arn:aws:iam::${ACCOUNT}:policy/limit-${id}`,
    trust: JSON.stringify(document([{ Effect: 'Allow', Principal: { Service: 'airflow-env.amazonaws.com' }, Action: 'sts:AssumeRole' }])), key: '',
  };
  const fill = <T>(value: T, more: Partial<typeof names> = {}): T => JSON.parse(JSON.stringify(value).replace(/\{([a-z-]+)\}/gu, (whole, name: keyof typeof names) => {
    const text = { ...names, ...more }[name];
    return text === undefined ? whole : JSON.stringify(text).slice(1, -1);
  })) as T;
  function document(statements: readonly PolicyStatement[]) {
    return { Version: '2012-10-17', Statement: statements };
  }
  const trustsStarter = document([{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/starter` }, Action: 'sts:AssumeRole' }]);

  world.createManagedPolicy({ account: ACCOUNT, name: `limit-${id}`, document: document(row.boundary ? fill(row.boundary) : [{ Effect: 'Allow', Action: '*', Resource: '*' }]) });
  world.createRole({ account: ACCOUNT, name: `row-${id}`, trust: trustsStarter, tags: { prefix: 'in/' }, ...(row.boundary && { permissionsBoundary: names.limit }) });
  names.key = world.createKey({ account: ACCOUNT, region: REGION, ...(row.keyPolicy && { policy: document(fill(row.keyPolicy)) }) });
  if (row.identity) world.putPolicy(names.role, 'row', document(fill(row.identity)));
  world.createRole({ account: ACCOUNT, name: `target-${id}`, trust: document(row.targetTrust ? fill(row.targetTrust) : trustsStarter.Statement) });
  for (const [name, account] of [[names.bucket, ACCOUNT], [names.shared, OTHER_ACCOUNT]] as const) {
    s3.makeBucket({ name, account, region: REGION });
    await s3.putObject(name, 'in/a=1+b.csv', 'id\n1\n');
  }
  await logs.createLogGroup({ account: ACCOUNT, region: REGION, name: names.group, kmsKey: undefined });

  const isShared = row.action.endsWith('other account');
  const owner = world.identities.accessKeyFor(`arn:aws:iam::${isShared ? OTHER_ACCOUNT : ACCOUNT}:root`);
  const bucket = isShared ? names.shared : names.bucket;
  const put = row.bucketPolicy && { service: 's3', operation: 'put_bucket_policy', key: owner, parameters: { Bucket: bucket, Policy: JSON.stringify(document(fill(row.bucketPolicy, { bucket }))) } };
  const session = row.session && { Policy: JSON.stringify(document(fill(row.session))) };
  return { put, call: { ...fill(ACTIONS[row.action]), key: starter, assume: { RoleArn: names.role, RoleSessionName: 'test', ...session } } };
}

describe('the front decides as AWS documents it', () => {
  it('is asked for at least 40 outcomes, of both kinds', () => {
    expect(POLICY_TABLE.length).toBeGreaterThanOrEqual(40);
    expect(POLICY_TABLE.filter(({ expected }) => expected === 'allowed').length).toBeGreaterThan(15);
  });

  it.each(POLICY_TABLE.map((row, index) => ({ ...row, index })))('$action is $expected: $because ($source)', ({ index, expected, reason, action }) => {
    const { outcome, message } = answers[index] ?? { outcome: 'not asked', message: '' };
    const code = ACTIONS[action].service === 'kms' || ACTIONS[action].service === 'logs' ? 'AccessDeniedException' : 'AccessDenied';
    // Across accounts S3 does not say why.
    const why = action.endsWith('other account') ? 'Access Denied$' : `User: \\S+ is not authorized to perform: ${action.split(' ')[0] ?? ''} on resource: `;
    expect(`${outcome} ${message}`.trim()).toMatch(expected === 'allowed' ? /^allowed$/u : new RegExp(`^${code} ${why}`, 'u'));
    if (reason) expect(message).toMatch(reason);
  });
});
