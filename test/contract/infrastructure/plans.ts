/** Targets of the pairs that the golden plans have, with every option that the source's Airflow knows, and with values made to break out of their place. */
import { OPTION_FACTS } from '../../../src/airflow/option-facts.js';
import { NOTHING_SEEN } from '../../../src/plan/observations.js';
import { buildPlan } from '../../../src/plan/build.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole } from '../../builders/values.js';

/** Stands in every value that may not be shown; no option takes it for a plain word. */
export const CANARY = 'canary;5d1c;never-shown';

export type Target = Readonly<{ name: string; fields: Readonly<Record<string, unknown>> }>;

export const HOSTILE = {
  quotes: `a "b" 'c' \\ \\" \\\\`, interpolation: '${path.root} $${x} $$${y} %{ if true }%{ endif } %%{x} ${', lines: 'one\ntwo\r\nthree\ttab', yaml: 'on: [yes, no, ~, null, 0x1F, 1_000, 12:30:00, &a *a !b # c', control: '\u0000\u0008\u000c\u001f\u007f\u0085',
  unicode: 'Zürich 東京 🚀 \u2028\u2029\ufeff\u202e', end: '" }\n  }\n}\nresource "null_resource" "x" { provisioner "local-exec" { command = "id" } }', number: '0123', empty: '', tag: '!Sub ${AWS::AccountId}', document: '---\n...', percent: '100%', dollar: '$',
};

/** @param value of each option of that version */
const everyOption = (version: string, value: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(OPTION_FACTS.options).flatMap(([option, { changes }]) => (changes[0] && changes[0][0] === version && /^[a-z]+(?:[a-z0-9._]*[a-z0-9_]+)?$/u.test(option) ? [[option, value]] : [])));

function target(name: string, from: string, to: string, options: Readonly<Record<string, string>>, more: Readonly<{ source?: object; target?: object }> = {}): Target {
  const file = aMigrationFile({ target: { airflowVersion: to, ...more.target } });
  const source = anEnvironment({ AirflowVersion: from, AirflowConfigurationOptions: options, StartupScriptS3Path: 'startup.sh', KmsKey: `arn:aws:kms:eu-west-1:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`, ...subnets, ...more.source });
  const plan = buildPlan({ file, source, target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined, observations: NOTHING_SEEN });
  return { name, fields: plan.decisions.environment.fields };
}
const subnets = { NetworkConfiguration: { SubnetIds: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'], SecurityGroupIds: ['sg-0a1b2c3d4e5f60718'] }, ExecutionRoleArn: `arn:aws:iam::${ACCOUNT}:role/service-role/analytics-execution` };
const USUAL = { 'core.parallelism': '32', 'scheduler.catchup_by_default': 'False', 'secrets.backend_kwargs': CANARY, 'smtp.smtp_password': CANARY };

export const TARGETS: readonly Target[] = [
  target('1.10.12-to-2.10.3', '1.10.12', '2.10.3', USUAL),
  target('2.2.2-to-2.11.2', '2.2.2', '2.11.2', USUAL),
  target('2.7.2-to-2.10.3', '2.7.2', '2.10.3', USUAL),
  target('2.10.3-to-3.3.1', '2.10.3', '3.3.1', USUAL),
  target('equal', '2.10.3', '2.10.3', USUAL),
  target('every-option', '1.10.12', '2.10.3', everyOption('1.10.12', CANARY)),
  target('500-options', '2.10.3', '2.10.3', Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`custom.option_${at}`, CANARY]))),
  target('colliding-names', '2.10.3', '2.10.3', { 'a.b_c': CANARY, 'a.b.c': CANARY, 'ab.c': CANARY }),
  target('hostile-tags', '2.10.3', '2.10.3', USUAL, { source: { Tags: Object.fromEntries(Object.entries(HOSTILE).map(([key, value]) => [key, value])) } }),
  target('external', '2.10.3', '2.10.3', USUAL, { target: { create: 'external' } }),
  target('bare', '2.10.3', '2.10.3', {}, { source: { StartupScriptS3Path: undefined, RequirementsS3Path: undefined, PluginsS3Path: undefined, PluginsS3ObjectVersion: undefined, RequirementsS3ObjectVersion: undefined, Tags: {}, LoggingConfiguration: undefined, KmsKey: undefined } }),
];
