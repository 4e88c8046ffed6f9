import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { query } from '../oracle/query.js';
import { HOSTILE, HOSTILE_SHORT } from './hostile.js';
import type { Canary } from './settings.js';

const here = path.dirname(fileURLToPath(import.meta.url));

/** DAG id of the run that no DAG file has any more: the REST API does not show it. */
export const PLANTED_DAG_ID = HOSTILE;

/** DAG of the rows that plantRows makes; no DAG file has it. */
export const BULK_DAG_ID = 'planted_bulk';

/**
 * Writes the rows of plant.sql.
 * @param secret value of the Variables, and password of the connection, that stand unencrypted in their tables
 */
export async function plantHostileRows(databaseUrl: string, secret: Canary): Promise<void> {
  await query(databaseUrl, readFileSync(path.join(here, 'plant.sql'), 'utf8'), { hostile: HOSTILE, short: HOSTILE_SHORT, plain: secret.value });
}

/**
 * Adds finished runs with 100 task instances each, one XCom, one set of rendered fields and one audit log row per task instance.
 * Made by SQL, not by a scheduler: for tests and benches that need a table large enough to be interrupted in its middle.
 * 100,000 task instances take a few seconds. To be called once per database.
 */
export async function plantRows(databaseUrl: string, size: Readonly<{ taskInstances: number }>): Promise<void> {
  const runs = Math.ceil(size.taskInstances / 100);
  await query(databaseUrl, readFileSync(path.join(here, 'plant-rows.sql'), 'utf8'), { dag: BULK_DAG_ID, runs, rows: size.taskInstances });
}
