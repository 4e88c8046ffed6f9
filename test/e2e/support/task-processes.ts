/** The processes of one running Airflow task, by what Airflow writes into their titles. Linux only. */
import { readFileSync } from 'node:fs';
import type { RunningEnvironment } from '../../sandbox/environments/contract.js';
import { membersOf } from '../../sandbox/environments/process-tree.js';
import { until } from './patience.js';

export type TaskProcesses = Readonly<{
  /** Runs the task's code. */
  runner: number;
  /** Its parent: sends the heartbeats and records how the runner ended. */
  supervisor: number;
}>;

/** @throws Error when the environment has no such task running after a while, or more than one */
export function taskProcesses(environment: RunningEnvironment, dagId: string, runId: string): Promise<TaskProcesses> {
  return until(`a running task of ${dagId} ${runId}`, () => {
    const titles = membersOf(environment.processGroups).map((pid) => ({ pid, title: titleOf(pid) }));
    const of = (kind: string, ...words: readonly string[]) => titles.filter(({ title }) => title.startsWith(`airflow task ${kind}: `) && words.every((word) => title.includes(word)));
    const [runners, supervisors] = [of('runner', ` ${dagId} `, ` ${runId} `), of('supervisor', `'${dagId}'`, `'${runId}'`)];
    if (runners.length > 1 || supervisors.length > 1) throw new Error(`${dagId} ${runId} runs more than once: ${[...runners, ...supervisors].map(({ title }) => title).join('; ')}`);
    return Promise.resolve(runners[0] && supervisors[0] && { runner: runners[0].pid, supervisor: supervisors[0].pid });
  }, { seconds: 30 });
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // ended since it was listed
  }
}
