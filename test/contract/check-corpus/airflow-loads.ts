/** What real Airflow makes of a repository, seen with nothing of the product: the witness of the corpora. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';
import { runOrFail } from '../../sandbox/environments/command.js';

const SCRIPT = fileURLToPath(new URL('load.py', import.meta.url));

export type Loaded = Readonly<{
  /** Text of the import error by file, from the DAG folder. */
  errors: Readonly<Record<string, string>>;
  dags: Readonly<Record<string, Readonly<{ file: string; tasks: readonly string[] }>>>;
  /** Names that templates know. */
  names: readonly string[];
  warnings: readonly string[];
}>;

/** Loads the DAG folder of a repository with that release; plugins are importable, as on MWAA. About 4 s. */
export async function loadWithAirflow(version: string, repository: string): Promise<Loaded> {
  const { python } = await ensureAirflow(version, () => undefined);
  const home = mkdtempSync(path.join(os.tmpdir(), 'corpus-airflow-'));
  const plugins = path.join(repository, 'plugins');
  const env = {
    PATH: process.env['PATH'] ?? '', HOME: home, AIRFLOW_HOME: home, LANG: 'C.UTF-8', PYTHONPATH: plugins, PYTHONDONTWRITEBYTECODE: '1',
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__CORE__PLUGINS_FOLDER: plugins, AIRFLOW__CORE__DAGS_FOLDER: path.join(repository, 'dags'),
  };
  try {
    const said = await runOrFail(python, [SCRIPT, path.join(repository, 'dags')], { env, folder: home, timeoutSeconds: 180 });
    return JSON.parse(said.slice(said.lastIndexOf('\nLOADED ') + '\nLOADED '.length)) as Loaded;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
