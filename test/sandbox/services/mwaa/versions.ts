/**
 * Airflow versions of Amazon MWAA and moves between them.
 * Sources: "Apache Airflow versions on Amazon MWAA" and "Upgrading the Apache Airflow version" of the user guide (state: autumn 2026).
 */

/** All that were ever sold, oldest first. `until`: end of support; such a version runs on but is neither created nor moved to. */
const SOLD: readonly Readonly<{ version: string; until?: string }>[] = [
  { version: '1.10.12', until: '2024-02-21' },
  { version: '2.0.2', until: '2024-04-29' },
  { version: '2.2.2', until: '2024-06-27' },
  { version: '2.4.3', until: '2025-12-30' },
  { version: '2.5.1', until: '2025-12-30' },
  { version: '2.6.3', until: '2025-12-30' },
  { version: '2.7.2' },
  { version: '2.8.1' },
  { version: '2.9.2' },
  { version: '2.10.1' },
  { version: '2.10.3' },
  { version: '2.11.0' },
  { version: '2.11.2' },
  { version: '3.0.6' },
  { version: '3.2.1' },
  { version: '3.3.1' },
];

export const soldVersions = SOLD.map(({ version }) => version);
export const creatableVersions = SOLD.filter(({ until }) => until === undefined).map(({ version }) => version);
/** CreateEnvironment without AirflowVersion takes the newest. */
export const latestVersion = creatableVersions.at(-1) ?? '';
/** The only gate from 2.x to 3.x. */
const newest2 = creatableVersions.filter((version) => version.startsWith('2.')).at(-1) ?? '';

/** Number below, at or above 0 like a comparator. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** undefined: UpdateEnvironment may go there; else why not. */
export function refusedMove(from: string, to: string): string | undefined {
  if (!creatableVersions.includes(to)) return `Apache Airflow version ${to} is not supported. Supported versions: ${creatableVersions.join(', ')}`;
  const [fromMajor, toMajor] = [from.split('.')[0], to.split('.')[0]];
  if (fromMajor === '2' && toMajor === '3' && from !== newest2) return `An environment with version ${from} cannot be upgraded to ${to}: upgrade to ${newest2} first`;
  if (fromMajor === '3' && toMajor === '2' && !to.startsWith('2.11.')) return `An environment with version ${from} can only be downgraded to 2.11.x`;
  if (fromMajor === '1') return `An environment with version ${from} cannot be upgraded in place`;
  return undefined;
}
