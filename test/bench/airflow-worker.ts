/** A real Airflow's Python that has loaded Airflow as a worker has, and forks a child per command (test/dags/airflow_worker.py). */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MIB } from './figure.js';

const PROGRAM = fileURLToPath(new URL('../dags/airflow_worker.py', import.meta.url));

export type Ended = Readonly<{
  /** From the child's start to its end. */
  seconds: number;
  /** ru_maxrss of the child, which begins with what Airflow itself holds. */
  peakMib: number;
}>;

export type AirflowWorker = Readonly<{
  /** @throws Error with the command's log when it does not end well */
  run(order: Readonly<{ dagFile: string; runId: string; env: Readonly<Record<string, string>> }>): Promise<Ended>;
  close(): void;
}>;

export function startAirflowWorker(python: string, home: string): AirflowWorker {
  mkdirSync(path.join(home, 'dags'), { recursive: true });
  const env = {
    PATH: process.env['PATH'] ?? '', HOME: home, AIRFLOW_HOME: home, LANG: 'C.UTF-8', PYTHONWARNINGS: 'ignore',
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__CORE__UNIT_TEST_MODE: 'False', AIRFLOW__CORE__DAGS_FOLDER: path.join(home, 'dags'),
    // Every order names its own database; one that does not must not find any.
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: 'postgresql+psycopg2://nobody@127.0.0.1:1/none',
  };
  const child = spawn(python, [PROGRAM], { env, detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map<number, (code: number) => void>(), started = new Map<number, number>(), took = new Map<number, number>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{"id"')) return;
    const { id, pid, code } = JSON.parse(line) as { id: number; pid?: number; code?: number };
    if (pid !== undefined) started.set(id, performance.now());
    if (code === undefined) return;
    took.set(id, (performance.now() - (started.get(id) ?? NaN)) / 1000);
    waiting.get(id)?.(code);
  });
  child.once('exit', () => waiting.forEach((end) => end(-1)));
  let orders = 0;
  return {
    async run({ dagFile, runId, env: more }) {
      const id = ++orders, log = path.join(home, `${runId}-${id}.txt`);
      const ended = new Promise<number>((resolve) => waiting.set(id, resolve));
      child.stdin.write(`${JSON.stringify({ id, dag: dagFile, run_id: runId, conf: { attempt: 1 }, env: { STOP_AT: '', ...more }, log })}\n`);
      const code = await ended;
      waiting.delete(id);
      const text = readFileSync(log, 'utf8'), seconds = took.get(id);
      if (code !== 0 || seconds === undefined) throw new Error(`${runId} ended with code ${code}:\n${text.slice(-4000)}`);
      return { seconds, peakMib: Number(/peak memory (\d+) KiB/u.exec(text)?.[1]) * 1024 / MIB };
    },
    close() {
      child.kill('SIGKILL'); // it holds nothing; commands have been waited for
    },
  };
}
