/** plan: the whole phase without AWS's own time. 500 options, 5,000 DAG files in bucket and repository, 500 DAGs; everything that is asked for answers at once. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { OPTION_FACTS } from '../../src/airflow/option-facts.js';
import { listRepositoryFiles } from '../../src/gateways/repository-files.js';
import { planMigration } from '../../src/phases/plan.js';
import { anEnvironment } from '../builders/values.js';
import { World } from '../builders/world.js';
import { report, rounded, say } from './figure.js';

/** docs/reference/benchmarks.md */
const MOST_SECONDS = 3, OPTIONS = 500, FILES = 5_000, DAGS = 500;
/** Bytes of one DAG file: longer than most. */
const FILE_BYTES = 4_000;

export async function benchPlan({ repeat }: Readonly<{ repeat: number }>): Promise<void> {
  const workspace = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-bench-plan-'));
  try {
    const world = aLargeWorld(workspace);
    const seconds: number[] = [], processor: number[] = [];
    let bytes: string | undefined, isSame = true;
    for (let turn = 0; turn < repeat; turn += 1) {
      const context = { ...world.context({ phase: 'plan' }), repositoryFiles: (folder: string) => listRepositoryFiles(workspace, folder) };
      const started = performance.now(), used = process.cpuUsage();
      const { document } = await planMigration(context);
      seconds.push((performance.now() - started) / 1000);
      const { user, system } = process.cpuUsage(used);
      processor.push((user + system) / 1e6);
      isSame = isSame && (bytes ?? document?.text) === document?.text;
      bytes = document?.text;
      say(`plan: ${seconds.at(-1)?.toFixed(2)} s`);
    }
    const ours = Math.min(...seconds);
    report({
      bench: 'plan', options: OPTIONS, dag_files: FILES, dags: DAGS, ours_seconds: rounded(ours), processor_seconds: rounded(Math.min(...processor)), plan_json_kib: Math.round((bytes?.length ?? 0) / 1024), same_bytes: isSame,
      promise: `ours_seconds <= ${MOST_SECONDS}, without AWS's own time`, holds: ours <= MOST_SECONDS, all_ours: seconds.map((each) => rounded(each)),
    });
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

function aLargeWorld(workspace: string): World {
  const world = new World();
  const known = Object.keys(OPTION_FACTS.options).sort().slice(0, OPTIONS);
  world.environments.set('analytics', anEnvironment({ AirflowConfigurationOptions: Object.fromEntries(known.map((option, at) => [option, String(at)])) }));
  for (let at = 0; at < DAGS; at += 1) world.dags.source.set(`dag_${at}`, at % 3 === 0);
  for (let at = 0; at < FILES; at += 1) {
    const name = `team_${at % 50}/dag_${at}.py`, text = `# ${at}\n`.padEnd(FILE_BYTES, 'x');
    world.put('analytics-bucket', `dags/${name}`, text);
    mkdirSync(path.dirname(path.join(workspace, 'dags', name)), { recursive: true });
    // Every tenth is another one.
    writeFileSync(path.join(workspace, 'dags', name), at % 10 === 0 ? text.toUpperCase() : text);
  }
  return world;
}
