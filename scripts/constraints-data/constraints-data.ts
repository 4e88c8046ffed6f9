/** Makes src/airflow/constraints.json from Airflow's constraint files of every version that MWAA has sold: `npm run constraints-data`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MWAA_VERSIONS } from '../../src/airflow/versions.js';
import { pinsByPackage } from './pins.js';

const folder = (name: string) => fileURLToPath(new URL(`../../test/sandbox/airflow-constraints/${name}`, import.meta.url));
const files = Object.fromEntries(MWAA_VERSIONS.map(({ version, python }) => [version, readFileSync(folder(`${version}-py${python}.txt`), 'utf8')]));
// One package a line: a change of a version is then a change of its line.
const lines = Object.entries(pinsByPackage(files)).map(([name, changes]) => ` ${JSON.stringify(name)}: ${JSON.stringify(changes)}`);
writeFileSync(fileURLToPath(new URL('../../src/airflow/constraints.json', import.meta.url)), `{\n${lines.join(',\n')}\n}\n`);
