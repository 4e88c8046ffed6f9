import type { Job, ObjectRef, Progress } from '../airflow/protocol.js';
import type { Clock, Log, Order } from '../ports.js';

/** Makes the orders of one phase: one deadline for all of them, and progress as log lines. */
export function ordersOf({ clock, log }: Readonly<{ clock: Clock; log: Pick<Log, 'info'> }>, timeoutMinutes: number) {
  const deadline = clock.now().getTime() + timeoutMinutes * 60_000;
  let last = '';
  const onProgress = (progress: Progress) => {
    const rows = progress.table && progress.rowsDone > 0 ? ` (${progress.rowsDone}${progress.rowsTotal === null ? '' : ` of ${progress.rowsTotal}`} rows)` : '';
    // What came through S3 is a line of text at most: no line break, no workflow command.
    const line = `${progress.command}: ${progress.message}${rows}`.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
    if (line !== last) log.info(line);
    last = line;
  };
  return (attempt: number, job: Job, more: Readonly<{ manifest?: ObjectRef; isFresh?: boolean }> = {}): Order => ({
    attempt, job, onProgress,
    // At least a minute: a command whose result is there is returned even when the time is up.
    timeoutMinutes: Math.max(1, Math.ceil((deadline - clock.now().getTime()) / 60_000)),
    ...(more.manifest ? { manifest: more.manifest } : {}),
    ...(more.isFresh ? { fresh: true } : {}),
  });
}
