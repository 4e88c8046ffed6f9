/** Where an environment that exists is not what the plan would create. Values of options are compared and never shown. Pure. */
import { visibleOptions } from '../airflow/visible-options.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { differences, type Difference } from './difference.js';
import { loggingInput, ownTags } from './environment-fields.js';

type Options = Readonly<Record<string, string>>;

/** @param wanted fields of CreateEnvironment with their real values; `before` of a difference is what is wanted, `after` what is there */
export function targetDifferences(wanted: Readonly<Record<string, unknown>>, target: EnvironmentDescription, { create }: Pick<MigrationFile['target'], 'create'>): readonly Difference[] {
  return Object.entries(wanted).flatMap(([field, value]) => {
    // Whoever creates the environment outside chooses its role; a version is not known before phase resources.
    if (field === 'ExecutionRoleArn' && create === 'external') return [];
    if (field === 'AirflowConfigurationOptions') return optionDifferences(value as Options, target.AirflowConfigurationOptions ?? {});
    if (field === 'Tags') return differences(value, ownTags(target.Tags ?? {}), field);
    return differences(value, field === 'LoggingConfiguration' ? loggingInput(target[field]) : target[field], field);
  });
}

function optionDifferences(wanted: Options, there: Options): readonly Difference[] {
  const wantedShown = visibleOptions(wanted), thereShown = visibleOptions(there);
  return [...new Set([...Object.keys(wanted), ...Object.keys(there)])].sort().filter((option) => wanted[option] !== there[option]).map((option) => ({
    path: option, before: wantedShown[option] ?? '(absent)', after: thereShown[option] ?? '(absent)',
  }));
}
