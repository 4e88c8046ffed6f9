import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from './query.js';

/** Airflow's `api.maximum_page_limit`. */
const PAGE = 100;

type Run = Readonly<{ dag_id: string; dag_run_id: string; state: string | null; run_type: string }>;
type TaskInstance = Readonly<{ dag_id: string; dag_run_id: string; task_id: string; map_index: number; state: string | null; try_number: number }>;

export type RestComparison = Readonly<{
  /** What the API listed, page by page. */
  runs: number;
  taskInstances: number;
  /** Rows of DAGs that have no file any more: the database has them, the API shows nobody. */
  invisibleRuns: number;
  invisibleTaskInstances: number;
  pages: number;
  /** Sentences; empty when API and database agree in every run and every task instance. */
  differences: readonly string[];
}>;

type Environment = Pick<RunningEnvironment, 'rest' | 'databaseUrl'>;

/**
 * Reads every run and every task instance through the environment's own REST API, as a Viewer sees them, and holds them against its database.
 * Nothing should be running meanwhile. Runs come in pages of 100; the list of task instances has no order in Airflow (2.7 to 2.11: no ORDER BY,
 * and 2.7 ignores the page), so they are asked for in groups of runs that fit one page, a run larger than a page by pages of its own.
 */
export async function compareByRest(environment: Environment): Promise<RestComparison> {
  const differences: string[] = [];
  const runs = await runsByRest(environment);
  const expectedRuns = await query<[dagId: string, runId: string, state: string, runType: string, tasks: number, isVisible: boolean]>(environment.databaseUrl, `
    SELECT r.dag_id, r.run_id, r.state, r.run_type, (SELECT count(*) FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id),
           r.dag_id IN (SELECT dag_id FROM dag) FROM dag_run r ORDER BY r.id`);
  const visible = expectedRuns.filter(([, , , , , isVisible]) => isVisible);
  compareLists('run', runs.items.map((run) => [keyOf(run.dag_id, run.dag_run_id), `${run.state} ${run.run_type}`]), visible.map(([dagId, runId, state, runType]) => [keyOf(dagId, runId), `${state} ${runType}`]), differences);
  if (runs.total !== visible.length) differences.push(`The API counts ${runs.total} runs, the database ${visible.length}.`);

  const tasks = await taskInstancesByRest(environment, visible.map(([dagId, runId, , , count]) => ({ dagId, runId, count })));
  const expectedTasks = await query<[dagId: string, runId: string, taskId: string, mapIndex: number, state: string | null, isVisible: boolean]>(environment.databaseUrl, `
    SELECT dag_id, run_id, task_id, map_index, state, dag_id IN (SELECT dag_id FROM dag) FROM task_instance`);
  const visibleTasks = expectedTasks.filter(([, , , , , isVisible]) => isVisible);
  compareLists('task instance',
    tasks.items.map((task) => [keyOf(task.dag_id, task.dag_run_id, task.task_id, task.map_index), String(task.state)]),
    visibleTasks.map(([dagId, runId, taskId, mapIndex, state]) => [keyOf(dagId, runId, taskId, mapIndex), String(state)]), differences);
  const { total } = await taskInstancePage(environment, {});
  if (total !== visibleTasks.length) differences.push(`The API counts ${total} task instances, the database ${visibleTasks.length}.`);
  return {
    runs: runs.items.length, taskInstances: tasks.items.length, pages: runs.pages + tasks.pages + 1, differences,
    invisibleRuns: expectedRuns.length - visible.length, invisibleTaskInstances: expectedTasks.length - visibleTasks.length,
  };
}

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

/** Each key once on either side, with equal text. */
function compareLists(what: string, shown: readonly (readonly [key: string, text: string])[], stored: readonly (readonly [key: string, text: string])[], differences: string[]): void {
  const byKey = new Map(stored);
  const seen = new Set<string>();
  for (const [key, text] of shown) {
    const expected = byKey.get(key);
    if (seen.has(key)) differences.push(`The API lists ${what} ${key} twice.`);
    else if (expected === undefined) differences.push(`The API lists ${what} ${key}, which the database has not.`);
    else if (expected !== text) differences.push(`The API says "${text}" of ${what} ${key}, the database "${expected}".`);
    seen.add(key);
  }
  for (const [key] of stored) if (!seen.has(key)) differences.push(`The API does not list ${what} ${key}.`);
}

type Listed<Item> = Readonly<{ items: readonly Item[]; total: number; pages: number }>;

async function runsByRest(environment: Environment): Promise<Listed<Run>> {
  const items: Run[] = [];
  for (let pages = 1; ; pages++) {
    const answer = await ask<{ dag_runs: readonly Run[]; total_entries: number }>(environment, '/dags/~/dagRuns/list', { page_limit: PAGE, page_offset: items.length, order_by: 'id' });
    items.push(...answer.dag_runs);
    if (items.length >= answer.total_entries || answer.dag_runs.length === 0) return { items, total: answer.total_entries, pages };
  }
}

async function taskInstancesByRest(environment: Environment, runs: readonly Readonly<{ dagId: string; runId: string; count: number }>[]): Promise<Omit<Listed<TaskInstance>, 'total'>> {
  const items: TaskInstance[] = [];
  let pages = 0;
  for (const group of groupsOfOnePage(runs.filter(({ count }) => count > 0))) {
    const filter = { dag_ids: [...new Set(group.map(({ dagId }) => dagId))], dag_run_ids: group.map(({ runId }) => runId) };
    for (let offset = 0, total = 1; offset < total; pages++) {
      const page = await taskInstancePage(environment, { ...filter, page_offset: offset });
      items.push(...page.items);
      total = page.total;
      offset += Math.max(page.items.length, 1);
    }
  }
  return { items, pages };
}

/** Runs of one DAG each, for the filter is "one of these DAGs and one of these run ids", and the same id may occur in two DAGs. */
function groupsOfOnePage<Item extends Readonly<{ dagId: string; count: number }>>(runs: readonly Item[]): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  let room = 0;
  for (const run of [...runs].sort((a, b) => (a.dagId < b.dagId ? -1 : a.dagId > b.dagId ? 1 : 0))) {
    const current = groups.at(-1);
    if (current === undefined || current[0]?.dagId !== run.dagId || run.count > room) {
      groups.push([run]);
      room = PAGE - run.count;
    } else {
      current.push(run);
      room -= run.count;
    }
  }
  return groups;
}

async function taskInstancePage(environment: Environment, filter: Readonly<Record<string, unknown>>): Promise<Readonly<{ items: readonly TaskInstance[]; total: number }>> {
  const answer = await ask<{ task_instances: readonly TaskInstance[]; total_entries: number }>(environment, '/dags/~/dagRuns/~/taskInstances/list', { page_limit: PAGE, ...filter });
  return { items: answer.task_instances, total: answer.total_entries };
}

async function ask<Answer>(environment: Environment, path: string, body: unknown): Promise<Answer> {
  const answer = await environment.rest('Viewer', { method: 'POST', path, query: new URLSearchParams(), body: JSON.stringify(body) });
  if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.body.slice(0, 1000)}`);
  return JSON.parse(answer.body) as Answer;
}
