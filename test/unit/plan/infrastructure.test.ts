import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { cloudFormation, terraform } from '../../../src/plan/infrastructure.js';

const FIELDS = {
  Name: 'analytics-v2', AirflowVersion: '2.10.3', ExecutionRoleArn: 'arn:aws:iam::111122223333:role/x', SourceBucketArn: 'arn:aws:s3:::bucket', DagS3Path: 'v2/dags', RequirementsS3Path: 'v2/requirements.txt',
  PluginsS3Path: 'v2/plugins.zip', PluginsS3ObjectVersion: 'abc', EnvironmentClass: 'mw1.small', MaxWorkers: 5, NetworkConfiguration: { SubnetIds: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] },
  LoggingConfiguration: { TaskLogs: { Enabled: true, LogLevel: 'INFO' } }, Tags: { team: 'on', 'a "b"': '${path.root} %{ if x }' }, AirflowConfigurationOptions: { 'core.parallelism': '32', 'secrets.backend_kwargs': '(hidden)' },
};

describe('the target as CloudFormation', () => {
  const template = parse(cloudFormation(FIELDS), { version: '1.1' }) as Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  const properties = template.Resources?.Environment?.Properties as Readonly<Record<string, unknown>>;

  it('has every field as it is, also texts that YAML 1.1 takes for something else', () => {
    expect(properties).toMatchObject({ Name: 'analytics-v2', AirflowVersion: '2.10.3', MaxWorkers: 5, PluginsS3ObjectVersion: 'abc', Tags: FIELDS.Tags, NetworkConfiguration: FIELDS.NetworkConfiguration, LoggingConfiguration: FIELDS.LoggingConfiguration });
    expect(template.Resources?.Environment).toMatchObject({ Type: 'AWS::MWAA::Environment', DeletionPolicy: 'Retain' });
  });

  it('asks for what is hidden, unseen, and for versions that are not known yet', () => {
    expect(properties.AirflowConfigurationOptions).toEqual({ 'core.parallelism': '32', 'secrets.backend_kwargs': { Ref: 'OptionSecretsBackendKwargs' } });
    expect(properties.RequirementsS3ObjectVersion).toEqual({ Ref: 'RequirementsVersion' });
    expect(template.Parameters).toMatchObject({ OptionSecretsBackendKwargs: { Type: 'String', NoEcho: true }, RequirementsVersion: { Type: 'String' } });
    expect(template.Parameters?.RequirementsVersion).not.toHaveProperty('NoEcho');
    // Either may have set it; the value itself is not known here.
    expect(template.Parameters?.OptionSecretsBackendKwargs?.Description).toBe("Value of the Airflow option secrets.backend_kwargs: that of target.configuration in the migration file, else the source's.");
    expect(Object.keys(template.Parameters ?? {})).toHaveLength(2);
  });

  it('has no parameters where nothing is asked', () => expect(cloudFormation({ Name: 'x' })).not.toContain('Parameters'));
});

describe('the target as Terraform', () => {
  const code = terraform(FIELDS);

  it.each([
    [/name +(= )"analytics-v2"/u], [/max_workers +(= )5/u], [/plugins_s3_object_version +(= )"abc"/u], [/requirements_s3_object_version +(= )var\.requirements_version/u],
    [/"core\.parallelism" += "32"/u], [/"secrets\.backend_kwargs" = var\.option_secrets_backend_kwargs/u], [/subnet_ids {9}= \["subnet-1", "subnet-2"\]/u], [/task_logs \{\n {6}enabled {3}= true\n {6}log_level = "INFO"/u],
    [/variable "option_secrets_backend_kwargs" \{\n {2}type {8}= string\n {2}description = ".*"\n {2}sensitive {3}= true/u],
  ])('says %s', (line) => expect(code).toMatch(line));

  it('takes nothing of a value for an expression', () => {
    expect(code).toContain('"a \\"b\\"" = "$${path.root} %%{ if x }"');
    expect(code).not.toMatch(/[^$]\$\{|[^%]%\{/u);
  });

  it('names a field that it has no argument for', () => expect(terraform({ Name: 'x', QuantumMode: 'ON' })).toContain('# QuantumMode: not an argument'));
});
