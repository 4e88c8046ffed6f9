/** Linux processes by id, from /proc: who belongs to a component, and the end of all of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

type ProcessRow = Readonly<{ pid: number; parent: number; session: number }>;

/**
 * Every living process that belongs to these sessions: members, and whatever descends from one.
 * A session outlives its leader and follows children that Airflow moves into other process groups (executor workers, DAG parsers),
 * also when the parent was killed and they hang below process 1. Descent adds what opened a session of its own (BashOperator's shells).
 * @param sessions ids of the processes that were started with `detached: true`, each the leader of its own session
 */
export function membersOf(sessions: readonly number[]): readonly number[] {
  const rows = listProcesses();
  const members = new Set(rows.filter((row) => sessions.includes(row.session)).map((row) => row.pid));
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const row of rows) if (members.has(row.parent)) members.add(row.pid);
  }
  return [...members].filter((pid) => pid > 1 && pid !== process.pid);
}

/**
 * Ends all members: SIGTERM, and SIGKILL for those that still live after `graceMilliseconds`; comes back when none is left.
 * @throws Error when some survive SIGKILL for 10 s (uninterruptible disk wait)
 */
export async function endSessions(sessions: readonly number[], graceMilliseconds: number): Promise<void> {
  if (graceMilliseconds > 0) {
    membersOf(sessions).forEach((pid) => signal(pid, 'SIGTERM'));
    await waitUntilGone(sessions, graceMilliseconds);
  }
  // Again and again: a member may start another between the listing and its own end.
  for (const deadline = Date.now() + 10_000; ; ) {
    const left = membersOf(sessions);
    if (left.length === 0) return;
    if (Date.now() > deadline) throw new Error(`Processes ${left.join(', ')} did not end within 10 s of SIGKILL.`);
    left.forEach((pid) => signal(pid, 'SIGKILL'));
    await sleep(20);
  }
}

async function waitUntilGone(sessions: readonly number[], milliseconds: number): Promise<void> {
  for (const deadline = Date.now() + milliseconds; Date.now() < deadline; await sleep(50))
    if (membersOf(sessions).length === 0) return;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // Gone between listing and signal is what we want.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function listProcesses(): readonly ProcessRow[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    const stat = readStat(name);
    // "pid (name, which may hold blanks and parentheses) state parent group session …", man 5 proc
    const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return stat && state !== 'Z' && state !== 'X' ? [{ pid: Number(name), parent: Number(parent), session: Number(session) }] : [];
  });
}

function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ''; // ended since the folder was listed; the caller drops it
  }
}
