/** An Airflow in a virtual environment that is thrown away, as MWAA's image has it, with the user's requirements on top. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../errors.js';
import { recipeFor } from './airflow-recipe.js';
import type { CheckFinding } from './check-report.js';
import { blamedLines, conflictFinding, isNetworkTrouble, reasonOf, withoutAddresses } from './requirement-conflicts.js';
import type { RequirementLine, RequirementLines } from './requirement-lines.js';
import { runProgram, type ProgramResult } from './run-program.js';
import type { Seal } from './seal.js';
import { shownLine } from './shown-line.js';
import type { Tools } from './tools.js';
import { hostsIn, unreachableFinding, unreachableLines } from './unreachable.js';

/** Finds what moved between Airflow releases (rules AIR); part of no image. */
const RUFF = 'ruff==0.17.6';
/** MWAA gives up after 9 minutes; the first installation on a machine also fetches Airflow itself. */
const INSTALL_SECONDS = 900;
/** Lines that are taken out one round after the other, before the rest is given up. */
const MAX_ROUNDS = 15;

export type Installation = Readonly<{
  tools: Tools;
  env: Readonly<Record<string, string>>;
  venv: string;
  /** For files of ours. */
  work: string;
  version: string;
  /** For everything from requirements.txt on: a package without a wheel brings a setup.py, which is code of the pull request. */
  seal: Readonly<{ run: Seal['run']; env: Readonly<Record<string, string>>; writable: readonly string[]; /** What the installer reads: its settings, certificates. */ shown: readonly string[] }>;
}>;

export const pythonOf = (venv: string): string => path.join(venv, 'bin', 'python');

/** @throws UserError when the package index cannot be reached or does not have it */
export async function installAirflow({ tools, env, venv, work, version }: Omit<Installation, 'seal'>): Promise<void> {
  const made = await runProgram({ command: tools.uv, args: ['venv', '--quiet', '--no-project', '--python', tools.python, venv], env, folder: work, timeoutSeconds: 120 });
  if (made.code !== 0) throw new UserError(`"uv venv" ended with code ${made.code ?? 'none'}: ${lastWords(made)}`, 'phase check loads the DAGs in a virtual environment.', 'look at the message; free disk space in RUNNER_TEMP is needed (about 500 MB).');
  const { packages, constraints, buildConstraints } = recipeFor(version), build = path.join(work, 'build-constraints.txt');
  await writeFile(constraintsFile(work), constraints);
  if (buildConstraints !== undefined) await writeFile(build, buildConstraints);
  const result = await runProgram({ ...uvInstall({ tools, venv, work }, [...packages, '--constraint', constraintsFile(work), ...(buildConstraints === undefined ? [] : ['--build-constraint', build])]), env });
  if (result.code === 0) return;
  throw new UserError(
    `Airflow ${version} could not be installed: ${lastWords(result)}`,
    'nothing can be said about the target without its real Airflow.',
    isNetworkTrouble(result.stderr) ? 'the runner must reach the Python package index; behind a proxy or a mirror of your own set HTTPS_PROXY, UV_INDEX_URL or PIP_INDEX_URL.' : 'a mirror of your own must have Airflow and what its constraints pin; otherwise run the phase again.',
  );
}

/** After the requirements, and without dependencies: constraints pin another one, and no DAG imports it. @returns whether it is there */
export const installRuff = async (installation: Installation): Promise<boolean> => (await sealedInstall(installation, ['--no-deps', RUFF])).code === 0;

export type InstalledRequirements = Readonly<{ findings: readonly CheckFinding[]; notChecked: readonly string[] }>;

/**
 * Installs what can be installed. Lines at fault become findings and are left out, so that the DAGs that do not need them are still loaded.
 * @param ownConstraints files and addresses that stand in place of Airflow's, as with pip in the image
 */
export async function installRequirements(installation: Installation, lines: RequirementLines, ownConstraints: readonly string[]): Promise<InstalledRequirements> {
  const { version } = installation;
  const findings: CheckFinding[] = [], dropped: RequirementLine[] = [];
  let remaining = lines.packages, { options } = lines, constraints = ownConstraints;
  const notChecked: string[] = [];
  let isInstalled = false;
  const dropAll = (blamed: readonly RequirementLine[]): void => {
    dropped.push(...blamed);
    remaining = remaining.filter((line) => !blamed.includes(line));
  };
  const own = remaining.filter(({ name, text }) => name === 'apache-airflow' && !text.replace(/\s/gu, '').replace(/\[[^\]]*\]/u, '').replace(/;.*$/u, '').match(new RegExp(`^apache-airflow(==${version.replaceAll('.', '\\.')})?$`, 'iu')));
  findings.push(...own.map((line): CheckFinding => finding(line, 'requirements-airflow', 'error', `asks for another Airflow than ${version}: ${shownLine(line.text)}`, `the image brings Airflow ${version}; pip would replace it, or refuse.`, 'remove the line.')));
  dropAll(own);
  for (let round = 0; remaining.length > 0 && round < MAX_ROUNDS; round += 1) {
    const result = await attempt(installation, remaining, options, constraints);
    isInstalled = result.code === 0;
    if (isInstalled) break;
    if (isNetworkTrouble(result.stderr)) {
      const silent = unreachableLines(result.stderr, [...remaining, ...options]), ofConstraints = constraints.filter((address) => hostsIn(address).some((host) => result.stderr.toLowerCase().includes(host)));
      findings.push(...silent.map(unreachableFinding));
      dropAll(silent.filter((line) => remaining.includes(line)));
      options = options.filter((line) => !silent.includes(line));
      constraints = constraints.filter((address) => !ofConstraints.includes(address));
      if (ofConstraints.length > 0) notChecked.push(`Constraints that this runner cannot reach (${ofConstraints.map(shownLine).join(', ')}): Airflow's own were used.`);
      if (silent.length + ofConstraints.length > 0) continue;
      throw new UserError(`The requirements could not be installed: ${lastWords(result)}`, 'the package index does not answer, so nothing can be said about them.', 'run the phase again; behind a proxy or a mirror of your own set HTTPS_PROXY, UV_INDEX_URL or PIP_INDEX_URL.');
    }
    const blamed = await blame(installation, result, remaining, options, constraints);
    // What no index has may be in the one that was not reached.
    const isWhole = options.length === lines.options.length;
    findings.push(...blamed.map((line) => conflictFinding(line, result.stderr, version)).map((one) => (isWhole || one.code !== 'requirements-missing' ? one : { ...one, level: 'warning' as const })));
    if (blamed.length === 0) {
      findings.push({ ...finding(remaining[0] as RequirementLine, 'requirements-conflict', 'error', 'cannot be installed as a whole', result.stopped === 'time' ? lastWords(result) : reasonOf(result.stderr), 'try it with "uv pip install -r" and the target\'s constraints.'), line: undefined });
      dropAll(remaining);
    } else dropAll(blamed);
  }
  if (remaining.length > 0 && !isInstalled) {
    findings.push({ ...finding(remaining[0] as RequirementLine, 'requirements-conflict', 'error', `after ${MAX_ROUNDS} rounds of leaving out what cannot be installed, the rest still cannot`, 'the lines named beside this are at fault first; more may be.', 'repair those, and run the phase again.'), line: undefined });
    dropAll(remaining);
  }
  return { findings, notChecked: dropped.length === 0 ? notChecked : [...notChecked, `DAGs were loaded without what these lines ask for: ${dropped.map(({ file, line }) => `${file}:${line}`).join(', ')}. Import errors that follow from it may vanish with it.`] };
}

/** Lines that the resolver's text names; where it names none, those that cannot be installed even alone. */
async function blame(installation: Installation, result: ProgramResult, remaining: readonly RequirementLine[], options: readonly RequirementLine[], constraints: readonly string[]): Promise<readonly RequirementLine[]> {
  const named = blamedLines(result.stderr, remaining);
  if (named.length > 0 || remaining.length > 40) return named;
  const alone: RequirementLine[] = [];
  for (const line of remaining) if ((await attempt(installation, [line], options, constraints, ['--dry-run'])).code !== 0) alone.push(line);
  return alone;
}

async function attempt(installation: Installation, packages: readonly RequirementLine[], options: readonly RequirementLine[], constraints: readonly string[], more: readonly string[] = []): Promise<ProgramResult> {
  const { work, version } = installation;
  const file = path.join(work, 'requirements.txt');
  await writeFile(file, [...options.map(({ text }) => text), ...packages.map(({ text }) => text), `apache-airflow==${version}`, ''].join('\n'));
  const used = constraints.length > 0 ? constraints : [constraintsFile(work)];
  // As pip does: the best version of all indexes, not the first index that knows the name.
  return sealedInstall(installation, ['-r', file, '--index-strategy', 'unsafe-best-match', ...used.flatMap((one) => ['--constraint', one]), ...more]);
}

const uvInstall = ({ tools, venv, work }: Pick<Installation, 'tools' | 'venv' | 'work'>, args: readonly string[]) =>
  ({ command: tools.uv, args: ['pip', 'install', '--quiet', '--color', 'never', '--python', pythonOf(venv), ...args], folder: work, timeoutSeconds: INSTALL_SECONDS });

/** uv asks the environment's own Python, which the requirements may have changed by then: that too is sealed. */
const sealedInstall = (installation: Installation, args: readonly string[]): Promise<ProgramResult> => {
  const { run, env, writable, shown } = installation.seal;
  return run({ ...uvInstall(installation, args), env, writable, shown });
};

const constraintsFile = (work: string): string => path.join(work, 'constraints.txt');
const lastWords = ({ stopped, stderr }: ProgramResult): string => (stopped === 'time' ? `it took more than ${INSTALL_SECONDS} s.` : withoutAddresses(stderr));

export const finding = ({ file, line }: Pick<RequirementLine, 'file' | 'line'>, code: string, level: CheckFinding['level'], what: string, why: string, fix: string): CheckFinding =>
  ({ code, level, file, line, dagId: undefined, what: `${path.posix.basename(file)}: ${what}`, why, fix, replacement: undefined });

