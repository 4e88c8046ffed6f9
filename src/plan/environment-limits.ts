/**
 * What CreateEnvironment would refuse, told before anything is made, and settings that mean something else on the target.
 * Limits: service model mwaa 2020-07-01 (CreateEnvironmentInput) and https://docs.aws.amazon.com/mwaa/latest/userguide/mwaa-quotas.html
 */
import { isAtLeast } from '../airflow/versions.js';
import { finding, type Finding } from './finding.js';

const CLASSES = ['mw1.micro', 'mw1.small', 'mw1.medium', 'mw1.large', 'mw1.xlarge', 'mw1.2xlarge'];
/** Of one environment; a quota that AWS Support can raise. */
const MAX_WORKERS = 25;
const SCHEDULERS = { least: 2, most: 5 } as const;
/** ConfigKey and ConfigValue of the service model. */
const OPTION_NAME = /^[a-z]+([a-z0-9._]*[a-z0-9_]+)?$/u, OPTION_VALUE = /^[ -~]*$/u;
const MAX_OPTION_NAME = 64, MAX_OPTION_VALUE = 65_536;
/** The first that lets workers in by the private side while people come by the public one. */
const FIRST_WITH_BOTH_ACCESSES = '3.2';

type Fields = Readonly<Record<string, unknown>>;
export type LimitFindings = Readonly<{ blockers: readonly Finding[]; warnings: readonly Finding[] }>;

/** Airflow 1 had one scheduler, and MWAA accepts no 1 for a larger class since. @returns the fields as CreateEnvironment takes them */
export function withSchedulers(fields: Fields, isChosen: boolean): Fields {
  const { Schedulers, EnvironmentClass } = fields;
  return !isChosen && Schedulers === 1 && EnvironmentClass !== 'mw1.micro' ? { ...fields, Schedulers: SCHEDULERS.least } : fields;
}

/**
 * @param fields of CreateEnvironment with their real values; none of an option's value goes into a finding
 * @param source as GetEnvironment gave it
 */
export function limitFindings(fields: Fields, source: Fields): LimitFindings {
  return { blockers: [...sizeBlockers(fields), ...accessBlockers(fields), ...optionBlockers(fields)], warnings: [...sizeWarnings(fields, source), ...optionWarnings(fields, source)] };
}

function sizeBlockers(fields: Fields): readonly Finding[] {
  const found: Finding[] = [];
  const { MinWorkers: least, MaxWorkers: most, Schedulers: schedulers, EnvironmentClass: size } = fields;
  if (isNumber(least) && isNumber(most) && least > most) found.push(finding('workers-contradict', `MinWorkers is ${least}, MaxWorkers ${most}`, 'MWAA refuses a minimum above the maximum', 'set both in target.environment-overrides'));
  if (isNumber(fields.MinWebservers) && isNumber(fields.MaxWebservers) && fields.MinWebservers > fields.MaxWebservers) found.push(finding('webservers-contradict', `MinWebservers is ${fields.MinWebservers}, MaxWebservers ${fields.MaxWebservers}`, 'MWAA refuses a minimum above the maximum', 'set both in target.environment-overrides'));
  if (isNumber(schedulers)) {
    const [from, to] = size === 'mw1.micro' ? [1, 1] : [SCHEDULERS.least, SCHEDULERS.most];
    if (schedulers < from || schedulers > to) found.push(finding('schedulers-out-of-range', `Schedulers is ${schedulers}; ${String(size ?? 'the class')} takes ${from === to ? from : `${from} to ${to}`}`, 'MWAA refuses the environment', 'set target.environment-overrides.Schedulers'));
  }
  return found;
}

function accessBlockers({ WebserverAccessMode, AirflowVersion }: Fields): readonly Finding[] {
  if (WebserverAccessMode !== 'PUBLIC_AND_PRIVATE' || isAtLeast(String(AirflowVersion), FIRST_WITH_BOTH_ACCESSES)) return [];
  return [finding('access-mode-not-there', `WebserverAccessMode PUBLIC_AND_PRIVATE begins with Airflow ${FIRST_WITH_BOTH_ACCESSES}`, `the environment is created on ${String(AirflowVersion)}`, 'set target.environment-overrides.WebserverAccessMode to PUBLIC_ONLY; it can be changed later')];
}

function optionBlockers({ AirflowConfigurationOptions: options }: Fields): readonly Finding[] {
  return Object.entries(isRecord(options) ? options : {}).flatMap(([name, value]) => {
    const wrong = !OPTION_NAME.test(name) || name.length > MAX_OPTION_NAME ? `its name is not one that MWAA takes (small letters, digits, . and _, up to ${MAX_OPTION_NAME})`
      : typeof value !== 'string' || !OPTION_VALUE.test(value) ? 'its value has characters that MWAA does not take (printable ASCII alone)'
        : value.length > MAX_OPTION_VALUE ? `its value is longer than ${MAX_OPTION_VALUE} characters` : undefined;
    return wrong === undefined ? [] : [finding('option-not-accepted', `MWAA refuses the Airflow option ${name}`, wrong, `set it otherwise in target.configuration, or remove it there with null; a startup script can export it as a variable`)];
  });
}

function sizeWarnings(fields: Fields, source: Fields): readonly Finding[] {
  const found: Finding[] = [];
  const { EnvironmentClass: size, MaxWorkers: most, Schedulers: schedulers } = fields;
  if (typeof size === 'string' && !CLASSES.includes(size)) found.push(finding('class-unknown', `This release does not know the class ${size}`, 'MWAA refuses what it does not sell in that region', 'look whether it is spelt right in target.environment-overrides.EnvironmentClass'));
  if (isNumber(most) && most > MAX_WORKERS) found.push(finding('workers-above-quota', `MaxWorkers is ${most}; an environment gets ${MAX_WORKERS} unless AWS raised the quota`, 'MWAA refuses the environment where it did not', 'ask AWS Support for the target\'s account and region, or set target.environment-overrides.MaxWorkers'));
  if (schedulers !== source.Schedulers && source.Schedulers === 1 && schedulers === SCHEDULERS.least) found.push(finding('schedulers-raised', `The target gets ${SCHEDULERS.least} schedulers, the source has 1`, `MWAA takes ${SCHEDULERS.least} to ${SCHEDULERS.most} for every class above mw1.micro; the second one costs`, 'nothing, or choose the class mw1.micro, which has one'));
  if (fields.EndpointManagement === 'CUSTOMER') found.push(finding('endpoints-by-you', 'The VPC endpoints of the target are yours to make (EndpointManagement is CUSTOMER)', 'creation halts in state PENDING until they are there', 'make them for the two services that phase create names, while it waits'));
  if (typeof size === 'string' && source.EnvironmentClass !== undefined && size !== source.EnvironmentClass && 'celery.worker_autoscale' in optionsOf(fields))
    found.push(finding('worker-autoscale', `The class changes from ${String(source.EnvironmentClass)} to ${size}, and celery.worker_autoscale stays`, 'it says how many tasks share the memory of one worker, which is another one now', 'set it in target.configuration to what the new class bears, or remove it there with null'));
  return found;
}

function optionWarnings(fields: Fields, source: Fields): readonly Finding[] {
  const found: Finding[] = [];
  const options = optionsOf(fields);
  if (/^(false|f|0)$/iu.test(String(options['core.dags_are_paused_at_creation'] ?? '').trim()))
    found.push(finding('dags-start-active', 'DAGs start active on the target: core.dags_are_paused_at_creation is False', 'they would run before their history is there, so import refuses', 'set it to "True" in target.configuration until the migration is over'));
  const name = String(source.Name ?? ''), kwargs = options['secrets.backend_kwargs'];
  // MWAA's names have letters, digits, - and _: nothing that means more in an expression.
  if (/^[\w-]+$/u.test(name) && typeof kwargs === 'string' && new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'u').test(kwargs))
    found.push(finding('secrets-name-source', `secrets.backend_kwargs names the source, ${name}`, 'the target reads its secrets under the source\'s prefix, and its execution role must be allowed to', 'leave it if both share their secrets; else copy them and set secrets.backend_kwargs in target.configuration'));
  return found;
}

const optionsOf = ({ AirflowConfigurationOptions: options }: Fields): Readonly<Record<string, unknown>> => (isRecord(options) ? options : {});
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
