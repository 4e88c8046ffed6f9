import { afterEach, describe, expect, it } from '@jest/globals';
import { executionRolePolicy, executionRoleTrust } from '../../sandbox/spec/execution-role.js';
import { aCreation, ACCOUNT, type AMwaa, aMwaa, ENVIRONMENT_ARN, EXECUTION_ROLE, FINE, NEEDED, REGION } from './a-mwaa.js';

let mwaa: AMwaa;
afterEach(() => mwaa.close());
const creation = async (changes: Readonly<Record<string, unknown>>) => {
  mwaa = await aMwaa();
  return mwaa.create(changes);
};

describe('CreateEnvironment', () => {
  it('answers the ARN at once, and the environment becomes AVAILABLE with what AWS adds', async () => {
    mwaa = await aMwaa();
    const answer = await mwaa.call('PUT', '/environments/analytics', aCreation({ Tags: { team: 'data' } }));
    expect(answer).toMatchObject({ status: 200, body: { Arn: ENVIRONMENT_ARN } });
    expect(await mwaa.get()).toMatchObject({ Status: 'CREATING' });
    expect(await mwaa.get()).not.toHaveProperty('WebserverUrl');

    await mwaa.service.control.settled('analytics');

    expect(await mwaa.get()).toMatchObject({
      Name: 'analytics', Arn: ENVIRONMENT_ARN, Status: 'AVAILABLE', AirflowVersion: '2.10.3', EnvironmentClass: 'mw1.small', MaxWorkers: 10, Schedulers: 2, Tags: { team: 'data' },
      CreatedAt: expect.any(Number), WebserverUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), LastUpdate: { Status: 'SUCCESS' },
      LoggingConfiguration: {
        TaskLogs: { Enabled: true, CloudWatchLogGroupArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:airflow-analytics-Task` }, SchedulerLogs: { Enabled: false },
      },
    });
    expect(mwaa.airflow.started).toMatchObject([{ name: 'analytics', bucket: 'analytics-bucket', dagPath: 'dags', airflowVersion: '2.10.3', executionRoleArn: EXECUTION_ROLE }]);
  });

  it.each([
    { changes: { NetworkConfiguration: { SubnetIds: ['subnet-a'], SecurityGroupIds: ['sg-1'] } }, says: /SubnetIds' failed .* greater than or equal to 2/, because: 'two subnets' },
    { changes: { NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-a'], SecurityGroupIds: ['sg-1'] } }, says: /different Availability Zones/, because: 'two different subnets' },
    { changes: { NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-x'], SecurityGroupIds: ['sg-1'] } }, says: /'subnet-x' does not exist/, because: 'subnets of the account' },
    { changes: { NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-b'], SecurityGroupIds: [] } }, says: /SecurityGroupIds' failed/, because: 'one to five groups' },
    { changes: { NetworkConfiguration: { SubnetIds: ['subnet-a', 'subnet-b'], SecurityGroupIds: ['sg-9'] } }, says: /'sg-9' does not exist/, because: 'groups of the VPC' },
    { changes: { DagS3Path: undefined }, says: /Value null at 'DagS3Path'/, because: 'required' },
    { changes: { DagS3Path: '/' }, says: /not a relative path/, because: 'a folder below the bucket' },
    { changes: { AirflowVersion: '2.6.3' }, says: /2\.6\.3 is not supported/, because: 'after end of support nothing is created' },
    { changes: { AirflowVersion: '3.1.0' }, says: /3\.1\.0 is not supported/, because: 'never sold' },
    { changes: { WebserverAccessMode: 'PUBLIC' }, says: /enum value set/, because: 'enum of the model' },
    { changes: { WebserverAccessMode: 'PUBLIC_AND_PRIVATE' }, says: /3\.2 and later/, because: 'a newer access mode' },
    { changes: { EnvironmentClass: 'mw1.huge' }, says: /Invalid EnvironmentClass/, because: 'not a class' },
    { changes: { MinWorkers: 5, MaxWorkers: 2 }, says: /MinWorkers \(5\)/, because: 'a range' },
    { changes: { Schedulers: 1 }, says: /between 2 and 5/, because: 'Airflow 2 has two or more' },
    { changes: { AirflowConfigurationOptions: { 'Core.x': '1' } }, says: /regular expression pattern/, because: 'option names are lower case' },
    { changes: { AirflowConfigurationOptions: { 'core.x': 'ümlaut' } }, says: /regular expression pattern/, because: 'values are printable ASCII' },
    { changes: { PluginsS3Path: 'plugins.zip' }, says: /PluginsS3ObjectVersion is required/, because: 'a version goes with the path' },
    { changes: { Status: 'AVAILABLE' }, says: /'Status' is not a member/, because: 'output only' },
    { changes: { LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO', CloudWatchLogGroupArn: 'arn:aws:logs:eu-west-1:111122223333:log-group:x' } } }, says: /CloudWatchLogGroupArn' is not a member/, because: 'output only' },
    { changes: { LoggingConfiguration: { TaskLogs: { Enabled: true } } }, says: /TaskLogs\.LogLevel/, because: 'both are required' },
    { changes: { Tags: { team: 'a;b' } }, says: /regular expression pattern/, because: 'tag values have an alphabet' },
    { changes: { ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/nobody` }, says: /not authorized to perform: iam:PassRole/, because: 'PassRole comes before the role is looked at' },
  ])('refuses $changes: $because', async ({ changes, says }) => {
    const answer = await creation(changes);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(answer.body)).toMatch(says);
    expect(mwaa.airflow.started).toEqual([]);
    expect((await mwaa.call('GET', '/environments')).body).toEqual({ Environments: [] });
  });

  it('refuses a name that is too long for the model', async () => {
    mwaa = await aMwaa();
    expect((await mwaa.create({}, `a${'b'.repeat(80)}`)).type).toBe('ValidationException');
    expect((await mwaa.create({}, '1st')).type).toBe('ValidationException');
  });

  it('refuses a name that is taken', async () => {
    mwaa = await aMwaa();
    await mwaa.create();
    expect(await mwaa.create()).toMatchObject({ status: 400, type: 'ValidationException', body: { message: expect.stringContaining('already exists') } });
  });

  it.each([
    { lacks: 'airflow', action: 'airflow:CreateEnvironment' },
    { lacks: 'tag', action: 'airflow:TagResource' },
    { lacks: 'pass', action: 'iam:PassRole' },
    { lacks: 'bucket', action: 's3:GetEncryptionConfiguration' },
    { lacks: 'describe', action: 'ec2:DescribeSecurityGroups' },
    { lacks: 'endpoint', action: 'ec2:CreateVpcEndpoint' },
    { lacks: 'interface', action: 'ec2:CreateNetworkInterface' },
    { lacks: 'linked', action: 'iam:CreateServiceLinkedRole' },
  ])('refuses a caller without $action', async ({ lacks, action }) => {
    mwaa = await aMwaa({ without: [lacks] });
    const answer = await mwaa.call('PUT', '/environments/analytics', aCreation({ Tags: { team: 'data' } }));
    expect(answer).toMatchObject({ status: 403, type: 'AccessDeniedException', body: { Message: expect.stringContaining(`is not authorized to perform: ${action} on resource: `) } });
  });

  it('needs airflow:TagResource only with tags, and iam:CreateServiceLinkedRole only for the first environment', async () => {
    mwaa = await aMwaa({ without: ['tag'] });
    expect(await mwaa.create()).toMatchObject({ status: 200 });
    mwaa.world.putPolicy(`arn:aws:iam::${ACCOUNT}:role/deployer`, 'all', { Version: '2012-10-17', Statement: Object.entries(NEEDED).filter(([key]) => key !== 'linked').map(([, statement]) => statement) });
    expect(await mwaa.create({}, 'second')).toMatchObject({ status: 200 });
  });

  it.each([
    { trust: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: 'airflow.amazonaws.com' }, Action: 'sts:AssumeRole' }] }, because: 'airflow-env is missing' },
    { trust: executionRoleTrust(ACCOUNT, REGION, 'another'), because: 'it is for another environment' },
  ])('refuses a role that the service cannot assume: $because', async ({ trust }) => {
    mwaa = await aMwaa({ trust });
    expect(await mwaa.create()).toMatchObject({ status: 400, type: 'ValidationException', body: { message: expect.stringMatching(/^Failed to assume role .* Please ensure your role is assumable by 'airflow/) } });
  });

  it.each([
    { finding: { kind: 'missing' as const }, says: /does not exist/ },
    { finding: { kind: 'denied' as const, action: 's3:ListBucket', location: 'analytics-bucket/dags' }, says: /sufficient permissions for s3 location analytics-bucket\/dags/ },
    { finding: { ...FINE, publicAccessBlocked: false }, says: /does not have BlockPublicAccess set/ },
    { finding: { ...FINE, versioned: false }, says: /does not have versioning enabled/ },
    { finding: { ...FINE, region: 'us-east-1' }, says: /is in us-east-1/ },
    { finding: { ...FINE, absent: [{ path: 'requirements.txt', version: 'v9' }] }, says: /version v9 of s3:\/\/analytics-bucket\/requirements\.txt/ },
  ])('refuses a bucket that is $finding.kind: $says', async ({ finding, says }) => {
    mwaa = await aMwaa({ lookAtBucket: () => Promise.resolve(finding) });
    expect(await mwaa.create()).toMatchObject({ status: 400, type: 'ValidationException', body: { message: expect.stringMatching(says) } });
  });

  it('asks the caller for the customer managed key, and keeps its ARN', async () => {
    mwaa = await aMwaa();
    const key = mwaa.world.createKey({ account: ACCOUNT, region: REGION });
    expect(await mwaa.create({ KmsKey: key })).toMatchObject({ status: 403, body: { Message: expect.stringContaining('kms:DescribeKey') } });
    mwaa.world.putPolicy(`arn:aws:iam::${ACCOUNT}:role/deployer`, 'kms', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'kms:DescribeKey', Resource: key }] });
    expect(await mwaa.create({ KmsKey: key })).toMatchObject({ status: 403, body: { Message: expect.stringContaining('kms:CreateGrant') } });
    mwaa.world.putPolicy(`arn:aws:iam::${ACCOUNT}:role/deployer`, 'kms', { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['kms:DescribeKey', 'kms:CreateGrant'], Resource: key }] });
    expect(await mwaa.create({ KmsKey: key })).toMatchObject({ status: 200 });
    expect(await mwaa.get()).toMatchObject({ KmsKey: key, Status: 'AVAILABLE' });
  });

  it('ends CREATE_FAILED when the execution role lacks what a starting environment uses, and can be deleted then', async () => {
    const { Statement, ...rest } = executionRolePolicy({ account: ACCOUNT, region: REGION, environment: 'analytics', bucket: 'analytics-bucket' });
    mwaa = await aMwaa({ executionPolicy: { ...rest, Statement: (Statement as readonly Record<string, unknown>[]).filter(({ Action }) => !String(Action).includes('PutLogEvents')) } });
    await mwaa.create();
    expect(await mwaa.get()).toMatchObject({ Status: 'CREATE_FAILED', LastUpdate: { Status: 'FAILED', Error: { ErrorCode: 'INCORRECT_CONFIGURATION', ErrorMessage: expect.stringMatching(/lacks logs:CreateLogGroup on .*airflow-analytics-Task/) } } });
    expect(mwaa.airflow.started).toEqual([]);
    expect(await mwaa.call('DELETE', '/environments/analytics')).toMatchObject({ status: 200 });
    await mwaa.service.control.settled('analytics');
    expect(await mwaa.call('GET', '/environments/analytics')).toMatchObject({ status: 404, type: 'ResourceNotFoundException' });
  });

  it('ends CREATE_FAILED when Airflow does not start', async () => {
    mwaa = await aMwaa();
    mwaa.airflow.script.start = () => Promise.reject(new Error('scheduler ended with code 1'));
    await mwaa.create();
    expect(await mwaa.get()).toMatchObject({ Status: 'CREATE_FAILED', LastUpdate: { Error: { ErrorMessage: 'scheduler ended with code 1' } } });
  });

  it('waits in PENDING until the customer has made the endpoints', async () => {
    mwaa = await aMwaa({ without: ['endpoint', 'interface'] });
    expect(await mwaa.call('PUT', '/environments/analytics', aCreation({ EndpointManagement: 'CUSTOMER' }))).toMatchObject({ status: 200 });
    while ((await mwaa.get()).Status === 'CREATING') await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await mwaa.get()).toMatchObject({ Status: 'PENDING', DatabaseVpcEndpointService: expect.stringContaining('com.amazonaws.vpce.eu-west-1.') });
    mwaa.service.control.createEndpoints('analytics');
    await mwaa.service.control.settled('analytics');
    expect(await mwaa.get()).toMatchObject({ Status: 'AVAILABLE' });
  });
});
