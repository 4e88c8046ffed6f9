import { findVersion } from './versions.js';

/**
 * Address of Airflow's constraints file for MWAA's image of that version.
 * undefined: MWAA never sold the version, so its Python is not known.
 */
export function constraintsUrl(airflowVersion: string): string | undefined {
  const known = findVersion(airflowVersion);
  return known && `https://raw.githubusercontent.com/apache/airflow/constraints-${known.version}/constraints-${known.python}.txt`;
}
