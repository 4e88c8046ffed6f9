/** What a person should know before approving; none of it stops the migration. */
import { OPTION_FACTS } from '../airflow/option-facts.js';
import { isAtLeast } from '../airflow/versions.js';
import type { Seen } from './blockers.js';
import type { ClonedRole } from './clone-role.js';
import { ownTags, unknownFields } from './environment-fields.js';
import { planOptions } from './option-steps.js';
import { finding, type Finding } from './finding.js';
import { lastErrorOf, stateOf } from './states.js';
import { picklesLeft } from './xcom-pickles.js';

export function warningsOf({ source, target, file, targetAccount }: Seen, role: ClonedRole | undefined): readonly Finding[] {
  const found: Finding[] = [];
  if (source.Status === 'UPDATE_FAILED') found.push(finding('source-update-failed', `Source ${source.Name}: ${stateOf(source.Status).meaning}`, lastErrorOf(source) ?? 'its configuration may not be what you expect', stateOf(source.Status).fix));
  if (target && stateOf(target.Status).verdict === 'wait') found.push(finding('target-waits', `Target ${target.Name} is ${target.Status}: ${stateOf(target.Status).meaning}`, 'phase create waits for it', stateOf(target.Status).fix));
  if (file.target.airflowVersion === source.AirflowVersion) found.push(finding('same-version', `Source and target both run Airflow ${source.AirflowVersion}`, 'this makes a copy, not an upgrade', 'change target.airflow-version if that is not meant'));
  if (file.source.airflowVersion !== undefined && file.source.airflowVersion !== source.AirflowVersion) found.push(finding('source-version-differs', `The migration file says that the source runs Airflow ${file.source.airflowVersion}; it runs ${source.AirflowVersion}`, 'phase check compared schedules with the wrong version', 'correct source.airflow-version'));
  const ignored = 'core.dag_ignore_file_syntax';
  if (isAtLeast(file.target.airflowVersion, '3') && !isAtLeast(source.AirflowVersion, '3') && !(source.AirflowConfigurationOptions?.[ignored] ?? file.target.configuration[ignored]))
    found.push(finding('ignore-syntax', 'Airflow 3 reads .airflowignore as globs, earlier ones read regular expressions', 'where there is such a file, another set of DAG files would be loaded', `rewrite it, or set ${ignored}: regexp in target.configuration`));
  found.push(...picklesLeft({ source, target, file, targetAccount }));
  for (const name of unknownFields(source)) found.push(finding('unknown-field', `MWAA returned the field ${name}, which this release does not know`, 'it is not sent to the new environment', `name it in target.environment-overrides if the target needs it`));
  const lost = Object.keys(source.Tags ?? {}).filter((name) => !(name in ownTags(source.Tags ?? {})));
  if (lost.length > 0) found.push(finding('aws-tags', `${lost.length === 1 ? '1 tag that begins with "aws:" is' : `${lost.length} tags that begin with "aws:" are`} not carried over`, 'that prefix is reserved for AWS', 'nothing; CloudFormation sets its own on what it creates'));
  for (const text of role?.warnings ?? []) found.push(finding('role-clone', text, 'the cloned execution role keeps what could not be rewritten', 'check that statement after phase create'));
  if (file.logs.tasks !== 'none') found.push(finding('logs-not-moved', 'Task logs are not copied by this release', 'phase logs is not built yet', 'read them in the source\'s log groups, or set logs.tasks to "none"'));
  // By the source's name or the target's: both remove it.
  const known = new Set(planOptions(source.AirflowConfigurationOptions ?? {}, source.AirflowVersion, file.target.airflowVersion, OPTION_FACTS).flatMap(({ source: name, target: renamed }) => [name, renamed]));
  for (const option of Object.keys(file.target.configuration)) {
    if (file.target.configuration[option] === null && !known.has(option))
      found.push(finding('option-not-there', `target.configuration removes ${option}, which the source does not have`, 'a typing error would leave the option in place', 'check its name'));
  }
  return found;
}
