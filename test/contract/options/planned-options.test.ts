/** The planned options on the real releases: the target's own configuration has nothing to say of them. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPTION_FACTS } from '../../../src/airflow/option-facts.js';
import { defaultIn } from '../../../src/plan/option-steps.js';
import { planLandingOptions, planTargetOptions, sentOptions } from '../../../src/plan/target-options.js';
import { aMigrationFile, anEnvironment } from '../../builders/values.js';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';
import { runOrFail } from '../../sandbox/environments/command.js';

const home = mkdtempSync(path.join(os.tmpdir(), 'planned-options-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const SCRIPT = fileURLToPath(new URL('warnings_of.py', import.meta.url));
/** Values that no release could start with or that this machine does not have. */
const LEFT_ALONE = /^(core\.(sql_alchemy_conn|fernet_key|executor|hostname_callable|dags_folder|plugins_folder)|database\.sql_alchemy_conn|logging\.(base_log_folder|logging_config_class)|core\.(base_log_folder|logging_config_class)|secrets\..*|webserver\.secret_key)$/u;

const variable = (option: string) => `AIRFLOW__${option.slice(0, option.lastIndexOf('.')).replaceAll('.', '_').toUpperCase()}__${option.slice(option.lastIndexOf('.') + 1).toUpperCase()}`;

async function warningsOf(version: string, options: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { python } = await ensureAirflow(version, () => undefined);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, AIRFLOW_HOME: path.join(home, version), LANG: 'C.UTF-8', ...Object.fromEntries(Object.entries(options).map(([option, value]) => [variable(option), value])) };
  const said = await runOrFail(python, [SCRIPT], { env });
  return JSON.parse(said.slice(said.lastIndexOf('WARNINGS ') + 'WARNINGS '.length)) as readonly string[];
}

/** Lines of `airflow config lint` (3.x) that name an option. */
async function lintOf(version: string, options: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { python } = await ensureAirflow(version, () => undefined);
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, AIRFLOW_HOME: path.join(home, version), LANG: 'C.UTF-8', COLUMNS: '400', ...Object.fromEntries(Object.entries(options).map(([option, value]) => [variable(option), value])) };
  return (await runOrFail(python, ['-m', 'airflow', 'config', 'lint'], { env })).split('\n').filter((line) => /^\s+- /u.test(line));
}

/** Every option that the source describes, with its default there: what a user may have set. */
const everyOption = (version: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.keys(OPTION_FACTS.options).flatMap((option) => {
    const standard = defaultIn(option, version, OPTION_FACTS);
    return typeof standard === 'string' && standard !== '' && !/[{}%\n]/u.test(standard) && !LEFT_ALONE.test(option) ? [[option, standard] as const] : [];
  }));

const plannedFor = (from: string, to: string) => sentOptions(planTargetOptions(anEnvironment({ AirflowVersion: from, AirflowConfigurationOptions: everyOption(from) }), aMigrationFile({ target: { airflowVersion: to } })));

describe.each([['1.10.12', '2.10.3'], ['2.2.2', '2.11.2'], ['2.7.2', '2.10.3'], ['2.10.3', '3.3.1']])('%s → %s, every option set', (from, to) => {
  it('the target warns of none of them', async () => {
    const clean = await warningsOf(to, {});
    const planned = plannedFor(from, to);
    expect(Object.keys(planned).length).toBeGreaterThan(100);
    expect((await warningsOf(to, planned)).filter((text) => !clean.includes(text))).toEqual([]);
  }, 240_000);
});

it('on the way to 3.3.1 the landing on 2.11.2 warns of none of the options either, and takes none of 3.x', async () => {
  const clean = await warningsOf('2.11.2', {});
  const planned = sentOptions(planLandingOptions(anEnvironment({ AirflowVersion: '2.10.3', AirflowConfigurationOptions: everyOption('2.10.3') }), aMigrationFile({ target: { airflowVersion: '3.3.1', configuration: { 'api.expose_config': 'True', 'core.parallelism': '7' } } })));
  expect(planned).toMatchObject({ 'webserver.expose_config': everyOption('2.10.3')['webserver.expose_config'], 'core.parallelism': '7' });
  expect(Object.keys(planned).filter((option) => defaultIn(option, '2.11.2', OPTION_FACTS) === undefined)).toEqual([]);
  expect((await warningsOf('2.11.2', planned)).filter((text) => !clean.includes(text))).toEqual([]);
}, 240_000);

it('config lint of Airflow 3 finds nothing in the planned options, and something in the source\'s', async () => {
  const clean = await lintOf('3.3.1', {});
  const found = (await lintOf('3.3.1', everyOption('2.10.3'))).filter((line) => !clean.includes(line));
  expect(found.length).toBeGreaterThan(50);
  // Other defaults that we override on purpose, so that schedules keep their meaning.
  const meant = /^\s+- Changed default value of `(catchup_by_default|create_cron_data_intervals|create_delta_data_intervals)` in `scheduler` .* You currently have `True` set/u;
  const left = (await lintOf('3.3.1', plannedFor('2.10.3', '3.3.1'))).filter((line) => !clean.includes(line));
  expect(left.filter((line) => !meant.test(line))).toEqual([]);
  expect(left).toHaveLength(3);
}, 240_000);

it.each([['2.10.3', 'core.dag_concurrency', /dag_concurrency option in \[core\]/u], ['3.3.1', 'webserver.base_url', /base_url option in \[webserver\]/u]])('%s does warn of an old name', async (version, option, text) => {
  expect((await warningsOf(version, { [option]: '4' })).join('\n')).toMatch(text);
}, 240_000);
