import { TABLES, type Table } from '../metadata/catalogue.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { BoundaryDescription, EnvironmentDescription, KeyDescription, RoleDescription } from '../ports.js';
import { visibleOptions } from '../airflow/visible-options.js';
import { constraintsUrl } from '../airflow/constraints.js';
import { blockersOf } from './blockers.js';
import { digestOf } from './canonical.js';
import { cloneRole, type ClonedRole } from './clone-role.js';
import { createFields, environmentDifference, shownFields } from './environment-fields.js';
import { limitFindings } from './environment-limits.js';
import { estimate } from './estimates.js';
import { finding, type Finding } from './finding.js';
import { bucketStatements } from './grants.js';
import { accountOf, bucketOf, clonedRoleName, migrationBucketName, migrationPrefix, partitionOf } from './naming.js';
import { placementOf, versionOf } from './placement.js';
import { movementOf } from './movement.js';
import type { Seen } from './observations.js';
import { PLAN_SCHEMA, type Basis, type Decisions, type Plan } from './plan.js';
import { changedVersions, checkRequirements } from './requirements-check.js';
import { resourceBlockers, resourceWarnings } from './resource-findings.js';
import { legsOf, roadOf, stopsOf } from './road.js';
import { secretsBackendOf } from './secrets-backend.js';
import { targetDifferences } from './target-differences.js';
import { changedDefaults, planTargetOptions, sentOptions, shownChanges } from './target-options.js';
import { warningsOf } from './warnings.js';

/** Everything the plan is computed from. */
export type PlanInput = Readonly<{
  file: MigrationFile;
  source: EnvironmentDescription;
  /** undefined: not created yet. */
  target: EnvironmentDescription | undefined;
  targetAccount: string;
  /** The source's execution role, where the target's is cloned from it. */
  sourceRole: RoleDescription | undefined;
  /** The permissions boundary that the clone would get; undefined: none is going to be made, or its role could not be had. */
  boundary?: BoundaryDescription | undefined;
  /** DAGs of the user on the source that are called as ours are. */
  namesakes?: readonly string[];
  /** The migration bucket's key, where the file names one. */
  key: KeyDescription | undefined;
  observations: Seen;
  /** Text of the source's requirements.txt; undefined: none, or not read. */
  requirements?: string | undefined;
  catalogue?: readonly Table[];
}>;

/** Pure: the same input gives the same digest; observations never change it. */
export function buildPlan(input: PlanInput): Plan {
  const { file, source, target, targetAccount } = input;
  const role = clonedRole(input);
  const executionRole: Decisions['executionRole'] = role
    ? { kind: 'clone', name: role.name, trustPolicy: role.trustPolicy, inlinePolicies: role.inlinePolicies, attached: role.attached, boundary: role.boundary }
    : { kind: 'given', arn: executionRoleArn(input) };
  const fields = createFields(source, file, placementOf(source, file), executionRoleArn(input));
  const decisions = decide(input, executionRole, fields);
  const basis: Basis = {
    source: {
      arn: source.Arn, airflowVersion: source.AirflowVersion, options: visibleOptions(source.AirflowConfigurationOptions ?? {}),
      objects: { plugins: versionOf(source, 'Plugins'), requirements: versionOf(source, 'Requirements'), startupScript: versionOf(source, 'StartupScript') },
    },
  };
  const seen = { source, target, file, targetAccount }, options = planTargetOptions(source, file);
  const road = roadOf(source.AirflowVersion, file.target.airflowVersion), limits = limitFindings(fields, source);
  return {
    digest: digestOf({ decisions, basis }),
    decisions, basis,
    observations: { ...input.observations, sourceStatus: source.Status, targetStatus: target?.Status },
    changes: environmentDifference(source, fields),
    existing: target && targetDifferences(fields, target, file.target).filter(({ path }) => path !== 'AirflowVersion' || !stopsOf(road).includes(target.AirflowVersion)),
    secretsBackend: secretsBackendOf(source.AirflowConfigurationOptions),
    requirements: requirementFindings(input),
    versions: changedVersions(source.AirflowVersion, file.target.airflowVersion, input.requirements),
    options: shownChanges(options, source.AirflowConfigurationOptions ?? {}),
    defaults: changedDefaults(source, file.target.airflowVersion, options),
    legs: legsOf(road, source.AirflowVersion),
    movement: movementOf(input.catalogue ?? TABLES, file.metadata, source.AirflowVersion),
    estimates: estimate(input.observations.counts, file, road),
    warnings: [...warningsOf(seen, role), ...limits.warnings, ...resourceWarnings(input.observations, input.requirements, source.AirflowVersion, road)],
    blockers: [
      ...blockersOf(seen), ...keyBlockers(input), ...roleBlockers(input), ...namesakeBlockers(input),
      // What infrastructure code makes is its own affair; phase create compares.
      ...(target || file.target.create === 'external' ? [] : limits.blockers), ...resourceBlockers(input.observations, 'KmsKey' in file.target.environmentOverrides),
    ],
  };
}

/** Stands in the decisions for the role of an environment that infrastructure code creates; the grants name the real one. */
const CHOSEN_OUTSIDE = '(execution role of the environment that is created outside)';
const isExternal = (file: MigrationFile) => file.target.create === 'external' && file.target.executionRole === 'clone';

/** The role as it is or will be: its ARN is known before it exists, because we choose its name. */
export function executionRoleArn({ file, source, targetAccount }: Pick<PlanInput, 'file' | 'source' | 'targetAccount'>): string {
  if (isExternal(file)) return CHOSEN_OUTSIDE;
  return file.target.executionRole === 'clone' ? `arn:${partitionOf(source.Arn)}:iam::${targetAccount}:role/${clonedRoleName(file.target.environment)}` : file.target.executionRole;
}

export function clonedRole({ file, source, targetAccount, sourceRole }: Pick<PlanInput, 'file' | 'source' | 'targetAccount' | 'sourceRole'>): ClonedRole | undefined {
  if (file.target.executionRole !== 'clone' || isExternal(file) || !sourceRole) return undefined;
  const placement = placementOf(source, file);
  return cloneRole(sourceRole, {
    partition: placement.partition,
    source: { environment: source.Name, region: file.source.region, account: accountOf(source.Arn), bucket: bucketOf(source.SourceBucketArn), dags: source.DagS3Path },
    target: { environment: file.target.environment, region: file.target.region, account: targetAccount, bucket: placement.bucket, dags: placement.dags },
    roleName: clonedRoleName(file.target.environment),
  });
}

/** One file has to be installed on every version of the road. */
function requirementFindings({ requirements, source, file }: PlanInput): Plan['requirements'] {
  return requirements === undefined ? undefined : stopsOf(roadOf(source.AirflowVersion, file.target.airflowVersion)).flatMap((on) => checkRequirements(requirements, source.AirflowVersion, on).map((found) => ({ ...found, on })));
}

/** The road with what each step in place will send. */
function plannedRoad({ source, file }: PlanInput, hasRequirements: boolean): Decisions['road'] {
  const { landing, upgrades, bridge } = roadOf(source.AirflowVersion, file.target.airflowVersion);
  const options = visibleOptions(sentOptions(planTargetOptions(source, file)));
  return { landing, upgrades: upgrades.map((version) => ({ version, options, constraint: hasRequirements ? constraintsUrl(version) : undefined })), bridge };
}

function decide(input: PlanInput, executionRole: Decisions['executionRole'], fields: Readonly<Record<string, unknown>>): Decisions {
  const { file, source, targetAccount } = input;
  const placement = placementOf(source, file);
  const bucket = migrationBucketName(file, accountOf(source.Arn));
  const prefix = migrationPrefix(file, source.AirflowVersion, file.target.airflowVersion);
  return {
    schema: PLAN_SCHEMA,
    migration: { id: file.id, bucket, prefix, kmsKey: file.bucket.kmsKey },
    environment: { create: file.target.create, region: file.target.region, account: targetAccount, fields: shownFields(fields) },
    road: plannedRoad(input, placement.requirements !== undefined),
    executionRole,
    resources: {
      from: file.resources.from,
      source: { bucket: bucketOf(source.SourceBucketArn), dags: source.DagS3Path },
      target: { bucket: placement.bucket, dags: placement.dags, plugins: placement.plugins?.path, requirements: placement.requirements?.path, startupScript: placement.startupScript?.path },
      constraint: placement.requirements && constraintsUrl(roadOf(source.AirflowVersion, file.target.airflowVersion).landing),
    },
    grants: bucketStatements({
      migrationId: file.id, partition: placement.partition, bucket, prefix,
      sourceExecutionRole: source.ExecutionRoleArn, targetExecutionRole: executionRoleArn(input),
    }),
    metadata: { ...file.metadata, tables: (input.catalogue ?? TABLES).map(({ name, key, rules }) => ({ name, key, rules })) },
    drain: file.drain,
    cutover: file.cutover,
  };
}

function keyBlockers({ file, key }: PlanInput): readonly Finding[] {
  const arn = file.bucket.kmsKey;
  if (arn === undefined) return [];
  if (!key) return [finding('key-missing', `There is no key ${arn} in ${file.source.region}`, 'the migration bucket and the secrets on their way are encrypted with it', 'correct bucket.kms-key: a symmetric key of the source\'s region')];
  return key.isEnabled && key.isSymmetric ? [] : [finding('key-unusable', `Key ${arn} is ${key.isEnabled ? 'not symmetric' : 'not enabled'}`, 'S3 and the envelope need an enabled symmetric key', 'enable it, or name another one in bucket.kms-key')];
}

function roleBlockers({ file, source, sourceRole, boundary }: PlanInput): readonly Finding[] {
  if (file.target.executionRole !== 'clone' || isExternal(file)) return [];
  if (!sourceRole) return [finding('role-missing', `The source's execution role ${source.ExecutionRoleArn} does not exist`, 'there is nothing to clone from', 'set target.execution-role to the ARN of a role that exists')];
  if (!boundary || boundary.exists) return [];
  return [finding('boundary-missing', `The permissions boundary ${boundary.arn} does not exist`, 'a cloned role without a boundary could be widened by whoever may change it', 'deploy docs/iam/roles.yaml in this account, which makes the policy, or name an existing role under "target.execution-role"')];
}

export function namesakeBlockers({ source, namesakes = [] }: Pick<PlanInput, 'source' | 'namesakes'>): readonly Finding[] {
  return namesakes.map((dagId) => finding(
    'dag-called-as-ours', `DAG ${dagId} of ${source.Name} has a name that this action uses for a DAG of its own`, 'it would be taken for ours: its history left out of the export, and deleted on the source when the phase ends',
    'give that DAG another id in its file, then delete the old id in Airflow\'s UI (history stays under the old id and goes with it)',
  ));
}
