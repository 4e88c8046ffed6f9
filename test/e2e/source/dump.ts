import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder } from '../../../scripts/python.mjs';
import { buildOnce } from '../../sandbox/environments/build-once.js';
import type { EnvironmentSettings } from '../../sandbox/environments/contract.js';
import { createMachinery } from '../../sandbox/environments/machinery.js';
import { dagFiles, filesThatMakeHistory, pluginFiles, SOURCE_OPTIONS, type SourceFile } from './folder.js';
import { makeHistory, type HistoryFacts } from './history.js';

/** A finished history: plain SQL of the database, and the key that its Variables are encrypted with. */
export type HistoryDump = Readonly<{ file: string; fernetKey: string; facts: HistoryFacts }>;

/**
 * The history of one Airflow version, out of the cache, or made now (about two minutes) by a real scheduler in an environment of its own.
 * Two callers at once: one makes it, the other waits. What is cached stays right: every date in it is fixed, and nothing but
 * monthly_snapshot has an interval that becomes due as time goes by.
 * @throws Error when the history could not be made; the cache is as it was then
 */
export async function historyDump({ version, log }: Readonly<{ version: string; log: (line: string) => void }>): Promise<HistoryDump> {
  const folder = path.join(cacheFolder, `history-${version}-${contentKey()}`);
  await buildOnce(folder, () => build(folder, version, log));
  const { fernetKey, facts } = JSON.parse(readFileSync(path.join(folder, 'history.json'), 'utf8')) as Pick<HistoryDump, 'fernetKey' | 'facts'>;
  return { file: path.join(folder, 'history.sql'), fernetKey, facts };
}

function contentKey(): string {
  // monthly_snapshot has a further run due each month: a history of another month would not match what was counted in it.
  const hash = createHash('sha256').update(new Date().toISOString().slice(0, 7));
  for (const { path: name, body } of [...filesThatMakeHistory(), { path: 'options', body: Buffer.from(JSON.stringify(SOURCE_OPTIONS)) }]) hash.update(`${name} ${body.length}\n`).update(body);
  return hash.digest('hex').slice(0, 16);
}

async function build(folder: string, version: string, log: (line: string) => void): Promise<void> {
  const began = Date.now();
  log(`Making the history of the end-to-end tests on a real Airflow ${version} (once, about 2 minutes) …`);
  const workFolder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-history-'));
  const machinery = await createMachinery({ workFolder, endpointUrl: undefined, credentialsEnv: async () => ({}), log });
  try {
    const environment = await machinery.start(settingsOf(version));
    writeFiles(path.join(environment.airflowHome, 'dags'), dagFiles());
    writeFiles(path.join(environment.airflowHome, 'plugins'), pluginFiles());
    // Started once without and once with them: Airflow loads plugins only at the start of a process.
    await environment.applySettings(environment.settings);
    const facts = await makeHistory(environment, log);
    const { databaseUrl, fernetKey } = environment;
    await environment.stop({ keepDatabase: true });
    // The Variables in it are secrets of the tests only, but a reader of the cache should not find them by chance.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await machinery.postgres.dump(databaseUrl, path.join(folder, 'history.sql'));
    writeFileSync(path.join(folder, 'history.json'), JSON.stringify({ fernetKey, facts }, null, 2), { mode: 0o600 });
    log(`The history was made in ${((Date.now() - began) / 1000).toFixed(0)} s: ${facts.taskInstancesOfScheduler} task instances by the scheduler.`);
  } finally {
    await machinery.close();
    rmSync(workFolder, { recursive: true, force: true });
  }
}

/** No bucket and no role: without an AWS front nothing asks for them. */
const settingsOf = (version: string): EnvironmentSettings => ({
  name: 'history', account: '111122223333', region: 'eu-west-1', airflowVersion: version, bucket: '', dagPath: 'dags', executionRoleArn: '',
  options: SOURCE_OPTIONS, logging: {}, syncSeconds: 60,
});

function writeFiles(folder: string, files: readonly SourceFile[]): void {
  for (const { path: name, body } of files) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), body);
  }
}
