/** How each Airflow release that MWAA has sold is installed and spoken to. */
export type Release = Readonly<{
  version: string;
  python: '3.7' | '3.10' | '3.11' | '3.12';
  requirements: readonly string[];
  /** pip-legacy: these releases' dependencies build only with pip < 22 and setuptools < 58; uv takes newer ones (measured). */
  installer: 'uv' | 'pip-legacy';
  /** Packages whose constraint lines contradict each other upstream. */
  unconstrained: readonly string[];
}>;

const PYTHON_OF: Readonly<Record<string, Release['python']>> = {
  '1.10.12': '3.7', '1.10.15': '3.7', '2.0.2': '3.7', '2.2.2': '3.7', '2.4.3': '3.10', '2.5.1': '3.10', '2.6.3': '3.10',
  '2.7.2': '3.11', '2.8.1': '3.11', '2.9.2': '3.11', '2.10.1': '3.11', '2.10.3': '3.11', '2.11.0': '3.12', '2.11.2': '3.12',
  '3.0.6': '3.12', '3.2.1': '3.12', '3.3.1': '3.12',
};

export const RELEASES: readonly string[] = Object.keys(PYTHON_OF);

/** @throws Error for a version that MWAA never had */
export function releaseOf(version: string): Release {
  const python = PYTHON_OF[version];
  if (python === undefined) throw new Error(`Airflow ${version} is no version of Amazon MWAA that the sandbox can install. Known: ${RELEASES.join(', ')}.`);
  const common = { version, python, installer: 'uv', unconstrained: [] } as const;
  if (version === '1.10.12')
    return { ...common, installer: 'pip-legacy', requirements: [`apache-airflow[postgres,crypto]==${version}`, 'boto3==1.17.80'], unconstrained: ['boto3', 'botocore', 's3transfer'] };
  if (version === '1.10.15') return { ...common, requirements: [`apache-airflow[postgres,aws,crypto]==${version}`] };
  if (version === '2.0.2') return { ...common, installer: 'pip-legacy', requirements: [`apache-airflow[postgres,amazon]==${version}`] };
  if (isAtLeast(version, '3.0')) return { ...common, requirements: [`apache-airflow[postgres,amazon]==${version}`, 'apache-airflow-providers-fab'] };
  // Their gunicorn imports pkg_resources, which setuptools dropped with 82.
  if (python === '3.10') return { ...common, requirements: [`apache-airflow[postgres,amazon]==${version}`, 'setuptools<81'] };
  return { ...common, requirements: [`apache-airflow[postgres,amazon]==${version}`] };
}

/** Compares dotted numbers: '2.10.3' is at least '2.7'. */
export function isAtLeast(version: string, floor: string): boolean {
  const have = version.split('.').map(Number), want = floor.split('.').map(Number);
  for (let at = 0; at < want.length; at++) {
    const difference = (have[at] ?? 0) - (want[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
