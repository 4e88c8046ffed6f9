/** The plan's type. Only decisions and basis are digested; what merely was seen never invalidates an approval (design §6). */
import type { MigrationFile } from '../migration-file/migration-file.js';
import type { ClonedRole } from './clone-role.js';
import type { Difference } from './difference.js';
import type { FieldChange } from './environment-fields.js';
import type { Estimates } from './estimates.js';
import type { Finding } from './finding.js';
import type { Statement } from './grants.js';
import type { Movement } from './movement.js';
import type { Observations } from './observations.js';
import type { ChangedVersion, RequirementFinding } from './requirements-check.js';
import type { Leg } from './road.js';
import type { SecretsBackend } from './secrets-backend.js';
import type { ChangedDefault, OptionChange } from './target-options.js';

export type { Finding } from './finding.js';

/** Raised when a reader of the old shape would misread the new one. Part of the digest: an approval is for one shape. */
export const PLAN_SCHEMA = 1;

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

export type Plan = Readonly<{
  digest: string;
  decisions: Decisions;
  basis: Basis;
  observations: Observations;
  /** Field by field, what the target has that the source has not; for people. */
  changes: readonly FieldChange[];
  /** Where a target that exists is not what would be created: `before` is planned, `after` is there; undefined: there is none. No part of the digest. */
  existing: readonly Difference[] | undefined;
  secretsBackend: SecretsBackend;
  /** Every Airflow option that is set on either side, with what became of it on the way. */
  options: readonly OptionChange[];
  /** Lines of the source's requirements.txt that the constraints of a version on the road refuse; undefined: there is none, or it was not read. */
  requirements: readonly (RequirementFinding & Readonly<{ on: string }>)[] | undefined;
  /** What the image brings in another version. */
  versions: readonly ChangedVersion[];
  /** Options that nobody sets and whose default is another one on the target. */
  defaults: readonly ChangedDefault[];
  /** The phases in their order, with what each does about versions. */
  legs: readonly Leg[];
  /** What moves of the metadata, and what does not. */
  movement: readonly Movement[];
  estimates: Estimates;
  warnings: readonly Finding[];
  blockers: readonly Finding[];
}>;
