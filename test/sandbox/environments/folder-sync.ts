/** Keeps an environment's DAG folder equal to its bucket, as MWAA's agents do. */
import type { Bucket } from './bucket-folder.js';
import type { EnvironmentSettings } from './contract.js';

export type FolderSync = Readonly<{ now(): Promise<void>; stop(): Promise<void> }>;

/**
 * Syncs once and then every `syncSeconds`.
 * @throws nothing: a role that may not read is logged once per message, the environment lives on without DAGs as on MWAA
 */
export async function startFolderSync({ bucket, settings, folder, log }: Readonly<{ bucket: Bucket; settings: EnvironmentSettings; folder: string; log: (line: string) => void }>): Promise<FolderSync> {
  const known = new Map<string, string>();
  let lastProblem: string | undefined;
  let turn: Promise<void> = Promise.resolve();
  const once = async (): Promise<void> => {
    try {
      const { written, deleted } = await bucket.mirror(settings.dagPath, folder, known);
      if (written + deleted > 0) log(`${settings.name}: DAG folder synced, ${written} files written, ${deleted} deleted.`);
      lastProblem = undefined;
    } catch (error) {
      const problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if (problem !== lastProblem) log(`${settings.name}: the DAG folder s3://${settings.bucket}/${settings.dagPath} could not be synced: ${problem}`);
      lastProblem = problem;
    }
  };
  // One after another: two at once would delete each other's new files.
  const now = (): Promise<void> => (turn = turn.then(once));
  await now();
  const timer = setInterval(() => void now(), Math.max(settings.syncSeconds, 0.2) * 1000);
  timer.unref();
  return {
    now,
    async stop() {
      clearInterval(timer);
      await turn;
      bucket.close();
    },
  };
}
