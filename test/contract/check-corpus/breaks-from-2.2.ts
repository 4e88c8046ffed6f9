import type { Break, Road } from './break-table.js';

export const ROAD_FROM_2_2: Road = { name: '2.2.2-to-2.10.3', source: '2.2.2', target: '2.10.3' };

const LOAD_ERROR = ['import-error', 'dag-error'] as const;

/** The same Airflow 2 outside, but other providers, packages and checks inside. */
export const BREAKS_FROM_2_2: readonly Break[] = [
  {
    file: 'dags/operators_by_name.py', dagIds: ['operators_by_name'], hidden: true,
    breaks: "importlib gets an operator's module, by a name from a table, that the provider has dropped", since: 'Airflow 2.4.3 (amazon provider 6.0)',
    seen: /No module named 'airflow\.providers\.amazon\.aws\.operators\.emr_create_job_flow'/u,
    codes: ['import-removed', ...LOAD_ERROR], places: ['dags/operators_by_name.py:13', 'dags/operators_by_name.py:17'],
    cure: [
      { file: 'dags/operators_by_name.py', from: '"emr_create_job_flow"', to: '"emr"' },
      { file: 'dags/operators_by_name.py', from: '"emr_terminate_job_flow"', to: '"emr"' },
    ],
  },
  {
    file: 'dags/redshift_load.py', dagIds: ['redshift_load'], hidden: true,
    breaks: "an argument that the provider's operator has dropped comes by a dictionary", since: 'Airflow 2.4.3 (amazon provider 6.0)',
    seen: /Invalid arguments were passed to S3ToRedshiftOperator[^]*truncate_table/u,
    codes: LOAD_ERROR, places: ['dags/redshift_load.py:13'],
    cure: [{ file: 'dags/redshift_load.py', from: 'COPY["truncate_table"] = True', to: 'COPY["method"] = "REPLACE"' }],
  },
  {
    file: 'dags/cached_settings.py', dagIds: ['cached_settings'], hidden: true,
    breaks: 'a function of a helper module imports a package that only came along with the older Airflow', since: 'Airflow 2.4.3',
    seen: /No module named 'cached_property'/u,
    codes: LOAD_ERROR, places: ['dags/shared/settings.py:5', 'dags/cached_settings.py:10'],
    cure: [{ file: 'dags/shared/settings.py', from: 'from cached_property import', to: 'from functools import' }],
  },
  {
    file: 'dags/mails_from_settings.py', dagIds: ['mails_from_settings'], hidden: true,
    breaks: 'default_args from a JSON file give email_on_retry as a text, and operators check types now', since: 'Airflow 2.10',
    seen: /'email_on_retry' has an invalid type <class 'str'>/u,
    codes: LOAD_ERROR, places: ['dags/mails_from_settings.py:14'],
    cure: [{ file: 'dags/department.json', from: '"email_on_retry": "no"', to: '"email_on_retry": false' }],
  },
  {
    file: 'dags/last_of_month.py', dagIds: ['last_of_month'], hidden: true,
    breaks: 'a schedule put together from numbers asks for day 0, which croniter took and takes no longer', since: 'Airflow 2.4.3 (croniter 1.3)',
    seen: /AirflowTimetableInvalid: \[30 4 0 \* \*\] is not acceptable/u,
    codes: LOAD_ERROR, places: ['dags/last_of_month.py', 'dags/last_of_month.py:10'],
    cure: [{ file: 'dags/last_of_month.py', from: 'MINUTE, HOUR, DAY = 30, 4, 0', to: 'MINUTE, HOUR, DAY = 30, 4, "L"' }],
  },
  {
    file: 'dags/validated_orders.py', dagIds: ['validated_orders'], hidden: true,
    breaks: "requirements.txt wants a package below the version that the target's constraints ask for", since: 'Airflow 2.4.3 (jsonschema 4)',
    seen: 'resolver', codes: ['requirements-conflict'], places: ['requirements.txt:3'],
    cure: [{ file: 'requirements.txt', from: 'jsonschema<4', to: 'jsonschema' }],
  },
];
