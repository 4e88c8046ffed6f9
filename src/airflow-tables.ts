/**
 * The tables of Airflow's releases, which lie beside the bundle: the bundler copies what is named in this way, so each address stands as a
 * literal. In the bundle they took it above 3 MB and were parsed as code at every start. They are constants of the release, read once.
 */
import { readFileSync } from 'node:fs';

/** src/airflow/pins.ts says what is in it. */
export const CONSTRAINTS_TABLE: unknown = JSON.parse(readFileSync(new URL('./airflow/constraints.json', import.meta.url), 'utf8'));
/** src/airflow/option-facts.ts says what is in it. */
export const OPTIONS_TABLE: unknown = JSON.parse(readFileSync(new URL('./airflow/options.json', import.meta.url), 'utf8'));
