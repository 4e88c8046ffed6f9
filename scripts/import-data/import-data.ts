/** Makes src/check/python/import_moves.json from the installed Airflow releases of every version MWAA has sold: `npm run import-data`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MWAA_VERSIONS } from '../../src/airflow/versions.js';
import { ensureAirflow, installerEnvironment } from '../../test/sandbox/environments/airflow-installation.js';
import { runOrFail } from '../../test/sandbox/environments/command.js';
import { ensureTools } from '../python.mjs';

const at = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const log = (line: string) => console.error(line);
/** The last release; its table of renamed classes is what 1.10's users were told. */
const UPGRADE_CHECK = 'apache-airflow-upgrade-check==1.4.0';

const temporary = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-import-data-'));
try {
  const upgradeCheck = path.join(temporary, 'upgrade-check');
  await runOrFail(path.join(ensureTools(), 'uv'), ['pip', 'install', '--quiet', '--no-deps', '--python', 'python3', '--target', upgradeCheck, UPGRADE_CHECK], { env: installerEnvironment() });
  const folders = [upgradeCheck];
  for (const { version } of MWAA_VERSIONS) {
    const { folder, release } = await ensureAirflow(version, log);
    folders.push(path.join(folder, 'lib', `python${release.python}`, 'site-packages'));
  }
  const stdout = await runOrFail('python3', [at('read_moves.py'), path.join(ensureTools(), 'ruff'), ...folders], { env: { PATH: process.env.PATH ?? '' } });
  // One name a line: a change is then a change of its line.
  const moves = JSON.parse(stdout) as Readonly<Record<string, readonly string[]>>;
  const lines = Object.entries(moves).map(([name, places]) => ` ${JSON.stringify(name)}: ${JSON.stringify(places)}`);
  writeFileSync(at('../../src/check/python/import_moves.json'), `{\n${lines.join(',\n')}\n}\n`);
  log(`${lines.length} names that moved.`);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
