/** What the name of a lock's owner tells; wiring.ts makes it. Pure. */

/** `https://github.com/acme/airflow/actions/runs/7/attempts/2` → the workflow run's address and the number of its attempt. */
function workflowRun(owner: string): Readonly<{ run: string; attempt: number }> | undefined {
  const [, run, attempt] = /^(.+\/actions\/runs\/\d+)\/attempts\/(\d+)$/u.exec(owner) ?? [];
  return run !== undefined && attempt !== undefined ? { run, attempt: Number(attempt) } : undefined;
}

/**
 * True when `holder` is an earlier attempt of the workflow run that `asking` belongs to. GitHub re-runs a workflow run only when it has
 * ended, so the holder's runner is most likely gone, but not surely: one that lost GitHub may still work. Jobs of one attempt are not
 * meant: they may well run side by side.
 */
export function isEarlierAttempt(holder: string, asking: string): boolean {
  const [earlier, later] = [workflowRun(holder), workflowRun(asking)];
  return earlier !== undefined && later !== undefined && earlier.run === later.run && earlier.attempt < later.attempt;
}

/** True for two jobs of one workflow run, whichever attempts of it; by hand, for the same process. */
export function isSameRun(one: string, other: string): boolean {
  const [here, there] = [workflowRun(one), workflowRun(other)];
  return here !== undefined && there !== undefined ? here.run === there.run : one === other;
}
