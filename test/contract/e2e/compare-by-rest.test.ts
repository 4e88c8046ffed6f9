import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { compareByRest } from '../../e2e/oracle/by-rest.js';
import { query } from '../../e2e/oracle/query.js';
import { historyDatabases } from './history-databases.js';

type Run = { dag_id: string; dag_run_id: string; state: string; run_type: string };
type Task = { dag_id: string; dag_run_id: string; task_id: string; map_index: number; state: string | null };

let databases: Awaited<ReturnType<typeof historyDatabases>>;
let runs: readonly Run[], tasks: readonly Task[];
beforeAll(async () => {
  databases = await historyDatabases();
  const visible = `dag_id IN (SELECT dag_id FROM dag)`;
  runs = (await query<[string, string, string, string]>(databases.target.databaseUrl, `SELECT dag_id, run_id, state, run_type FROM dag_run WHERE ${visible} ORDER BY id`))
    .map(([dag_id, dag_run_id, state, run_type]) => ({ dag_id, dag_run_id, state, run_type }));
  tasks = (await query<[string, string, string, number, string | null]>(databases.target.databaseUrl, `SELECT dag_id, run_id, task_id, map_index, state FROM task_instance WHERE ${visible}`))
    .map(([dag_id, dag_run_id, task_id, map_index, state]) => ({ dag_id, dag_run_id, task_id, map_index, state }));
}, 300_000);
afterAll(() => databases.close());

/** Pages and filters as Airflow 2.10 does; the real API is held against the real database by the end-to-end tests. */
function airflowThatShows(shownRuns: readonly Run[], shownTasks: readonly Task[]) {
  const { databaseUrl } = databases.target;
  return {
    databaseUrl,
    async rest(role: string, request: Readonly<{ method: string; path: string; body?: string | undefined }>) {
      const { page_limit = 100, page_offset = 0, dag_ids, dag_run_ids } = JSON.parse(request.body ?? '{}') as Record<string, number> & { dag_ids?: string[]; dag_run_ids?: string[] };
      if (role !== 'Viewer' || request.method !== 'POST' || page_limit > 100) return { status: 403, body: '{}' };
      const page = <Item>(name: string, items: readonly Item[]) => ({ status: 200, body: JSON.stringify({ [name]: items.slice(page_offset, page_offset + page_limit), total_entries: items.length }) });
      return request.path === '/dags/~/dagRuns/list' ? page('dag_runs', shownRuns)
        : page('task_instances', shownTasks.filter((task) => (dag_ids?.includes(task.dag_id) ?? true) && (dag_run_ids?.includes(task.dag_run_id) ?? true)));
    },
  };
}

it('agrees with an API that shows what the database holds, page by page', async () => {
  // 250 bulk tasks in runs of 100, 100 and 50; the two planted visible runs share a page.
  expect(await compareByRest(airflowThatShows(runs, tasks))).toEqual({ runs: 5, taskInstances: 252, pages: 6, invisibleRuns: 2, invisibleTaskInstances: 2, differences: [] });
}, 60_000);

it.each<[what: string, shown: () => [readonly Run[], readonly Task[]], differences: number]>([
  ['a run that is not shown', () => [runs.slice(1), tasks], 2],
  ['a run in another state', () => [runs.map((run, index) => (index === 3 ? { ...run, state: 'running' } : run)), tasks], 1],
  ['a run shown twice', () => [[...runs, ...runs.slice(0, 1)], tasks], 2],
  ['a run of nobody', () => [[...runs, { dag_id: 'x', dag_run_id: 'y', state: 'success', run_type: 'manual' }], tasks], 2],
  ['a task instance that is not shown', () => [runs, tasks.slice(1)], 2],
  ['a task instance in another state', () => [runs, tasks.map((task, index) => (index === 200 ? { ...task, state: null } : task))], 1],
  ['no task instance at all', () => [runs, []], 253],
])('finds %s', async (_what, shown, count) => {
  expect((await compareByRest(airflowThatShows(...shown()))).differences).toHaveLength(count);
}, 60_000);

it('ends with the answer of an API that refuses', async () => {
  const refusing = { databaseUrl: databases.target.databaseUrl, rest: async () => ({ status: 403, body: 'Forbidden' }) };
  await expect(compareByRest(refusing)).rejects.toThrow('POST /dags/~/dagRuns/list answered 403: Forbidden');
}, 60_000);
