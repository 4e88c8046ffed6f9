/** Runs rule scripts as phase check does: each a program, in the virtual environment of a real Airflow release, on files of a test. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTools } from '../../../scripts/python.mjs';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';
import { runOrFail } from '../../sandbox/environments/command.js';

export type Finding = Readonly<{ code: string; level: string; file: string | null; line: number | null; dagId: string | null; what: string; why: string | null; fix: string | null; replacement: string | null }>;
export type Rule = 'arguments' | 'context' | 'database' | 'imports' | 'plugins' | 'ruff' | 'schedules' | 'templates';
export const RULES: readonly Rule[] = ['arguments', 'context', 'database', 'imports', 'plugins', 'ruff', 'schedules', 'templates'];

const SCRIPTS = fileURLToPath(new URL('../../../src/check/python/', import.meta.url));
const silent = (): void => undefined;

/** A folder with these files, for as long as `use` runs. */
export async function withRepository<T>(files: Readonly<Record<string, string>>, use: (root: string) => Promise<T>): Promise<T> {
  const root = mkdtempSync(path.join(os.tmpdir(), 'check-rules-'));
  try {
    for (const [name, text] of Object.entries({ 'plugins/.keep': '', 'dags/.keep': '', ...files })) {
      mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      writeFileSync(path.join(root, name), text);
    }
    return await use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

export async function installationPython(version: string): Promise<string> {
  return (await ensureAirflow(version, silent)).python;
}

/** @param folder of the DAGs, below `root` */
export async function runRule(rule: Rule, root: string, versions: Readonly<{ source: string; target: string }>, folder = 'dags', env: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> {
  const answer = JSON.parse(await runScript(`rules_${rule}.py`, root, versions, folder, env)) as Readonly<{ findings: readonly Finding[]; cut: number }>;
  if (answer.cut !== 0) throw new Error(`${rule} cut ${answer.cut} findings`);
  return answer.findings;
}

export async function runScript(script: string, root: string, { source, target }: Readonly<{ source: string; target: string }>, folder = 'dags', env: Readonly<Record<string, string>> = {}): Promise<string> {
  const python = await installationPython(target);
  const args = ['-B', path.join(SCRIPTS, script), '--source', source, '--target', target, '--root', root, '--dags', folder, ...(folder === 'dags' ? ['--plugins', 'plugins'] : [])];
  // ruff stands among the tests' tools here; in a check it is beside the target's Python.
  return runOrFail(python, args, { env: { PATH: `${ensureTools()}:/usr/bin:/bin`, HOME: root, LANG: 'C.UTF-8', ...env }, folder: root });
}

/** Every rule's findings, two programs at a time: the machines of the tests have two cores. */
export async function runAll(root: string, versions: Readonly<{ source: string; target: string }>, folder = 'dags'): Promise<readonly Finding[]> {
  const waiting = [...RULES], found: Finding[] = [];
  const lane = async (): Promise<void> => {
    for (let rule = waiting.shift(); rule !== undefined; rule = waiting.shift()) found.push(...(await runRule(rule, root, versions, folder)));
  };
  await Promise.all([lane(), lane()]);
  return found;
}

/** What each statement does on the release: undefined when it works, else the error. */
export async function tryStatements(version: string, statements: readonly string[]): Promise<ReadonlyMap<string, string | undefined>> {
  const outcome = JSON.parse(await runPython(version, 'try_statements.py', JSON.stringify([...new Set(statements)]))) as Readonly<Record<string, string | null>>;
  return new Map(Object.entries(outcome).map(([statement, error]) => [statement, error ?? undefined]));
}

export type Rendered = Readonly<Record<'dated' | 'undated' | 'called', Readonly<Record<string, string>>>>;

export async function renderTemplates(version: string, templates: readonly string[], functions: readonly string[]): Promise<Rendered> {
  return JSON.parse(await runPython(version, 'render_templates.py', JSON.stringify({ templates, functions }))) as Rendered;
}

async function runPython(version: string, script: string, input: string): Promise<string> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'check-rules-home-'));
  try {
    return await runOrFail(await installationPython(version), ['-I', '-B', '-W', 'ignore', fileURLToPath(new URL(script, import.meta.url))], { env: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home, LANG: 'C.UTF-8' }, folder: home, input });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
