/** Airflow versions as MWAA sells them. Source: https://docs.aws.amazon.com/mwaa/latest/userguide/airflow-versions.html (autumn 2026). */

export type MwaaVersion = Readonly<{
  version: string;
  /** Python of MWAA's image, as the constraints file names it. */
  python: string;
  /** False after the end of support: environments go on running, but none can be created or moved there. */
  creatable: boolean;
}>;

/** In ascending order. There is no 3.1 on MWAA. */
export const MWAA_VERSIONS: readonly MwaaVersion[] = [
  { version: '1.10.12', python: '3.7', creatable: false },
  { version: '2.0.2', python: '3.7', creatable: false },
  { version: '2.2.2', python: '3.7', creatable: false },
  { version: '2.4.3', python: '3.10', creatable: false },
  { version: '2.5.1', python: '3.10', creatable: false },
  { version: '2.6.3', python: '3.10', creatable: false },
  { version: '2.7.2', python: '3.11', creatable: true },
  { version: '2.8.1', python: '3.11', creatable: true },
  { version: '2.9.2', python: '3.11', creatable: true },
  { version: '2.10.1', python: '3.11', creatable: true },
  { version: '2.10.3', python: '3.11', creatable: true },
  { version: '2.11.0', python: '3.12', creatable: true },
  { version: '2.11.2', python: '3.12', creatable: true },
  { version: '3.0.6', python: '3.12', creatable: true },
  { version: '3.2.1', python: '3.12', creatable: true },
  { version: '3.3.1', python: '3.12', creatable: true },
];

/** The first version whose REST API InvokeRestApi reaches: https://docs.aws.amazon.com/mwaa/latest/userguide/access-mwaa-apache-airflow-rest-api.html */
export const FIRST_WITH_REST_API = '2.4.3';

/** undefined: MWAA never sold it. */
export const findVersion = (version: string): MwaaVersion | undefined => MWAA_VERSIONS.find((known) => known.version === version);

/**
 * Negative when `a` is older than `b`, 0 when equal. Compares number by number: "2.10.3" is newer than "2.9.2".
 * Reads the texts in place: a plan compares a hundred thousand times.
 */
export function compareVersions(a: string, b: string): number {
  for (let atA = 0, atB = 0; atA < a.length || atB < b.length; atA++, atB++) {
    let left = 0, right = 0;
    for (; atA < a.length && a.charCodeAt(atA) !== DOT; atA++) left = left * 10 + a.charCodeAt(atA) - ZERO;
    for (; atB < b.length && b.charCodeAt(atB) !== DOT; atB++) right = right * 10 + b.charCodeAt(atB) - ZERO;
    if (left !== right) return left - right;
  }
  return 0;
}

const DOT = 46, ZERO = 48;

export const isAtLeast = (version: string, floor: string): boolean => compareVersions(version, floor) >= 0;
