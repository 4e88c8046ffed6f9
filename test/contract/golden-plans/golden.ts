/** Plans of whole migrations, made from sources such as people have them: one pair of versions each, and one with every option that Airflow knows. */
import { OPTION_FACTS } from '../../../src/airflow/option-facts.js';
import { buildPlan, clonedRole, type PlanInput } from '../../../src/plan/build.js';
import { planDocument } from '../../../src/plan/document.js';
import { checkFindings } from '../../../src/plan/check-findings.js';
import { defaultIn } from '../../../src/plan/option-steps.js';
import type { Plan } from '../../../src/plan/plan.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { planReport } from '../../../src/report/plan-report.js';
import { ACCOUNT, aMigrationFile, anEnvironment, aRole } from '../../builders/values.js';

/** In every source; in no plan. */
export const SECRET = 'golden-secret-value';
const NOW = '2026-11-22T10:00:00.000Z';
const BACKEND_KWARGS = `{"connections_prefix": "analytics/connections", "token": "${SECRET}"}`;

export type Golden = Readonly<{ name: string; from: string; to: string; options: Readonly<Record<string, string>>; requirements: string; configuration?: Readonly<Record<string, string | null>>; source?: Readonly<Record<string, unknown>> }>;

/** Every option with a default of its own at that version, set to it; a free text gets the secret. */
export const everyOption = (version: string): Readonly<Record<string, string>> => Object.fromEntries(Object.keys(OPTION_FACTS.options).sort().flatMap((option) => {
  const standard = defaultIn(option, version, OPTION_FACTS);
  return standard === undefined ? [] : [[option, standard !== null && /^[\w.,-]+$/u.test(standard) ? standard : SECRET] as const];
}));

export const GOLDEN: readonly Golden[] = [
  {
    name: '1.10.12_to_2.10.3', from: '1.10.12', to: '2.10.3', source: { Schedulers: 1, EnvironmentClass: 'mw1.medium', MinWorkers: 1, MaxWorkers: 10 },
    options: { 'core.dag_concurrency': '24', 'core.parallelism': '64', 'core.sql_alchemy_pool_size': '10', 'scheduler.max_threads': '4', 'scheduler.min_file_process_interval': '30', 'core.non_pooled_task_slot_count': '128', 'secrets.backend': 'airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend', 'secrets.backend_kwargs': BACKEND_KWARGS, 'webserver.rbac': 'True', 'core.executor': 'CeleryExecutor' },
    requirements: 'apache-airflow-backport-providers-slack==2020.10.29\npandas==1.1.5\npsycopg2-binary\n',
  },
  {
    name: '2.2.2_to_2.11.2', from: '2.2.2', to: '2.11.2',
    options: { 'core.dag_concurrency': '24', 'core.max_active_runs_per_dag': '4', 'core.sql_alchemy_pool_size': '10', 'core.lazy_load_plugins': 'False', 'smart_sensor.shards': '3', 'scheduler.dag_dir_list_interval': '60', 'email.email_backend': 'airflow.utils.email.send_email_smtp', 'smtp.smtp_host': 'mail.example.org', 'api.auth_backend': 'airflow.api.auth.backend.session', 'secrets.backend_kwargs': BACKEND_KWARGS },
    requirements: '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.2.2/constraints-3.7.txt"\napache-airflow-providers-snowflake==2.3.0\npandas\n',
  },
  {
    name: '2.7.2_to_2.10.3', from: '2.7.2', to: '2.10.3',
    options: { 'core.parallelism': '64', 'scheduler.max_tis_per_query': '512', 'webserver.dag_default_view': 'graph', 'celery.worker_autoscale': '10,5', 'scheduler.catchup_by_default': 'False', 'secrets.backend_kwargs': BACKEND_KWARGS, 'my_plugin.colour': SECRET },
    configuration: { 'core.parallelism': '96', 'webserver.dag_default_view': null }, requirements: 'apache-airflow-providers-snowflake\napache-airflow-providers-amazon==8.7.1\ndbt-core==1.7.0\n',
  },
  {
    name: '2.10.3_to_3.3.1', from: '2.10.3', to: '3.3.1',
    options: { 'core.parallelism': '64', 'scheduler.parsing_processes': '4', 'scheduler.dag_dir_list_interval': '60', 'webserver.expose_config': 'False', 'webserver.web_server_worker_timeout': '300', 'webserver.base_url': 'https://airflow.example.org', 'core.check_slas': 'False', 'core.enable_xcom_pickling': 'False', 'secrets.backend_kwargs': BACKEND_KWARGS },
    requirements: 'apache-airflow-providers-snowflake==5.8.0\napache-airflow-providers-amazon\n',
  },
  { name: '2.10.3_to_2.10.3', from: '2.10.3', to: '2.10.3', options: { 'core.parallelism': '64', 'secrets.backend_kwargs': BACKEND_KWARGS }, requirements: 'apache-airflow-providers-snowflake\n' },
  { name: 'every-option_2.7.2_to_2.10.3', from: '2.7.2', to: '2.10.3', options: everyOption('2.7.2'), requirements: '' },
];

/** The input of a golden plan; every call makes a new one. */
export function inputOf({ from, to, options, requirements, configuration, source }: Golden): PlanInput {
  const version = (name: string, bytes: number) => ({ path: name, versionId: `${name}-version`, bytes, modified: '2026-10-01T08:00:00.000Z', isNewest: true });
  return {
    file: aMigrationFile({ target: { airflowVersion: to, configuration: configuration ?? {} }, metadata: { historyDays: 'all', auditLogDays: 30 } }),
    source: anEnvironment({ AirflowVersion: from, AirflowConfigurationOptions: options, CreatedAt: '2024-03-01T09:00:00.000Z', ...source }), target: undefined, targetAccount: ACCOUNT, sourceRole: aRole(), key: undefined,
    boundary: { arn: `arn:aws:iam::${ACCOUNT}:policy/mwaa-migrate-clone-boundary`, exists: true }, requirements,
    observations: {
      // Below 2.4.3 nothing answers for the lists.
      ...(/^(1|2\.2)\./u.test(from) ? { counts: { dags: undefined, dagRuns: undefined, taskInstances: undefined, pools: undefined, importErrors: undefined }, activeDags: undefined, dags: undefined }
        : {
            counts: { dags: 3, dagRuns: 48_211, taskInstances: 410_522, pools: 4, importErrors: 1 }, activeDags: 2,
            dags: [['hourly_sync', false, 1], ['nightly_load', false, 0], ['old_report', true, 0]].map(([dagId, isPaused, runsInFlight]) => ({
              dagId: String(dagId), isPaused: isPaused === true, runsInFlight: Number(runsInFlight), catchup: undefined, nextDagrun: '2026-11-22T00:00:00Z', nextDagrunDataIntervalStart: '2026-11-22T00:00:00Z', nextDagrunDataIntervalEnd: '2026-11-23T00:00:00Z', nextDagrunCreateAfter: '2026-11-23T00:00:00Z',
            })),
          }),
      dagFiles: 12, objects: { plugins: version('plugins.zip', 20_480), requirements: version('requirements.txt', requirements.length), startupScript: undefined },
      buckets: [{ name: 'analytics-bucket', exists: true, isVersioned: true, isClosedToPublic: true }], key: undefined,
      repository: { folder: 'dags', same: 10, unknown: 0, different: ['nightly_load.py'], onlyInRepository: [], onlyInBucket: ['lib/old.py'] }, missingFolder: undefined,
    },
  };
}

/** The two files that are kept beside this one. */
export function filesOf(golden: Golden): Readonly<{ plan: Plan; markdown: string; json: string }> {
  const input = inputOf(golden), { file, source } = input;
  const built = buildPlan(input), plan = { ...built, warnings: [...built.warnings, ...checkFindings(undefined, file, input.source.AirflowVersion)] };
  const report = planReport({ file, plan, clone: clonedRole(input), source, now: NOW });
  // The environment as code has goldens of its own: test/contract/infrastructure.
  const sections = report.sections.filter(({ title }) => !title.startsWith('The target as '));
  return { plan, markdown: renderMarkdown({ ...report, sections }), json: planDocument({ file, plan, source, check: undefined }) };
}
