/** What must be repaired before a migration may begin. */
import { compareVersions, findVersion, isAtLeast, MWAA_VERSIONS } from '../airflow/versions.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { EnvironmentDescription } from '../ports.js';
import { describeDifferences } from './difference.js';
import { isOurs, isOutputOnly, type Placement } from './environment-fields.js';
import { accountOf, bucketOf } from './naming.js';
import { folderOf, pathOf, placeDifferences, placementOf } from './placement.js';
import { finding, type Finding } from './finding.js';
import { roadOf, stopsOf } from './road.js';
import { lastErrorOf, stateOf } from './states.js';

export type Seen = Readonly<{ source: EnvironmentDescription; target: EnvironmentDescription | undefined; file: MigrationFile; targetAccount: string }>;

export const blockersOf = (seen: Seen): readonly Finding[] => [...versionBlockers(seen), ...stateBlockers(seen), ...reachBlockers(seen), ...placeBlockers(seen), ...overrideBlockers(seen)];

function versionBlockers({ source, target, file }: Seen): readonly Finding[] {
  const from = source.AirflowVersion, to = file.target.airflowVersion;
  const known = findVersion(to), road = roadOf(from, to);
  const creatable = MWAA_VERSIONS.filter((version) => version.creatable && !isAtLeast(version.version, '3') && compareVersions(version.version, from) >= 0).map(({ version }) => version);
  const choose = creatable.length > 0 ? `set target.airflow-version to one of ${creatable.join(', ')}` : `set target.airflow-version to ${from} or a newer version of MWAA`;
  if (!known) return [finding('version-unknown', `MWAA has no Airflow ${to}`, 'an environment of that version cannot be created', choose)];
  const found: Finding[] = [];
  if (isAtLeast(from, '3')) found.push(finding('source-airflow-3', `The source runs Airflow ${from}`, 'tasks of Airflow 3 have no database, so its history cannot be read from inside', 'take that environment to the newer version in place: MWAA keeps its history'));
  else if (road.upgrades.length > 0) found.push(finding('target-airflow-3', `Airflow ${to} is reached by ${road.landing} and a step in place, and phase upgrade is not part of this release`, 'the environment would stay on the version in between', `wait for a release with phase upgrade; or set target.airflow-version to ${road.landing} and, in target.configuration, what this plan adds for Airflow 3, and let MWAA take the environment to ${to} in place yourself after cutover, with the options under "Sent with the step"`));
  if (compareVersions(to, from) < 0) found.push(finding('version-backwards', `The target's Airflow ${to} is older than the source's ${from}`, 'the newer metadata has columns and values that the older version cannot hold', choose));
  if (!findVersion(road.landing)?.creatable && target === undefined) found.push(finding('version-not-creatable', `MWAA creates no more environments of Airflow ${road.landing}`, 'its support has ended', choose));
  if (target && !stopsOf(road).includes(target.AirflowVersion)) found.push(finding('target-other-version', `Environment ${target.Name} runs Airflow ${target.AirflowVersion}, not ${stopsOf(road).join(' or ')}`, 'it was made for something else', 'name another target.environment, or its version'));
  return found;
}

function stateBlockers({ source, target }: Seen): readonly Finding[] {
  const found: Finding[] = [];
  const state = stateOf(source.Status);
  if (state.verdict !== 'usable') found.push(finding('source-state', `Source ${source.Name} is ${source.Status}: ${state.meaning}`, withError('nothing can be exported from it now', source), state.verdict === 'broken' ? 'name an environment that runs in source.environment, or repair this one first' : state.fix));
  if (target && stateOf(target.Status).verdict === 'broken') {
    const broken = stateOf(target.Status);
    found.push(finding('target-state', `Target ${target.Name} is ${target.Status}: ${broken.meaning}`, withError('nothing can be imported into it', target), broken.fix));
  }
  return found;
}

function reachBlockers({ source, target, file }: Seen): readonly Finding[] {
  const isPrivate = (mode: unknown) => mode === 'PRIVATE_ONLY';
  const targetMode = target?.WebserverAccessMode ?? file.target.environmentOverrides.WebserverAccessMode ?? source.WebserverAccessMode;
  const blocked = (side: string, name: string) => finding(`${side}-private`, `The web server of ${side} ${name} is private`, 'it answers only inside its VPC, and the transport for that is not in this release', `run with a public web server during the migration, or wait for that release`);
  return [...(isPrivate(source.WebserverAccessMode) ? [blocked('source', source.Name)] : []), ...(isPrivate(targetMode) ? [blocked('target', file.target.environment)] : [])];
}

function placeBlockers({ source, target, file, targetAccount }: Seen): readonly Finding[] {
  const found: Finding[] = [];
  const account = accountOf(source.Arn);
  const isSameRegion = file.target.region === file.source.region, isSameAccount = targetAccount === account;
  const isOne = file.source.environment === file.target.environment && isSameRegion && isSameAccount;
  if (isOne)
    found.push(finding('same-environment', `Source and target are both ${source.Name}`, 'this action moves to a new environment', 'give target.environment another name'));
  const placement = placementOf(source, file);
  if (placement.bucket === bucketOf(source.SourceBucketArn)) {
    const from = folderOf(source.DagS3Path), to = folderOf(placement.dags);
    if (from === to || from.startsWith(`${to}/`) || to.startsWith(`${from}/`))
      found.push(finding('shared-dag-folder', `The target's DAG folder ${to} overlaps the source's ${from}`, 'a change for one environment would change the other', 'give target.prefix another value'));
    for (const kind of ['Plugins', 'Requirements', 'StartupScript'] as const)
      if (pathOf(source, kind) !== undefined && pathOf(source, kind) === placement[kind === 'Plugins' ? 'plugins' : kind === 'Requirements' ? 'requirements' : 'startupScript']?.path)
        found.push(finding('shared-object', `The target would write the source's own ${pathOf(source, kind)}`, 'the source could start with it', 'give target.prefix another value'));
  }
  if (target && !isOne) {
    const elsewhere = otherPlace(target, placement);
    if (elsewhere) found.push(elsewhere);
  }
  if (target === undefined && file.target.create === 'mwaa-migrate' && !(isSameRegion && isSameAccount)) {
    const where = isSameAccount ? `region ${file.target.region}` : `account ${targetAccount}`;
    const needed = ['NetworkConfiguration', ...(source.KmsKey ? ['KmsKey'] : [])].filter((name) => !(name in file.target.environmentOverrides));
    for (const name of needed) found.push(finding('place-needs-field', `${name} of the source cannot be used in ${where}`, 'subnets, security groups and keys belong to one account and region', `set target.environment-overrides.${name} to values of the target`));
    if (file.target.bucket === undefined) found.push(finding('place-needs-bucket', `The source's bucket cannot serve an environment in ${where}`, 'MWAA wants the bucket in the environment\'s own account and region', 'set target.bucket'));
  }
  if (file.resources.from === 'repository') found.push(finding('resources-from-repository', 'resources.from: repository is not in this release', 'only the source\'s bucket can be copied from', 'set resources.from to "source"'));
  return found;
}

/** Other differences can be lived with; DAGs in a place that the environment never reads cannot. */
export function otherPlace(target: EnvironmentDescription, wanted: Placement): Finding | undefined {
  const elsewhere = placeDifferences(target, wanted);
  if (elsewhere.length === 0) return undefined;
  return finding(
    'target-other-place', `Environment ${target.Name} reads its DAGs from another place than phase resources writes to:\n    ${describeDifferences(elsewhere)}`, 'its DAGs would be missing after the switch',
    'set target.bucket and target.prefix in the migration file to what the environment uses and run resources again, or name another target.environment',
  );
}

function overrideBlockers({ file }: Seen): readonly Finding[] {
  return Object.keys(file.target.environmentOverrides).filter((name) => isOurs(name) || isOutputOnly(name)).map((name) =>
    finding('override-not-allowed', `target.environment-overrides.${name} cannot be overridden`, isOurs(name) ? 'the migration itself sets that field' : 'CreateEnvironment does not take that field', 'remove it; the migration file has a key of its own for what can be chosen'));
}

/** All blockers as one refusal. */
export function describeBlockers(blockers: readonly Finding[]): Readonly<{ what: string; why: string; fix: string }> {
  const isOne = blockers.length === 1;
  return {
    what: `${isOne ? 'One thing blocks' : `${blockers.length} things block`} this migration:\n${blockers.map(({ what }) => `  - ${what}`).join('\n')}`,
    why: blockers.map(({ what, why }) => (isOne ? `${why}.` : `${what}: ${why}.`)).join(' '),
    // Several findings often have one remedy.
    fix: `${[...new Set(blockers.map(({ fix }) => fix))].join('; ')}.`,
  };
}

const withError = (why: string, description: EnvironmentDescription) => {
  const error = lastErrorOf(description);
  return error ? `${why}; MWAA says: ${error}` : why;
};
