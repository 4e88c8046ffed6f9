/** DAGs that the files name and the target does not show. Pure. */
import type { CheckFinding, CheckedDag } from './check-report.js';

/** What dag_ids.py prints: ids that stand in the files as literals, and files that Airflow looks at on the source only. */
export type WrittenIds = Readonly<{ ids: Readonly<Record<string, readonly string[]>>; leftOut: readonly string[] }>;

/** DAGs that appear on the source, where they were loaded there. */
export type OnSourceToo = Readonly<{ seen: readonly Pick<CheckedDag, 'dagId' | 'file'>[]; version: string }>;

/**
 * An error where it is known: the source shows the DAG, or another reading of .airflowignore means its file. Else a warning, since whether
 * the DAG appears on the source is not known.
 * @param failed files of which it is known that they do not load; their DAGs are not lost without a word
 */
export function findLostDags({ ids, leftOut }: WrittenIds, dags: readonly CheckedDag[], failed: ReadonlySet<string>, { seen, version }: OnSourceToo): readonly CheckFinding[] {
  const shown = new Set(dags.map(({ dagId }) => dagId)), ignored = new Set(leftOut), known = new Set(seen.map(({ dagId }) => dagId));
  const written = Object.entries(ids).filter(([file]) => !failed.has(file)).flatMap(([file, all]) => all.filter((dagId) => !shown.has(dagId)).map((dagId) => ({ dagId, file })));
  const told = new Set(written.map(({ dagId }) => dagId));
  const only = seen.filter(({ dagId, file }) => !shown.has(dagId) && !told.has(dagId) && !failed.has(file));
  return [...written, ...only].map(({ dagId, file }): CheckFinding => {
    const isIgnored = ignored.has(file), isKnown = known.has(dagId);
    return {
      code: 'dag-lost', level: isIgnored || isKnown ? 'error' : 'warning', file, line: undefined, dagId,
      what: isKnown ? `DAG "${dagId}" of ${file} appears on Airflow ${version} and does not appear on the target.` : `DAG "${dagId}" is written in ${file} and does not appear on the target.`,
      why: isIgnored ? 'a line of .airflowignore means this file there: since Airflow 3 the lines are globs as in .gitignore, before they were regular expressions.' : 'the file loads, but does not make the DAG there; its history would arrive without it.',
      fix: isIgnored ? 'write the line as a glob that does not mean the file, or set core.dag_ignore_file_syntax to regexp.' : 'look at what decides whether it is made: a question of version, an environment variable, a function that nobody calls.', replacement: undefined,
    };
  });
}

/** undefined: it is no answer of dag_ids.py. The files it read are a stranger's. */
export function readWrittenIds(text: string): WrittenIds | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('ids' in value) || typeof value.ids !== 'object' || value.ids === null) return undefined;
  const texts = (list: unknown): readonly string[] => (Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string' && one.length <= 250) : []);
  return { ids: Object.fromEntries(Object.entries(value.ids).map(([file, list]) => [file, texts(list)])), leftOut: 'leftOut' in value ? texts(value.leftOut) : [] };
}
