/**
 * Sets variables, connections and pools of the spec inside a running environment. From 2.0 on by its own REST API, which writes through Airflow's ORM;
 * in 1.10 by `airflow variables -i` from a file. Values never stand in a process's arguments.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunningEnvironment } from '../environments/contract.js';
import { connectionFromUri } from './connection-uri.js';
import type { EnvironmentSpec } from './spec.js';

type Seeds = Pick<EnvironmentSpec, 'variables' | 'connections' | 'pools'>;

/** Values that a database from a dump already has are replaced. @throws Error that names the key, never the value */
export async function seedAirflow(airflow: RunningEnvironment, { variables, connections, pools }: Seeds): Promise<void> {
  if (airflow.settings.airflowVersion.startsWith('1.')) return seedByFiles(airflow, { variables, pools });
  for (const [key, value] of Object.entries(variables)) await put(airflow, 'variables', key, { key, value });
  for (const [id, uri] of Object.entries(connections)) await put(airflow, 'connections', id, { connection_id: id, ...connectionFromUri(uri) });
  for (const [name, slots] of Object.entries(pools)) await put(airflow, 'pools', name, { name, slots });
}

async function put(airflow: RunningEnvironment, collection: 'variables' | 'connections' | 'pools', key: string, body: Readonly<Record<string, unknown>>): Promise<void> {
  const send = (method: string, path: string) => airflow.rest('Admin', { method, path, query: new URLSearchParams(), body: JSON.stringify(body) });
  const made = await send('POST', `/${collection}`);
  const answer = made.status === 409 ? await send('PATCH', `/${collection}/${encodeURIComponent(key)}`) : made;
  // The body of a refusal may repeat the value, so only the status is told.
  if (answer.status >= 300) throw new Error(`${airflow.settings.name}: Airflow did not take ${collection} "${key}" of the spec (status ${answer.status}).`);
}

async function seedByFiles(airflow: RunningEnvironment, { variables, pools }: Pick<Seeds, 'variables' | 'pools'>): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-seed-'));
  try {
    const load = async (command: string, content: Readonly<Record<string, unknown>>) => {
      if (Object.keys(content).length === 0) return;
      const file = path.join(folder, `${command}.json`);
      writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
      const { code } = await airflow.cli([command, '-i', file]);
      if (code !== 0) throw new Error(`${airflow.settings.name}: "airflow ${command} -i" ended with code ${code}.`);
    };
    await load('variables', variables);
    await load('pool', Object.fromEntries(Object.entries(pools).map(([name, slots]) => [name, { slots, description: '' }])));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
