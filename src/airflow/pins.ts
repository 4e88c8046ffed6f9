/** Versions that Airflow's constraint files pin, which MWAA's images follow. Made by scripts/constraints-data. */
import { CONSTRAINTS_TABLE } from '../airflow-tables.js';
import { compareVersions } from './versions.js';

type Pins = Readonly<Record<string, readonly (readonly [airflow: string, pin: string | null])[]>>;
const PINS = CONSTRAINTS_TABLE as Pins;

/** A package's name as PyPI compares it (PEP 503). */
export const packageName = (name: string): string => name.toLowerCase().replace(/[-_.]+/gu, '-');

/** undefined: the constraints of that Airflow do not name the package. */
export const pinOf = (name: string, airflowVersion: string): string | undefined =>
  PINS[packageName(name)]?.filter(([since]) => compareVersions(since, airflowVersion) <= 0).at(-1)?.[1] ?? undefined;

/** A constraints file with what those of that Airflow pin, for pip and uv. */
export const constraintsFor = (airflowVersion: string): string =>
  Object.keys(PINS).flatMap((name) => {
    const pin = pinOf(name, airflowVersion);
    return pin === undefined ? [] : [`${name}==${pin}\n`];
  }).join('');
