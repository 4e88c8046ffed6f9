/** By which way Airflow of an environment is commanded. Pure; `plan` tells it, the gateway follows it. */
import { FIRST_WITH_REST_API, isAtLeast } from './versions.js';

/** `word`: as a person reads it. `because`: why this one. */
export type TransportKind = Readonly<{ kind: 'rest' | 'cli'; word: string; because: string }>;

export const transportOf = (airflowVersion: string): TransportKind =>
  isAtLeast(airflowVersion, FIRST_WITH_REST_API)
    ? { kind: 'rest', word: 'InvokeRestApi', because: `AWS reaches the REST API of Airflow ${FIRST_WITH_REST_API} and newer` }
    : { kind: 'cli', word: 'the CLI token', because: `AWS reaches no REST API of Airflow below ${FIRST_WITH_REST_API}` };
