/** Kills what works at a command of ours: its Airflow task, that task's supervisor, the action. */
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { query } from '../oracle/query.js';
import { until } from '../support/patience.js';
import type { StartedRun } from '../support/runner.js';
import { taskProcesses } from '../support/task-processes.js';
import type { MigrationWorld } from '../support/world.js';

export type Watched = StartedRun & Readonly<{
  /** Waits for a line that the action writes from now on. @throws Error when it ends before */
  says(text: string): Promise<void>;
}>;

/** Starts a phase and listens to it. `attempt`: of the workflow run, as GitHub counts it when somebody runs the job again. */
export function startWatched(world: MigrationWorld, phase: string, inputs: Readonly<Record<string, string>>, { attempt = 1, log }: Readonly<{ attempt?: number; log?: ((line: string) => void) | undefined }> = {}): Watched {
  const lines: string[] = [];
  const run = world.start(phase, inputs, { env: { GITHUB_RUN_ID: '4001', GITHUB_RUN_ATTEMPT: String(attempt) }, onLine: (line) => { lines.push(line); log?.(line); } });
  const says = async (text: string): Promise<void> => {
    const from = lines.length;
    await until(`phase ${phase} to say "${text}"`, () => {
      if (run.child.exitCode !== null) throw new Error(`It ended with code ${run.child.exitCode} before:\n${lines.slice(-40).join('\n')}`);
      return Promise.resolve(lines.slice(from).some((line) => line.includes(text)));
    }, { seconds: 240 });
  };
  return { ...run, says };
}

/** Everything of the action at once: SIGKILL as when its machine is lost, SIGINT as when somebody cancels the job. */
export function endAction({ child }: StartedRun, signal: 'SIGINT' | 'SIGKILL'): void {
  process.kill(-(child.pid ?? 0), signal);
}

/** The DAG run of ours that is at work: `activate-3-1`. */
export const runAtWork = (environment: RunningEnvironment, dagId: 'db_export' | 'db_import', command: string): Promise<string> =>
  until(`${command} to be at work in ${environment.settings.name}`, async () => {
    const [row] = await query<[string]>(environment.databaseUrl, `SELECT run_id FROM task_instance WHERE dag_id = '${dagId}' AND run_id LIKE '${command}-%' AND state = 'running'`);
    return row?.[0];
  }, { seconds: 180 });

/** SIGKILL for the task that works at a command; its supervisor first, if at all, so that it cannot say how its task ended. */
export async function killTask(environment: RunningEnvironment, dagId: 'db_export' | 'db_import', command: string, { withSupervisor }: Readonly<{ withSupervisor: boolean }>): Promise<string> {
  const run = await runAtWork(environment, dagId, command);
  const { runner, supervisor } = await taskProcesses(environment, dagId, run);
  if (withSupervisor) process.kill(supervisor, 'SIGKILL');
  process.kill(runner, 'SIGKILL');
  return run;
}
