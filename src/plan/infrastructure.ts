/**
 * The target environment as CloudFormation and as Terraform, for teams whose environments are made by code (target.create: external).
 * Pure. What may not be shown, and what is only known later, is a parameter.
 * Sources: AWS::MWAA::Environment of the CloudFormation reference; aws_mwaa_environment of the Terraform AWS provider.
 */
import { stringify } from 'yaml';
import { HIDDEN } from '../airflow/visible-options.js';

/** Field name of CreateEnvironment → argument of aws_mwaa_environment. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  Name: 'name', AirflowVersion: 'airflow_version', SourceBucketArn: 'source_bucket_arn', DagS3Path: 'dag_s3_path', ExecutionRoleArn: 'execution_role_arn',
  EnvironmentClass: 'environment_class', MinWorkers: 'min_workers', MaxWorkers: 'max_workers', MinWebservers: 'min_webservers', MaxWebservers: 'max_webservers', Schedulers: 'schedulers',
  PluginsS3Path: 'plugins_s3_path', PluginsS3ObjectVersion: 'plugins_s3_object_version', RequirementsS3Path: 'requirements_s3_path', RequirementsS3ObjectVersion: 'requirements_s3_object_version',
  StartupScriptS3Path: 'startup_script_s3_path', StartupScriptS3ObjectVersion: 'startup_script_s3_object_version',
  KmsKey: 'kms_key', WebserverAccessMode: 'webserver_access_mode', EndpointManagement: 'endpoint_management', WeeklyMaintenanceWindowStart: 'weekly_maintenance_window_start',
};
const LOGS: Readonly<Record<string, string>> = {
  DagProcessingLogs: 'dag_processing_logs', SchedulerLogs: 'scheduler_logs', TaskLogs: 'task_logs', WebserverLogs: 'webserver_logs', WorkerLogs: 'worker_logs',
};

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_PARAMETERS = 200;

type Fields = Readonly<Record<string, unknown>>;
/** A value that the template asks for. `isSecret`: neither shown nor logged. */
type Asked = Readonly<{ name: string; describes: string; isSecret: boolean }>;

/** What is asked for, each under a name of its own: "a.b_c" and "a_b.c" would both be OptionABC. */
function questions<T>(write: (one: Asked) => T) {
  const asked: Asked[] = [];
  return {
    asked,
    ask(one: Asked): T {
      let name = one.name;
      for (let number = 2; asked.some((known) => known.name.toLowerCase() === name.toLowerCase()); number++) name = `${one.name}${number}`;
      const own = { ...one, name };
      asked.push(own);
      return write(own);
    },
  };
}

/**
 * @param fields of CreateEnvironment as they may be shown (shownFields): hidden option values are HIDDEN
 * @returns a template with one resource, ready to paste
 */
export function cloudFormation(fields: Fields): string {
  const { asked, ask } = questions(({ name }) => ({ Ref: name }));
  const all = Object.entries(withVersions(fields));
  // These come first: without them the template cannot be deployed at all.
  const known = new Map(all.flatMap(([name, value]) => (value === LATER ? [[name, ask(askedVersion(name))]] : isRoleToChoose(name, value) ? [[name, ask(ASKED_ROLE)]] : [])));
  const left: string[] = [];
  const askOption = (option: string): unknown => {
    if (asked.length < MAX_PARAMETERS) return ask(askedOption(option));
    left.push(option);
    return undefined;
  };
  const properties = Object.fromEntries(all.map(([name, value]) => [name, known.get(name) ?? (name === 'AirflowConfigurationOptions' ? present(mapOptions(value, askOption)) : value)]));
  const template = stringify({
    AWSTemplateFormatVersion: '2010-09-09',
    ...(asked.length > 0 ? { Parameters: Object.fromEntries(asked.map(({ name, describes, isSecret }) => [name, { Type: 'String', ...(isSecret ? { NoEcho: true } : {}), Description: describes }])) } : {}),
    Resources: { Environment: { Type: 'AWS::MWAA::Environment', DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain', Properties: properties } },
    // CloudFormation reads YAML 1.1, where a plain `on` is true.
  }, { lineWidth: 0, version: '1.1', defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
  return left.length === 0 ? escaped(template) : `${escaped(template)}${leftOut(left)}`;
}

/** YAML 1.1 reads none of these as they are; every text that can hold one stands in double quotes. https://yaml.org/spec/1.1/#id868524 */
const escaped = (template: string): string => template.replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff\p{Cs}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Options that would need one parameter too many. Better left out by name than in a template that CloudFormation refuses. */
const leftOut = (options: readonly string[]): string =>
  [`# Left out, because a template has at most ${MAX_PARAMETERS} parameters: ${options.length} options with hidden values. Set them in the environment afterwards.`, ...options.map((option) => `#   ${option.replace(/[^A-Za-z0-9_.-]/gu, '?')}`), ''].join('\n');

const present = (options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** As `cloudFormation`, for Terraform. A field that this release does not know as an argument is left in a comment. */
export function terraform(fields: Fields): string {
  const { asked, ask } = questions(({ name }) => `var.${name}`);
  const lines: (readonly [argument: string, value: string])[] = [], blocks: string[] = [], unknown: string[] = [];
  for (const [name, value] of Object.entries(withVersions(fields))) {
    const argument = ARGUMENTS[name];
    if (argument !== undefined) lines.push([argument, value === LATER ? ask(inSnakeCase(askedVersion(name))) : isRoleToChoose(name, value) ? ask(inSnakeCase(ASKED_ROLE)) : hcl(value)]);
    else if (name === 'Tags') blocks.push(`tags = ${hclMap(value, hcl)}`);
    else if (name === 'AirflowConfigurationOptions') blocks.push(`airflow_configuration_options = ${hclMap(mapOptions(value, (option) => ({ ask: inSnakeCase(askedOption(option)) })), (one) => (isAsk(one) ? ask(one.ask) : hcl(one)))}`);
    else if (name === 'NetworkConfiguration' && isRecord(value)) blocks.push(`network_configuration {\n    security_group_ids = ${hcl(value.SecurityGroupIds)}\n    subnet_ids         = ${hcl(value.SubnetIds)}\n  }`);
    else if (name === 'LoggingConfiguration' && isRecord(value)) blocks.push(loggingBlock(value));
    else unknown.push(name);
  }
  const width = Math.max(...lines.map(([argument]) => argument.length));
  return [
    ...asked.map(({ name, describes, isSecret }) => `variable "${name}" {\n  type        = string\n  description = ${hcl(describes)}${isSecret ? '\n  sensitive   = true' : ''}\n}\n`),
    'resource "aws_mwaa_environment" "target" {',
    ...lines.map(([argument, value]) => `  ${argument.padEnd(width)} = ${value}`), ...blocks.map((block) => `\n  ${block}`),
    ...unknown.map((name) => `  # ${name.replace(/[^A-Za-z0-9]/gu, '')}: not an argument that this release knows; look whether your provider version has it.`),
    '\n  lifecycle {\n    prevent_destroy = true\n  }', '}', '',
  ].join('\n');
}

const LATER = Symbol('known after phase resources');

/** A path needs its version, which phase resources gives. */
const withVersions = (fields: Fields): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => {
    const version = name.replace(/S3Path$/u, 'S3ObjectVersion');
    return name === 'DagS3Path' || version === name || version in fields ? [[name, value]] : [[name, value], [version, LATER]];
  }));

/** With target.create: external and no role in the migration file, whoever creates the environment chooses it. */
const isRoleToChoose = (field: string, value: unknown): boolean => field === 'ExecutionRoleArn' && !String(value).startsWith('arn:');
const ASKED_ROLE: Asked = { name: 'ExecutionRole', describes: 'ARN of the execution role of the new environment.', isSecret: false };

const askedVersion = (field: string): Asked => ({ name: field.replace('S3Object', ''), describes: `Version id of the object that phase resources has written (${field}).`, isSecret: false });
const askedOption = (option: string): Asked => ({ name: `Option${option.split(/[^A-Za-z0-9]+/u).map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')}`, describes: `Value of the Airflow option ${option}: that of target.configuration in the migration file, else the source's.`, isSecret: true });
const inSnakeCase = (one: Asked): Asked => ({ ...one, name: one.name.replace(/(?<!^)([A-Z])/gu, '_$1').toLowerCase() });

const mapOptions = <T>(options: unknown, ask: (option: string) => T): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(isRecord(options) ? options : {}).map(([option, value]) => [option, value === HIDDEN ? ask(option) : value]));

function loggingBlock(logging: Readonly<Record<string, unknown>>): string {
  const modules = Object.entries(logging).flatMap(([name, module]) => (LOGS[name] !== undefined && isRecord(module) ? [`    ${LOGS[name]} {${'Enabled' in module ? `\n      enabled   = ${hcl(module.Enabled)}` : ''}${'LogLevel' in module ? `\n      log_level = ${hcl(module.LogLevel)}` : ''}\n    }`] : []));
  return `logging_configuration {\n${modules.join('\n')}\n  }`;
}

/**
 * A text as HCL reads it: JSON, but for two escapes that HCL does not have and lone surrogates, which no encoding has. Expressions begin with a
 * dollar or per cent and a brace even inside texts. https://developer.hashicorp.com/terraform/language/expressions/strings
 */
const hclText = (value: string): string => JSON.stringify(value.replace(/\p{Cs}/gu, '\u{fffd}')).replace(/\\(.)/gu, (pair, letter: string) => (letter === 'b' ? '\\u0008' : letter === 'f' ? '\\u000c' : pair)).replace(/([$%])\{/gu, '$1$1{');
const hcl = (value: unknown): string => (typeof value === 'string' ? hclText(value) : Array.isArray(value) ? `[${value.map(hcl).join(', ')}]` : typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value ?? null));
/** Aligned as `terraform fmt` aligns. */
function hclMap(value: unknown, write: (one: unknown) => string): string {
  const entries = Object.entries(isRecord(value) ? value : {}).map(([key, one]) => [hcl(key), write(one)] as const);
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  return `{\n${entries.map(([key, one]) => `    ${key.padEnd(width)} = ${one}\n`).join('')}  }`;
}
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isAsk = (value: unknown): value is Readonly<{ ask: Asked }> => isRecord(value) && 'ask' in value;
