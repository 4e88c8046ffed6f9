/** The target's Airflow options: the source's by their names of that version, then what the migration file says. Pure. */
import { fixedByMwaa } from '../airflow/mwaa-options.js';
import { OPTION_FACTS } from '../airflow/option-facts.js';
import { visibleValue } from '../airflow/visible-options.js';
import { isAtLeast } from '../airflow/versions.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { defaultIn, planOptions, type OptionStep, type PlannedOption } from './option-steps.js';
import { roadOf } from './road.js';

/** An option as the plan may hold and show it: no hidden value, not even in a comparison. */
export type OptionChange = Readonly<{
  source: string | undefined;
  target: string | undefined;
  /** Shown values, "(hidden)" for all but harmless ones. */
  before: string | undefined;
  after: string | undefined;
  kind: PlannedOption['kind'];
  steps: readonly OptionStep[];
  note: string | undefined;
}>;

type Facts = Pick<EnvironmentDescription, 'AirflowVersion' | 'AirflowConfigurationOptions'>;

/** Secrets backends that 1.10 knew under other paths; the old ones went with Airflow 3. */
const BACKENDS: Readonly<Record<string, string>> = {
  'airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend': 'airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend',
  'airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend': 'airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend',
};

/** With real values: for `create` alone. */
export function planTargetOptions(source: Facts, { target }: Pick<MigrationFile, 'target'>): readonly PlannedOption[] {
  const carried = planOptions(source.AirflowConfigurationOptions ?? {}, source.AirflowVersion, target.airflowVersion, OPTION_FACTS).map(withBackend(source.AirflowVersion, target.airflowVersion));
  const chosen = [...carried, ...onTheRoad(source, target.airflowVersion, carried)];
  return Object.entries(target.configuration).reduce<readonly PlannedOption[]>((planned, [name, value]) => override(planned, name, value), chosen);
}

/**
 * With real values, for the version that the environment is created on: where a step in place follows, it still speaks that older
 * version's names. Of what the file says, only what that version knows is taken; the rest waits for the step.
 */
export function planLandingOptions(source: Facts, file: Pick<MigrationFile, 'target'>): readonly PlannedOption[] {
  const { landing, upgrades } = roadOf(source.AirflowVersion, file.target.airflowVersion);
  if (upgrades.length === 0) return planTargetOptions(source, file);
  const { configuration } = file.target;
  const last = planOptions(source.AirflowConfigurationOptions ?? {}, source.AirflowVersion, file.target.airflowVersion, OPTION_FACTS);
  const isRemoved = (name: string) => configuration[name] === null || last.some(({ source: from, target }) => from === name && target !== undefined && configuration[target] === null);
  const carried = planOptions(source.AirflowConfigurationOptions ?? {}, source.AirflowVersion, landing, OPTION_FACTS).map(withBackend(source.AirflowVersion, landing))
    .filter((one) => !(one.source !== undefined && isRemoved(one.source)) && !(one.target !== undefined && isRemoved(one.target)));
  const isKnown = (name: string) => defaultIn(name, landing, OPTION_FACTS) !== undefined || carried.some(({ target }) => target === name);
  return Object.entries(configuration).filter(([name, value]) => value !== null && isKnown(name)).reduce<readonly PlannedOption[]>((planned, [name, value]) => override(planned, name, value), carried);
}

/** What CreateEnvironment or UpdateEnvironment gets. */
export const sentOptions = (planned: readonly PlannedOption[]): Readonly<Record<string, string>> =>
  Object.fromEntries(planned.flatMap(({ target, value }) => (target !== undefined && value !== undefined ? [[target, value] as const] : [])).sort(([a], [b]) => (a < b ? -1 : 1)));

/** @param source the source's options, with their values */
export const shownChanges = (planned: readonly PlannedOption[], source: Readonly<Record<string, string>>): readonly OptionChange[] =>
  planned.map((one) => ({
    source: one.source, target: one.target, kind: one.kind, steps: one.steps, note: one.note,
    before: one.source === undefined ? undefined : visibleValue(one.source, source[one.source] ?? ''),
    after: one.target === undefined || one.value === undefined ? undefined : visibleValue(one.target, one.value),
  }));

/** `was`, `is`: texts of Airflow's own documentation; null: none. */
export type ChangedDefault = Readonly<{ option: string; was: string | null; is: string | null }>;

/**
 * Of Airflow itself, not of its providers; without what MWAA sets.
 * @param planned for `to`: what it sets has no default
 */
export function changedDefaults(source: Facts, to: string, planned: readonly PlannedOption[]): readonly ChangedDefault[] {
  const set = new Set([...Object.keys(source.AirflowConfigurationOptions ?? {}), ...Object.keys(sentOptions(planned))]);
  return Object.keys(OPTION_FACTS.options).filter((option) => OPTION_FACTS.options[option]?.provider === undefined && !set.has(option) && fixedByMwaa(option, to) === undefined).flatMap((option) => {
    const was = defaultIn(option, source.AirflowVersion, OPTION_FACTS), is = defaultIn(option, to, OPTION_FACTS);
    return was === undefined || is === undefined || meaningOf(was) === meaningOf(is) ? [] : [{ option, was, is }];
  });
}

/** Airflow has written the same default in several ways: `False` and `false`, 30 and 30.0, with and without quotes. */
function meaningOf(standard: string | null): string {
  // Up to 2.6 templates were doubled once more, for the file they stood in.
  const text = (standard ?? '').trim().replace(/^(["'])(.*)\1$/su, '$2').replaceAll('{{{{', '{{').replaceAll('}}}}', '}}').replaceAll('%%', '%').toLowerCase();
  return text !== '' && Number.isFinite(Number(text)) ? String(Number(text)) : text;
}

function override(planned: readonly PlannedOption[], name: string, value: string | null): readonly PlannedOption[] {
  const isMeant = ({ source, target }: PlannedOption) => target === name || (target === undefined && source === name) || (value === null && source === name);
  const meant = planned.filter(isMeant);
  const rest = planned.filter((one) => !isMeant(one));
  const steps = meant[0]?.steps ?? [];
  const source = meant.find((one) => one.source !== undefined)?.source;
  if (value === null) return source === undefined ? rest : [...rest, { source, target: undefined, value: undefined, kind: 'removed', steps, note: 'the migration file removes it' }];
  return [...rest, { source, target: name, value, kind: source === undefined ? 'added' : 'changed', steps, note: 'the migration file sets it' }];
}

/** Airflow 3 has other defaults for what decides which runs are made; the target goes on as the source did, unless the file says otherwise. */
function onTheRoad(source: Facts, to: string, carried: readonly PlannedOption[]): readonly PlannedOption[] {
  if (!isAtLeast(to, '3') || isAtLeast(source.AirflowVersion, '3')) return [];
  const catchup = carried.some(({ source: name }) => name === 'scheduler.catchup_by_default') ? undefined : defaultIn('scheduler.catchup_by_default', source.AirflowVersion, OPTION_FACTS);
  const wanted: readonly (readonly [string, string, string])[] = [
    ['scheduler.create_cron_data_intervals', 'True', 'without it a cron schedule means other dates on Airflow 3'],
    ['scheduler.create_delta_data_intervals', 'True', 'without it a timedelta schedule means other dates on Airflow 3'],
    ...(typeof catchup === 'string' ? [['scheduler.catchup_by_default', catchup, 'the default changes with Airflow 3; DAGs that say nothing go on as they did'] as const] : []),
  ];
  return wanted.filter(([name]) => !carried.some(({ target }) => target === name)).map(([target, value, note]) => ({ source: undefined, target, value, kind: 'added', steps: [], note }));
}

const withBackend = (from: string, to: string) => (one: PlannedOption): PlannedOption => {
  const moved = one.source === 'secrets.backend' && one.value !== undefined ? BACKENDS[one.value] : undefined;
  if (moved === undefined || !isAtLeast(to, '2') || one.target === undefined) return one;
  const step: OptionStep = { version: isAtLeast(from, '2') ? from : '2.0.2', kind: 'value', because: `the class is called ${moved} since Airflow 2` };
  return { ...one, value: moved, steps: [...one.steps, step], note: 'the secrets backend is named by its new path' };
};
