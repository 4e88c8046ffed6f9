/** Which Airflow stands for the source when schedules are compared. Pure. */
import { compareVersions, findVersion, MWAA_VERSIONS } from '../airflow/versions.js';
import { BRIDGE_VERSION } from './airflow-recipe.js';

export type SourceRelease =
  /** `note`: said to the reader, where it is not the source's very own. */
  | Readonly<{ kind: 'install'; version: string; python: string; note: string | undefined }>
  /** There is one side only. */
  | Readonly<{ kind: 'same' }>
  /** `why`: undefined where the report says it already. */
  | Readonly<{ kind: 'none'; why: string | undefined }>;

/** @param named by the migration file @param constraint by the constraint line of the requirements: the source's, unless they are written for the target already */
export const versionOfSource = (named: string | undefined, constraint: string | undefined, target: string): string | undefined => named ?? (constraint === target ? undefined : constraint);

/** @param source as the migration file or the requirements say it */
export function releaseOfSource(source: string | undefined, target: string): SourceRelease {
  if (source === undefined) return { kind: 'none', why: undefined };
  if (source === target) return { kind: 'same' };
  // The installer cannot read what 1.10.12 says of itself ("0.0.45azure-mgmt-datalake-store"); schedules mean the same in all of 1.10.
  if (minorOf(source) === '1.10') return { kind: 'install', version: BRIDGE_VERSION, python: '3.7', note: source === BRIDGE_VERSION ? undefined : `For Airflow ${source} its last release ${BRIDGE_VERSION} was taken where schedules were compared: uv cannot install each release of 1.10.` };
  const known = findVersion(source);
  if (known !== undefined) return { kind: 'install', version: known.version, python: known.python, note: undefined };
  const near = MWAA_VERSIONS.filter(({ version }) => minorOf(version) === minorOf(source));
  const nearest = near.filter(({ version }) => compareVersions(version, source) <= 0).at(-1) ?? near[0];
  if (nearest === undefined) return { kind: 'none', why: `MWAA never had Airflow ${source} nor another release of ${minorOf(source)}, so what constraints and which Python it ran on is not known.` };
  if (nearest.version === target) return { kind: 'none', why: `the release nearest to ${source} that MWAA has is the target's own.` };
  return { kind: 'install', version: nearest.version, python: nearest.python, note: `For Airflow ${source}, which MWAA never had, ${nearest.version} was taken where schedules were compared: the same minor release, with other corrections.` };
}

const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');
