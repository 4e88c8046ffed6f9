/** The plan's type. Only decisions and basis are digested; what merely was seen never invalidates an approval (design §6). */
import type { NextRun } from '../airflow/outlook.js';
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { ClonedRole } from './clone-role.js';
import type { FieldChange } from './environment-fields.js';
import type { Statement } from './grants.js';
import type { ChangedVersion, RequirementFinding } from './requirements-check.js';
import type { ChangedDefault, OptionChange } from './target-options.js';

/** Raised when a reader of the old shape would misread the new one. Part of the digest: an approval is for one shape. */
export const PLAN_SCHEMA = 1;

/** Something a person has to know; a blocker must be repaired before anything is changed. `code` is stable (docs/reference/errors.md). */
export type Finding = Readonly<{ code: string; what: string; why: string; fix: string }>;

/** What will be created, copied, granted and moved, and by which rule. Holds no hidden value. */
export type Decisions = Readonly<{
  schema: typeof PLAN_SCHEMA;
  migration: Readonly<{ id: string; bucket: string; prefix: string; kmsKey: string | undefined }>;
  environment: Readonly<{ create: MigrationFile['target']['create']; region: string; account: string; fields: Readonly<Record<string, unknown>> }>;
  /** The versions that the target runs on, one after the other; `options` as they may be shown, `constraint`: the line that requirements.txt gets then. */
  road: Readonly<{ landing: string; upgrades: readonly Readonly<{ version: string; options: Readonly<Record<string, string>>; constraint: string | undefined }>[]; bridge: string | undefined }>;
  executionRole: Readonly<{ kind: 'given'; arn: string }> | (Readonly<{ kind: 'clone' }> & Pick<ClonedRole, 'name' | 'trustPolicy' | 'inlinePolicies' | 'attached' | 'boundary'>);
  resources: Readonly<{
    from: MigrationFile['resources']['from'];
    source: Readonly<{ bucket: string; dags: string }>;
    target: Readonly<{ bucket: string; dags: string; plugins: string | undefined; requirements: string | undefined; startupScript: string | undefined }>;
    /** Address in the constraint line that requirements.txt gets for the landing, where the source has such a file. */
    constraint: string | undefined;
  }>;
  grants: readonly Statement[];
  metadata: MigrationFile['metadata'] & Readonly<{ tables: readonly Readonly<{ name: string; key: readonly string[]; rules: Readonly<Record<string, string>> }>[] }>;
  drain: MigrationFile['drain'];
  cutover: MigrationFile['cutover'];
}>;

/** What the decisions rest on: when it changes, the approval was for something else. */
export type Basis = Readonly<{
  source: Readonly<{
    arn: string;
    airflowVersion: string;
    options: Readonly<Record<string, string>>;
    /** Object versions that the source runs on. */
    objects: Readonly<{ plugins: string | undefined; requirements: string | undefined; startupScript: string | undefined }>;
  }>;
}>;

/** What was seen and changes by itself. undefined: could not be had. */
export type Observations = Readonly<{
  sourceStatus: string;
  targetStatus: string | undefined;
  counts: Readonly<Record<'dags' | 'dagRuns' | 'taskInstances' | 'pools' | 'importErrors', number | undefined>>;
  activeDags: number | undefined;
  dagFiles: number | undefined;
  /** Every DAG with a file, by id. */
  dags: readonly ObservedDag[] | undefined;
}>;

/** One DAG as the REST API shows it; undefined in a field: could not be had. Dates are ISO 8601, null: nothing is scheduled. */
export type ObservedDag = NextRun & Readonly<{ dagId: string; isPaused: boolean; runsInFlight: number | undefined }>;

export type Plan = Readonly<{
  digest: string;
  decisions: Decisions;
  basis: Basis;
  observations: Observations;
  /** Field by field, what the target has that the source has not; for people. */
  changes: readonly FieldChange[];
  /** Every Airflow option that is set on either side, with what became of it on the way. */
  options: readonly OptionChange[];
  /** Lines of the source's requirements.txt that the constraints of a version on the road refuse; undefined: there is none, or it was not read. */
  requirements: readonly (RequirementFinding & Readonly<{ on: string }>)[] | undefined;
  /** What the image brings in another version. */
  versions: readonly ChangedVersion[];
  /** Options that nobody sets and whose default is another one on the target. */
  defaults: readonly ChangedDefault[];
  warnings: readonly Finding[];
  blockers: readonly Finding[];
}>;
