/** What MWAA installs into an environment from its bucket before Airflow starts: plugins, requirements, startup script. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ensureTools } from '../../../scripts/python.mjs';
import { digest, installerEnvironment, installWithUv, type Installation } from './airflow-installation.js';
import { buildOnce } from './build-once.js';
import type { Bucket } from './bucket-folder.js';
import { runCommand, runOrFail } from './command.js';
import type { EnvironmentSettings } from './contract.js';

export type WorkflowResources = Readonly<{
  /** The base installation, or one that has the requirements too. */
  installation: Installation;
  /** What the startup script exported. */
  startup: Readonly<Record<string, string>>;
}>;

type Input = Readonly<{ settings: EnvironmentSettings; base: Installation; airflowHome: string; bucket: Bucket; log: (line: string) => void }>;

/** MWAA's limits (images: user_requirements.py, setup_environment.py). */
const REQUIREMENTS_SECONDS = 9 * 60, STARTUP_SECONDS = 5 * 60;

/**
 * @param startupVariables what the startup script starts with
 * @throws Error when an object cannot be read, the archive is none, or the startup script leaves no environment; failing requirements are only logged, as on MWAA
 */
export async function installWorkflowResources(input: Input, startupVariables: Readonly<Record<string, string>>): Promise<WorkflowResources> {
  const { settings, bucket, airflowHome } = input;
  const object = async (key: string | undefined, version: string | undefined) => (key === undefined || key === '' ? undefined : bucket.get(key, version));
  const [plugins, requirements, script] = await Promise.all([
    object(settings.pluginsPath, settings.pluginsVersion), object(settings.requirementsPath, settings.requirementsVersion),
    object(settings.startupScriptPath, settings.startupScriptVersion),
  ]);
  rmSync(path.join(airflowHome, 'plugins'), { recursive: true, force: true });
  mkdirSync(path.join(airflowHome, 'plugins'));
  if (plugins) await unpackPlugins(input, plugins);
  return {
    installation: requirements ? await withRequirements(input, requirements.toString('utf8')) : input.base,
    startup: script ? await runStartupScript(input, script, startupVariables) : {},
  };
}

async function unpackPlugins({ settings, airflowHome, base, log }: Input, archive: Buffer): Promise<void> {
  const file = path.join(airflowHome, 'plugins.zip');
  writeFileSync(file, archive);
  await runOrFail(base.python, ['-I', '-m', 'zipfile', '-e', file, path.join(airflowHome, 'plugins')], { env: {} });
  log(`${settings.name}: plugins of ${archive.length} bytes unpacked.`);
}

/** An installation of its own for these requirements, cached by content; the base where it has all of them already. */
async function withRequirements(input: Input, text: string): Promise<Installation> {
  const { settings, base, airflowHome, log } = input;
  const folder = path.join(airflowHome, 'requirements');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'requirements.txt');
  writeFileSync(file, localConstraints(text, base, airflowHome));
  const uv = path.join(ensureTools(), 'uv'), env = installerEnvironment();
  const arguments_ = ['--requirement', file, '--constraint', base.constraintsFile, '--find-links', path.join(airflowHome, 'plugins')];
  const leaveOut = (reason: string): Installation => {
    log(`${settings.name}: the requirements could not be installed, Airflow starts without them as on MWAA: ${reason.slice(-2000)}`);
    return base;
  };
  // Resolved first: a file that cannot work, or asks for nothing new, is not worth an installation.
  const trial = await runCommand(uv, ['pip', 'install', '--dry-run', '--python', base.python, ...arguments_], { env, folder: airflowHome, timeoutSeconds: REQUIREMENTS_SECONDS });
  if (trial.code !== 0) return leaveOut(trial.stderr);
  if (trial.stderr.includes('Would make no changes')) return base;

  const key = `${base.key}-with-${digest([text])}`, venv = path.join(path.dirname(base.folder), key);
  const started = Date.now();
  try {
    await buildOnce(venv, async () => {
      await installWithUv(venv, base.python, base.release.requirements, base.constraintsFile);
      await runOrFail(uv, ['pip', 'install', '--quiet', '--python', path.join(venv, 'bin', 'python'), ...arguments_], { env, folder: airflowHome, timeoutSeconds: REQUIREMENTS_SECONDS });
    });
  } catch (error) {
    return leaveOut(error instanceof Error ? error.message : String(error));
  }
  log(`${settings.name}: requirements installed in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
  return { ...base, folder: venv, python: path.join(venv, 'bin', 'python'), key };
}

/** Airflow's published constraints are a file of ours; a constraint line for MWAA's folders names plugins by their path there. */
function localConstraints(text: string, base: Installation, airflowHome: string): string {
  return text.split('\n').map((line) => {
    const constraint = /^\s*(?:-c|--constraint)[ =]+["']?(\S+?)["']?\s*$/.exec(line);
    return constraint?.[1]?.includes('apache/airflow/constraints-') ? `--constraint ${base.constraintsFile}` : line;
  }).join('\n').replaceAll('/usr/local/airflow/plugins', path.join(airflowHome, 'plugins'));
}

/** Sourced by bash; its exported variables are what Airflow's processes get. */
async function runStartupScript({ settings, airflowHome, base, log }: Input, script: Buffer, variables: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const folder = path.join(airflowHome, 'startup');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'startup.sh'), exported = path.join(folder, 'environment.json');
  writeFileSync(file, script);
  rmSync(exported, { force: true });
  const wrapper = 'source "$1"; "$2" -c "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], \'w\'))" "$3"';
  const { code, stdout, stderr } = await runCommand('bash', ['-c', wrapper, 'startup', file, base.python, exported], { env: variables, folder: airflowHome, timeoutSeconds: STARTUP_SECONDS });
  writeFileSync(path.join(airflowHome, 'components', 'startup-script.txt'), stdout + stderr, { mode: 0o600 });
  if (code !== 0) throw new Error(`${settings.name}: the startup script ended with code ${code}${code === 124 ? ` (limit ${STARTUP_SECONDS} s)` : ''}: ${stderr.slice(-1000)}`);
  log(`${settings.name}: the startup script ran.`);
  const after = JSON.parse(readFileSync(exported, 'utf8')) as Record<string, string>;
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => variables[name] !== value && !['_', 'SHLVL', 'PWD', 'OLDPWD'].includes(name)));
}
