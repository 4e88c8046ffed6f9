/**
 * Which commands `/aws_mwaa/cli` runs, per Airflow line.
 * Source: "Apache Airflow CLI command reference" of the user guide (for 1.10.12 its version of 2022, awsdocs/amazon-mwaa-user-guide).
 */
import { compareVersions } from './versions.js';

const ON_1 = [
  'clear', 'dag_state', 'delete_dag', 'list_dag_runs', 'list_tasks', 'next_execution', 'pause', 'pool', 'render', 'run', 'show_dag', 'task_failed_deps',
  'task_state', 'test', 'trigger_dag', 'unpause', 'variables', 'version',
];
const ON_2: readonly Readonly<{ command: string; since?: string }>[] = [
  ...['cheat-sheet', 'connections add', 'connections delete', 'dags delete', 'dags list', 'dags list-jobs', 'dags list-runs', 'dags next-execution', 'dags pause',
    'dags report', 'dags show', 'dags state', 'dags test', 'dags trigger', 'dags unpause', 'providers behaviours', 'providers get', 'providers hooks', 'providers links',
    'providers list', 'providers widgets', 'tasks clear', 'tasks failed-deps', 'tasks list', 'tasks render', 'tasks run', 'tasks state', 'tasks states-for-dag-run',
    'tasks test', 'variables delete', 'variables get', 'variables list', 'variables set', 'version'].map((command) => ({ command })),
  { command: 'dags backfill', since: '2.2.2' },
  { command: 'db clean', since: '2.4.3' },
  { command: 'dags reserialize', since: '2.4.3' },
  { command: 'dags list-import-errors', since: '2.6.3' },
  { command: 'roles list', since: '2.6.3' },
];
const ON_3 = [
  'assets', 'backfill create', 'connections add', 'connections delete', 'dags delete', 'dags list', 'dags list-jobs', 'dags list-runs', 'dags list-import-errors',
  'dags next-execution', 'dags pause', 'dags unpause', 'dags report', 'dags reserialize', 'dags show', 'dags state', 'dags test', 'dags trigger', 'db clean',
  'providers', 'roles', 'tasks clear', 'tasks failed-deps', 'tasks list', 'tasks render', 'tasks state', 'tasks states-for-dag-run', 'tasks test',
  'variables delete', 'variables get', 'variables list', 'variables set', 'version',
];

export function isSupported(airflowVersion: string, words: readonly string[]): boolean {
  const commands = airflowVersion.startsWith('1.') ? ON_1
    : airflowVersion.startsWith('2.') ? ON_2.filter(({ since }) => !since || compareVersions(airflowVersion, since) >= 0).map(({ command }) => command)
      : ON_3;
  return commands.includes(words[0] ?? '') || commands.includes(words.slice(0, 2).join(' '));
}

/**
 * The body of a CLI call as words, by the rules of a POSIX shell without expansion (quotes and backslash only).
 * @throws Error when a quote is left open
 */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const sign = line.charAt(index);
    if (quote) {
      if (sign === quote) quote = undefined;
      else if (sign === '\\' && quote === '"' && '"\\$`'.includes(line.charAt(index + 1) || ' ')) word = (word ?? '') + line.charAt((index += 1));
      else word = (word ?? '') + sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      word ??= '';
    } else if (sign === '\\') word = (word ?? '') + line.charAt((index += 1));
    else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + sign;
  }
  if (quote) throw new Error('No closing quotation');
  return word === undefined ? words : [...words, word];
}
