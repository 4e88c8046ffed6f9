/** A pull request comment such as a team gets: options with other names, DAGs that will not work, nothing that blocks. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CheckFinding, CheckReport } from '../../src/check/check-report.js';
import { phases } from '../../src/phases/index.js';
import { aMigrationFile, anEnvironment } from '../../test/builders/values.js';
import { World } from '../../test/builders/world.js';

const finding = (given: Partial<CheckFinding> & Pick<CheckFinding, 'code' | 'level' | 'what'>): CheckFinding => ({ file: undefined, line: undefined, dagId: undefined, why: undefined, fix: undefined, replacement: undefined, ...given });

const CHECK: CheckReport = {
  schema: 1, migrationId: 'analytics-2026', versions: { source: '2.4.3', target: '2.10.3', python: '3.11' }, counts: { dagFiles: 214, dags: 209, requirements: 17, plugins: 4 },
  findings: [
    finding({ code: 'import-removed', level: 'error', file: 'dags/billing/invoices.py', line: 7, what: 'airflow.providers.amazon.aws.operators.aws_lambda is not there any more', why: 'the target has apache-airflow-providers-amazon 9.0.0', fix: 'Import it from where it is now', replacement: 'from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator' }),
    finding({ code: 'import-error', level: 'error', file: 'dags/crm/sync.py', line: 31, what: 'ModuleNotFoundError: No module named \'pymssql\'', fix: 'Name the package in requirements.txt, or remove the import' }),
    finding({ code: 'dag-starts-unpaused', level: 'warning', file: 'dags/reports/weekly.py', line: 12, dagId: 'weekly', what: 'is_paused_upon_creation=False', why: 'it would begin to run before its history is there', fix: 'Remove the argument' }),
  ],
  dags: [], notChecked: [],
};

/** @param folder a temporary one */
export async function exampleComment(folder: string): Promise<string> {
  const report = path.join(folder, 'check.json');
  writeFileSync(report, JSON.stringify(CHECK));
  const world = new World();
  world.environments.set('analytics', anEnvironment({
    AirflowVersion: '2.4.3', EnvironmentClass: 'mw1.medium',
    AirflowConfigurationOptions: {
      'core.dag_concurrency': '24', 'core.max_active_runs_per_dag': '4', 'core.sql_alchemy_pool_size': '10', 'core.check_slas': 'False', 'scheduler.dag_dir_list_interval': '60', 'smtp.smtp_host': 'mail.example.org', 'core.executor': 'CeleryExecutor',
      'secrets.backend': 'airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend', 'secrets.backend_kwargs': '{}',
    },
  }));
  for (let at = 0; at < 206; at += 1) world.dags.source.set(`team_${at % 9}.load_${at}`, at % 4 === 0);
  Object.assign(world.counts, { dags: 209, dagRuns: 48_211, taskInstances: 1_204_377, pools: 12, importErrors: 1 });
  let body = '';
  const context = world.context({ phase: 'plan', checkReport: report }, aMigrationFile({ id: 'analytics-2026' }));
  await phases.plan?.({
    ...context,
    github: {
      run: () => Promise.resolve({ url: 'https://github.com/octo-org/workflows/actions/runs/9871', id: '9871', commit: '5f3c1e0a9b7d', pullRequest: { number: 7, isFork: false } }),
      comments: { put: (_, __, text) => { body = text; return Promise.resolve('created'); } }, toolVersion: context.github.toolVersion,
    },
  });
  return body;
}
