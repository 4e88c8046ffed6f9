/** What uv has to be told to install an Airflow release as MWAA's image has it. Pure. */
import { constraintsFor, pinOf } from '../airflow/pins.js';
import { isAtLeast } from '../airflow/versions.js';
import pins from './bridge-pins.json' with { type: 'json' };

export type Recipe = Readonly<{ packages: readonly string[]; /** Text of a constraints file. */ constraints: string; /** The same, for what builds packages. */ buildConstraints: string | undefined }>;

/** The last release of 1.10, and the only one whose packages still go together; bridge-pins.json is what pip chose for it under Airflow's constraints. */
export const BRIDGE_VERSION = '1.10.15';

/** As in the images: https://github.com/aws/amazon-mwaa-docker-images */
const EXTRAS = 'amazon,celery,postgres,statsd';

export function recipeFor(version: string): Recipe {
  if (version === BRIDGE_VERSION) return { packages: [`apache-airflow[aws]==${version}`], constraints: `${(pins as readonly string[]).join('\n')}\n`, buildConstraints: undefined };
  return {
    packages: [`apache-airflow[${EXTRAS}]==${version}`, ...(pinOf('apache-airflow-providers-fab', version) === undefined ? [] : ['apache-airflow-providers-fab'])],
    constraints: constraintsFor(version),
    // Packages of those days ask setuptools for what it dropped with 58 (use_2to3); of 2.0.2 Flask-OpenID does.
    buildConstraints: isAtLeast(version, '2.4') ? undefined : 'setuptools<58\n',
  };
}
