import type { Break, Road } from './break-table.js';

export const ROAD_FROM_1_10: Road = { name: '1.10.12-to-2.10.3', source: '1.10.12', target: '2.10.3' };

const LOAD_ERROR = ['import-error', 'dag-error'] as const;

/** Python 3.7 to 3.11, and everything that Airflow 2 refuses for which 1.10 only warned. */
export const BREAKS_FROM_1_10: readonly Break[] = [
  {
    file: 'dags/warehouse_sensor.py', dagIds: ['warehouse_sensor'], hidden: false,
    breaks: 'imports a sensor from airflow.operators.sensors', since: 'Airflow 2.0',
    seen: /No module named 'airflow\.operators\.sensors'/u,
    codes: ['import-removed', ...LOAD_ERROR], places: ['dags/warehouse_sensor.py:6'],
    cure: [{ file: 'dags/warehouse_sensor.py', from: 'from airflow.operators.sensors import', to: 'from airflow.sensors.external_task import' }],
  },
  {
    file: 'dags/audited_export.py', dagIds: ['audited_export'], hidden: true,
    breaks: 'imports an operator that a plugin registers, which plugins no longer do', since: 'Airflow 2.0',
    seen: /No module named 'airflow\.operators\.audit_plugin'/u,
    codes: ['plugin-import-removed', 'import-removed', ...LOAD_ERROR], places: ['dags/audited_export.py:6'],
    cure: [{ file: 'dags/audited_export.py', from: 'from airflow.operators.audit_plugin import', to: 'from audit_plugin import' }],
  },
  {
    file: 'dags/working_days.py', dagIds: ['working_days'], hidden: true,
    breaks: "imports a plugin's macro from airflow.macros, in a function that is called while the file is parsed", since: 'Airflow 2.0',
    seen: /No module named 'airflow\.macros\.calendar_plugin'/u,
    codes: ['plugin-import-removed', 'import-removed', ...LOAD_ERROR], places: ['dags/working_days.py:12', 'dags/working_days.py:18'],
    cure: [{ file: 'dags/working_days.py', from: 'from airflow.macros.calendar_plugin import', to: 'from calendar_plugin import' }],
  },
  {
    file: 'dags/on_call.py', dagIds: ['on_call'], hidden: true,
    breaks: "a base class in a helper module hands BashOperator an argument that it never had, by **kwargs", since: 'Airflow 2.0',
    seen: /Invalid arguments were passed to CompanyBashOperator[^]*on_call/u,
    codes: LOAD_ERROR, places: ['dags/company_operators.py:11', 'dags/on_call.py:9'],
    cure: [{ file: 'dags/company_operators.py', from: 'kwargs.setdefault("on_call", "data-platform")', to: 'kwargs.pop("on_call", None)' }],
  },
  {
    file: 'dags/same_task_twice.py', dagIds: ['same_task_twice'], hidden: true,
    breaks: 'a loop makes the same task id twice', since: 'Airflow 2.0',
    seen: /Task id 'check_orders' has already been added to the DAG/u,
    codes: LOAD_ERROR, places: ['dags/same_task_twice.py:12'],
    cure: [{ file: 'dags/same_task_twice.py', from: 'table.split(".")[-1]', to: 'table' }],
  },
  {
    file: 'dags/region_middle_east.py', dagIds: ['country_tr'], hidden: true,
    breaks: 'loops in two files make the same DAG id', since: 'Airflow 2.2 (1.10 took the last without a word)',
    seen: /AirflowDagDuplicatedIdException: Ignoring DAG country_tr/u,
    codes: ['dag-duplicate'], places: ['dags/region_middle_east.py', 'dags/region_europe.py'],
    cure: [{ file: 'dags/region_middle_east.py', from: '"il", "tr"', to: '"il"' }],
  },
  {
    file: 'dags/only_on_1_10.py', dagIds: ['only_on_1_10'], hidden: true,
    breaks: 'makes its DAG only when it reads that the release is a 1.10', since: 'Airflow 2.0',
    seen: 'lost', codes: ['dag-lost'], places: ['dags/only_on_1_10.py'],
    cure: [{ file: 'dags/only_on_1_10.py', from: 'if airflow.__version__.startswith("1.10"):', to: 'if airflow.__version__ >= "1.10":' }],
  },
  {
    file: 'dags/old_inspection.py', dagIds: ['old_inspection'], hidden: true,
    breaks: 'a function called while the file is parsed imports inspect.getargspec', since: 'Python 3.11',
    seen: /cannot import name 'getargspec' from 'inspect'/u,
    codes: LOAD_ERROR, places: ['dags/old_inspection.py:10', 'dags/old_inspection.py:20'],
    cure: [
      { file: 'dags/old_inspection.py', from: 'import getargspec', to: 'import getfullargspec' },
      { file: 'dags/old_inspection.py', from: 'return getargspec(', to: 'return getfullargspec(' },
    ],
  },
  {
    file: 'dags/seconds_as_number.py', dagIds: ['seconds_as_number'], hidden: true,
    breaks: 'default_args hold the execution_timeout as a number', since: 'Airflow 2.4',
    seen: /execution_timeout must be timedelta object/u,
    codes: LOAD_ERROR, places: ['dags/seconds_as_number.py:12'],
    cure: [
      { file: 'dags/seconds_as_number.py', from: 'from datetime import datetime', to: 'from datetime import datetime, timedelta' },
      { file: 'dags/seconds_as_number.py', from: '60 * 60', to: 'timedelta(hours=1)' },
    ],
  },
];
