/** A cancelled job gets SIGINT, then SIGTERM after 7.5 s, then SIGKILL after 2.5 s: time enough to give the journal's lock back. */
import * as core from '@actions/core';

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;
/** Milliseconds, below the runner's patience (actions/runner, ProcessInvoker.cs). */
const PATIENCE_MS = 6_000;

/** @returns ends the listening, once the phase is over */
export function stopping(process: NodeJS.Process, close: () => Promise<void>, phase: string): () => void {
  let isStopping = false;
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const listener = (): void => {
      if (isStopping) return;
      isStopping = true;
      core.error(`Stopped by ${signal} in phase ${phase}. What is running inside Airflow goes on by itself; run the phase again with the same inputs, and it takes up where this run stopped.`);
      const timer = setTimeout(() => process.exit(code), PATIENCE_MS);
      // The lock's lease ends by itself if it cannot be given back in time.
      void close().catch(() => undefined).finally(() => {
        clearTimeout(timer);
        process.exit(code);
      });
    };
    process.on(signal, listener);
    return () => process.off(signal, listener);
  });
  return () => listeners.forEach((end) => end());
}
