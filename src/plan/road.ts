/**
 * Over which versions an environment reaches the one that is wanted. Airflow 3 cannot be written into: its tasks have no database. So the
 * metadata is imported on the newest 2.11 and MWAA takes the environment to 3.x in place, which it allows from there alone
 * (https://docs.aws.amazon.com/mwaa/latest/userguide/upgrading-environment.html).
 */
import { transportOf } from '../airflow/transport-of.js';
import { UserError } from '../errors.js';
import type { Phase } from '../inputs.js';
import { compareVersions, isAtLeast, MWAA_VERSIONS } from '../airflow/versions.js';

export type Road = Readonly<{
  /** Airflow version that the target is created on, and that the metadata is imported into. */
  landing: string;
  /** Versions that it is taken to in place after that, in this order; empty: the landing is the end. */
  upgrades: readonly string[];
  /** Airflow on which phase check looks at the DAGs before the landing: the release that knows both worlds. */
  bridge: string | undefined;
}>;

/** The last 1.10: it has Airflow's own upgrade check, and the imports of both. */
export const BRIDGE = '1.10.15';

/** @param from Airflow of the source; @param to as the migration file wants it */
export function roadOf(from: string, to: string): Road {
  const isDirect = !isAtLeast(to, '3') || isAtLeast(from, '3');
  return { landing: isDirect ? to : LAST_BEFORE_3, upgrades: isDirect ? [] : [to], bridge: isAtLeast(from, '2') ? undefined : BRIDGE };
}

/** Every version that the target will run on, the first one first. */
export const stopsOf = ({ landing, upgrades }: Road): readonly string[] => [landing, ...upgrades];

const LAST_BEFORE_3 = MWAA_VERSIONS.filter(({ version, creatable }) => creatable && !isAtLeast(version, '3')).map(({ version }) => version).sort(compareVersions).at(-1) ?? '2.11.2';

/** One thing that is done on the way, by which phase. */
export type Leg = Readonly<{ phase: Phase; what: string }>;

/** The phases in their order, with what each has to do with versions. */
export function legsOf(road: Road, from: string): readonly Leg[] {
  const last = stopsOf(road).at(-1) ?? road.landing;
  const { word, because } = transportOf(from);
  return [
    { phase: 'check', what: `the DAGs are loaded on Airflow ${last}${road.bridge === undefined ? '' : `, and before that on the bridge ${road.bridge} with Airflow's own upgrade check`}` },
    { phase: 'resources', what: `DAGs, plugins and requirements are copied, with the constraints of ${road.landing}` },
    { phase: 'create', what: `the environment is created on Airflow ${road.landing}` },
    { phase: 'export', what: `the metadata of Airflow ${from} is exported; its commands go by ${word}, for ${because}` },
    { phase: 'import', what: `it is imported into Airflow ${road.landing}` },
    { phase: 'verify', what: 'both sides are compared' },
    ...road.upgrades.flatMap((version): readonly Leg[] => [
      { phase: 'upgrade', what: `MWAA takes the environment to Airflow ${version} in place, with the constraints and options of that version; it is out of service meanwhile, up to 2 hours` },
      { phase: 'verify', what: 'the history is counted again' },
    ]),
    { phase: 'cutover', what: `what was active on the source goes on at Airflow ${last}` },
  ];
}

/** They change nothing, so they may look at a road that this release cannot go. */
const LOOKING: readonly Phase[] = ['check', 'plan', 'status'];

/**
 * Before anything is called: a phase that changes something must not begin what no phase of this release can end.
 * @throws {UserError} for a target of Airflow 3
 */
export function requireRoad(phase: Phase, airflowVersion: string): void {
  if (!isAtLeast(airflowVersion, '3') || LOOKING.includes(phase)) return;
  throw new UserError(
    `Phase ${phase} does not go to Airflow ${airflowVersion}: the way there (by ${LAST_BEFORE_3} and a step in place) is not part of this release.`,
    'half of the way would leave an environment on a version that nobody asked for, so nothing was called.',
    `set target.airflow-version to a version up to ${LAST_BEFORE_3}, or wait for a release with phase upgrade; phases check and plan show the whole road already.`,
  );
}
