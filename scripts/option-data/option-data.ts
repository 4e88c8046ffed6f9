/**
 * Makes src/airflow/options.json from the real releases of every version that MWAA has sold: `npm run option-data`.
 * Installs what is missing (minutes the first time); the result is committed, and a test of the data holds it against the releases.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MWAA_VERSIONS } from '../../src/airflow/versions.js';
import { digest, ensureAirflow, installerEnvironment } from '../../test/sandbox/environments/airflow-installation.js';
import { runCommand, runOrFail } from '../../test/sandbox/environments/command.js';
import { buildOnce } from '../../test/sandbox/environments/build-once.js';
import { cacheFolder, ensureTools } from '../python.mjs';
import { mergeReleases, type ReleaseOptions } from './merge.js';

const READER = fileURLToPath(new URL('read_options.py', import.meta.url));
const RESULT = fileURLToPath(new URL('../../src/airflow/options.json', import.meta.url));
/** Providers with sections of their own that configurations of the core have moved into since 2.7. Only their descriptions are read, so nothing they need is installed. */
const PROVIDERS = ['celery', 'cncf-kubernetes', 'elasticsearch', 'opensearch', 'openlineage', 'apache-hive', 'smtp', 'dask', 'daskexecutor', 'sendgrid'];

async function readRelease(version: string): Promise<ReleaseOptions> {
  const installed = await ensureAirflow(version, (line) => console.error(line));
  const home = mkdtempSync(path.join(os.tmpdir(), 'option-data-'));
  try {
    const extra = version.startsWith('1.') ? undefined : await providersOf(version, installed.python, installed.constraintsFile);
    const { code, stdout, stderr } = await runCommand(installed.python, [READER], { env: {
      PATH: process.env.PATH ?? '', HOME: home, AIRFLOW_HOME: home, AIRFLOW__CORE__LOAD_EXAMPLES: 'False', LANG: 'C.UTF-8', ...(extra ? { PYTHONPATH: extra } : {}),
    } });
    if (code !== 0) throw new Error(`Airflow ${version} could not be read:\n${stderr.slice(-3000)}`);
    return JSON.parse(stdout.slice(stdout.indexOf('{"asked"'))) as ReleaseOptions;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A folder beside the release with those of PROVIDERS that its constraints pin. */
async function providersOf(version: string, python: string, constraintsFile: string): Promise<string> {
  const constraints = readFileSync(constraintsFile, 'utf8').split('\n');
  const pinned = PROVIDERS.flatMap((provider) => constraints.find((line) => line.startsWith(`apache-airflow-providers-${provider}==`)) ?? []);
  const folder = path.join(cacheFolder, `option-data-${version}-${digest(pinned)}`);
  await buildOnce(folder, async () => {
    await runOrFail(path.join(ensureTools(), 'uv'), ['pip', 'install', '--quiet', '--no-deps', '--python', python, '--target', folder, ...pinned], { env: installerEnvironment() });
  });
  return folder;
}

const releases: Record<string, ReleaseOptions> = {};
for (const { version } of MWAA_VERSIONS) {
  const release = await readRelease(version);
  releases[version] = release;
  console.error(`${version}: ${Object.keys(release.options).length} options.`);
}
writeFileSync(RESULT, `${JSON.stringify(mergeReleases(releases), undefined, 1)}\n`);
