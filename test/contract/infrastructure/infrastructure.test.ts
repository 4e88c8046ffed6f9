/** The target as CloudFormation and Terraform, read by cfn-lint, PyYAML and python-hcl2 for every plan: nothing is lost, nothing breaks out, nothing hidden shows. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { cloudFormation, terraform } from '../../../src/plan/infrastructure.js';
import { CANARY, HOSTILE, TARGETS } from './plans.js';

type Tree = Readonly<Record<string, unknown>>;

/** Arguments of aws_mwaa_environment that can be set: internal/service/mwaa/environment.go of hashicorp/terraform-provider-aws at 0519846, where they stand as schema.Schema. */
const ARGUMENTS = new Set([
  'airflow_configuration_options', 'airflow_version', 'dag_s3_path', 'endpoint_management', 'environment_class', 'execution_role_arn', 'kms_key', 'logging_configuration', 'max_webservers', 'max_workers', 'min_webservers',
  'min_workers', 'name', 'network_configuration', 'plugins_s3_object_version', 'plugins_s3_path', 'requirements_s3_object_version', 'requirements_s3_path', 'schedulers', 'source_bucket_arn', 'startup_script_s3_object_version',
  'startup_script_s3_path', 'tags', 'webserver_access_mode', 'weekly_maintenance_window_start', 'worker_replacement_strategy',
]);
const REQUIRED = ['dag_s3_path', 'execution_role_arn', 'name', 'network_configuration', 'source_bucket_arn'];
const BLOCKS: Readonly<Record<string, readonly string[]>> = { network_configuration: ['security_group_ids', 'subnet_ids'], logging_configuration: ['dag_processing_logs', 'scheduler_logs', 'task_logs', 'webserver_logs', 'worker_logs'] };

let folder: string, read: Readonly<Record<string, Tree>>;
const pathOf = (name: string, kind: 'yaml' | 'tf') => path.join(folder, `${name}.${kind}`);

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-infrastructure-'));
  for (const { name, fields } of TARGETS) {
    writeFileSync(pathOf(name, 'yaml'), cloudFormation(fields));
    writeFileSync(pathOf(name, 'tf'), terraform(readable(fields)));
  }
  const files = TARGETS.flatMap(({ name }) => [pathOf(name, 'yaml'), pathOf(name, 'tf')]);
  read = JSON.parse(execFileSync(path.join(ensureTools(), 'python'), [path.join(import.meta.dirname, 'read_code.py'), ...files], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })) as Readonly<Record<string, Tree>>;
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * python-hcl2's grammar looks for the end of `$${` even behind the text's own end; Terraform does not (seen with 1.11.4, whose console gave back all of HOSTILE letter by
 * letter). For python-hcl2 that one text ends before its last two letters.
 */
const readable = (fields: Tree): Tree => (isTree(fields.Tags) && 'interpolation' in fields.Tags ? { ...fields, Tags: { ...fields.Tags, interpolation: HOSTILE.interpolation.slice(0, -2) } } : fields);
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const at = (tree: unknown, ...keys: readonly (string | number)[]): unknown => keys.reduce<unknown>((value, key) => (value as Readonly<Record<string | number, unknown>> | undefined)?.[key], tree);

describe('CloudFormation', () => {
  it('passes cfn-lint in every case', () => {
    // E1029 wants Fn::Sub around every ${}; in the hostile tags they are meant as they stand.
    const { stdout, status } = spawnSync(path.join(ensureTools(), 'cfn-lint'), ['--regions', 'eu-west-1', '--ignore-checks', 'E1029', '--format', 'parseable', ...TARGETS.map(({ name }) => pathOf(name, 'yaml'))], { encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  }, 60_000);

  it.each(TARGETS)('says all of $name as it is', ({ name, fields }) => {
    const template = read[pathOf(name, 'yaml')];
    const asked = at(template, 'Parameters') as Tree | undefined;
    const properties = at(template, 'Resources', 'Environment', 'Properties') as Tree;
    for (const [field, value] of Object.entries(fields)) {
      if (field === 'AirflowConfigurationOptions') continue;
      if (field === 'ExecutionRoleArn' && name === 'external') expect(properties[field]).toEqual({ Ref: 'ExecutionRole' });
      else expect({ [field]: properties[field] }).toEqual({ [field]: value });
    }
    const refs = Object.values({ ...properties, ...(properties.AirflowConfigurationOptions as Tree | undefined) }).flatMap((value) => (isTree(value) && typeof value.Ref === 'string' ? [value.Ref] : []));
    expect(refs.sort()).toEqual(Object.keys(asked ?? {}).sort());
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs.length).toBeLessThanOrEqual(200);
    for (const [option, value] of Object.entries((properties.AirflowConfigurationOptions ?? {}) as Tree)) if (isTree(value)) expect(at(asked, String(value.Ref))).toMatchObject({ NoEcho: true, Description: expect.stringContaining(option) });
  });

  it('names the options for which a template has no parameter left', () => {
    const text = readFileSync(pathOf('500-options', 'yaml'), 'utf8');
    const set = Object.keys(at(read[pathOf('500-options', 'yaml')], 'Resources', 'Environment', 'Properties', 'AirflowConfigurationOptions') as Tree);
    const left = [...text.matchAll(/^# {3}(custom\.option_\d+)$/gmu)].map(([, option]) => option);
    expect([...set, ...left].sort()).toEqual(Array.from({ length: 500 }, (_, number) => `custom.option_${number}`).sort());
    expect(text).toContain(`${left.length} options with hidden values`);
    expect(set).toHaveLength(197);
  });
});

describe('Terraform', () => {
  it.each(TARGETS)('says all of $name as it is, in arguments that the provider has', ({ name, fields }) => {
    const code = read[pathOf(name, 'tf')] as Readonly<{ variable?: readonly Tree[]; resource: readonly Tree[] }>;
    expect(Object.keys(code).sort()).toEqual(code.variable ? ['resource', 'variable'] : ['resource']);
    expect(code.resource).toHaveLength(1);
    const { lifecycle, ...resource } = at(code.resource, 0, 'aws_mwaa_environment', 'target') as Tree;
    expect(lifecycle).toEqual([{ prevent_destroy: true }]);
    expect(Object.keys(resource).filter((argument) => !ARGUMENTS.has(argument))).toEqual([]);
    expect(REQUIRED.filter((argument) => !(argument in resource))).toEqual([]);
    for (const [block, names] of Object.entries(BLOCKS)) expect(Object.keys((at(resource, block, 0) ?? {}) as Tree).filter((argument) => !names.includes(argument))).toEqual([]);

    const simple = Object.fromEntries(Object.entries(fields).filter(([field]) => !['AirflowConfigurationOptions', 'Tags', 'NetworkConfiguration', 'LoggingConfiguration'].includes(field)).map(([field, value]) => [snake(field), value]));
    if (name === 'external') simple['execution_role_arn'] = '${var.execution_role}';
    expect(resource).toMatchObject(simple);
    expect(resource.tags).toEqual(readable(fields).Tags);
    expect(at(resource, 'network_configuration', 0, 'subnet_ids')).toEqual(at(fields, 'NetworkConfiguration', 'SubnetIds'));

    const variables = (code.variable ?? []).flatMap((one) => Object.entries(one));
    const used = Object.values({ ...resource, ...(resource.airflow_configuration_options as Tree | undefined) }).flatMap((value) => /^\$\{var\.([a-z0-9_]+)\}$/u.exec(String(value))?.[1] ?? []);
    expect(variables.map(([variable]) => variable).sort()).toEqual(used.sort());
    const options = Object.entries((resource.airflow_configuration_options ?? {}) as Tree);
    expect(options.map(([option]) => option)).toEqual(Object.keys((fields.AirflowConfigurationOptions ?? {}) as Tree));
    for (const [option, value] of options) {
      const variable = variables.find(([known]) => value === `\${var.${known}}`)?.[1];
      if (variable) expect(variable).toMatchObject({ sensitive: true, type: 'string', description: expect.stringContaining(option) });
      else expect(value).toBe(at(fields, 'AirflowConfigurationOptions', option));
    }
  });
});

describe('both', () => {
  it.each(TARGETS)('show no hidden value of $name', ({ name }) => {
    for (const kind of ['yaml', 'tf'] as const) {
      const text = readFileSync(pathOf(name, kind), 'utf8');
      expect(text).not.toContain(CANARY);
      // What stands for a hidden value in the plan is no value either.
      expect(text).not.toContain('(hidden)');
    }
  });
});

const snake = (field: string): string => field.replace(/(?<!^)(S3|[A-Z])/gu, '_$1').toLowerCase();
