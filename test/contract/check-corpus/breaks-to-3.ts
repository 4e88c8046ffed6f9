import type { Break, Road } from './break-table.js';

export const ROAD_TO_3: Road = { name: '2.7.2-to-3.3.1', source: '2.7.2', target: '3.3.1' };

const LOAD_ERROR = ['import-error', 'dag-error'] as const;

/** Python 3.11 to 3.12, SQLAlchemy 1.4 to 2.0, and all that Airflow 3 took away. */
export const BREAKS_TO_3: readonly Break[] = [
  {
    file: 'dags/start_days_ago.py', dagIds: ['start_days_ago'], hidden: false,
    breaks: 'imports days_ago', since: 'Airflow 3',
    seen: /cannot import name 'days_ago' from 'airflow\.utils\.dates'/u,
    codes: ['import-removed', ...LOAD_ERROR], places: ['dags/start_days_ago.py:5', 'dags/start_days_ago.py:7'],
    cure: [
      { file: 'dags/start_days_ago.py', from: 'from airflow.utils.dates import days_ago', to: 'from pendulum import today' },
      { file: 'dags/start_days_ago.py', from: 'days_ago(2)', to: 'today("UTC").add(days=-2)' },
    ],
  },
  {
    file: 'dags/parts_as_subdag.py', dagIds: ['parts_as_subdag', 'parts_as_subdag.parts'], hidden: false,
    breaks: 'uses a sub-DAG', since: 'Airflow 3',
    seen: /No module named 'airflow\.operators\.subdag'/u,
    codes: ['import-removed', ...LOAD_ERROR], places: ['dags/parts_as_subdag.py:7', 'dags/parts_as_subdag.py:20'],
    cure: [
      { file: 'dags/parts_as_subdag.py', from: 'from airflow.operators.subdag import SubDagOperator', to: 'from airflow.sdk import TaskGroup' },
      { file: 'dags/parts_as_subdag.py', from: 'with DAG(name, start_date=START, schedule="@daily") as inner', to: 'with TaskGroup(name) as inner' },
      { file: 'dags/parts_as_subdag.py', from: 'SubDagOperator(task_id="parts", subdag=parts("parts_as_subdag.parts"))', to: 'parts("parts")' },
    ],
  },
  {
    file: 'dags/statement_in_file.py', dagIds: ['statement_in_file'], hidden: false,
    breaks: 'a statement in a file uses execution_date and next_execution_date', since: 'Airflow 3',
    seen: 'template', codes: ['template-name-removed'], places: ['dags/sql/move_orders.sql:4'],
    cure: [
      { file: 'dags/sql/move_orders.sql', from: '{{ execution_date }}', to: '{{ data_interval_start }}' },
      { file: 'dags/sql/move_orders.sql', from: '{{ next_execution_date }}', to: '{{ data_interval_end }}' },
    ],
  },
  {
    file: 'dags/asks_the_database.py', dagIds: ['asks_the_database'], hidden: false,
    breaks: "opens a session on Airflow's database while the file is parsed", since: 'Airflow 3',
    seen: /Direct database access via the ORM is not allowed/u,
    codes: ['database-access', ...LOAD_ERROR], places: ['dags/asks_the_database.py:8', 'dags/asks_the_database.py:13', 'dags/asks_the_database.py:14', 'dags/asks_the_database.py:20'],
    cure: [
      { file: 'dags/asks_the_database.py', from: 'from airflow.utils.session import create_session\n', to: '' },
      { file: 'dags/asks_the_database.py', from: 'from airflow.models import Pool\n', to: '' },
      { file: 'dags/asks_the_database.py', from: '    try:\n        with create_session() as session:\n            return [pool.pool for pool in session.query(Pool)]\n    except ValueError:\n        return []\n', to: '    return []\n' },
    ],
  },
  {
    file: 'dags/call_the_shop.py', dagIds: ['call_the_shop'], hidden: false,
    breaks: 'imports an operator that the HTTP provider has renamed', since: 'Airflow 2.11.2 (http provider 6)',
    seen: /cannot import name 'SimpleHttpOperator'/u,
    codes: ['import-removed', ...LOAD_ERROR], places: ['dags/call_the_shop.py:6'],
    cure: [
      { file: 'dags/call_the_shop.py', from: 'import SimpleHttpOperator', to: 'import HttpOperator' },
      { file: 'dags/call_the_shop.py', from: '    SimpleHttpOperator(', to: '    HttpOperator(' },
    ],
  },
  {
    file: 'dags/dags_from_yaml.py', dagIds: ['churn_report'], hidden: true,
    breaks: 'a DAG factory hands DAG arguments from a YAML file that are gone: schedule_interval, default_view', since: 'Airflow 3',
    seen: /unexpected keyword argument 'schedule_interval'/u,
    codes: LOAD_ERROR, places: ['dags/dags_from_yaml.py:11'],
    cure: [{ file: 'dags/analysts.yaml', from: '{ schedule_interval: "0 5 * * 1", catchup: false, default_view: graph }', to: '{ schedule: "0 5 * * 1", catchup: false }' }],
  },
  {
    file: 'dags/trading_days.py', dagIds: ['trading_days'], hidden: true,
    breaks: 'its timetable is registered by a plugin that no longer loads, because the plugin also has a page', since: 'Airflow 3',
    seen: /Timetable class 'trading_calendar\.TradingDayTimetable' is not registered/u,
    codes: ['plugin-error', 'dag-not-serializable'], places: ['plugins/exchange_plugin.py:4', 'plugins/exchange_plugin.py', 'dags/trading_days.py'],
    cure: [
      { file: 'plugins/exchange_plugin.py', from: 'from airflow.www.app import csrf\n', to: '' },
      { file: 'plugins/exchange_plugin.py', from: 'csrf.exempt(page)\n', to: '' },
    ],
  },
  {
    file: 'dags/load_settings.py', dagIds: ['load_settings'], hidden: true,
    breaks: 'a function called while the file is parsed imports imp', since: 'Python 3.12',
    seen: /No module named 'imp'/u,
    codes: LOAD_ERROR, places: ['dags/load_settings.py:11', 'dags/load_settings.py:17'],
    cure: [
      { file: 'dags/load_settings.py', from: 'import imp\n', to: 'from runpy import run_path\n' },
      { file: 'dags/load_settings.py', from: 'imp.load_source("table_settings", str(Path(__file__).with_name("table_settings.py"))).TABLES', to: 'run_path(str(Path(__file__).with_name("table_settings.py")))["TABLES"]' },
    ],
  },
  {
    file: 'dags/mart_totals.py', dagIds: ['mart_totals'], hidden: true,
    breaks: 'a helper module gives select() a list, as SQLAlchemy 1 wanted it', since: 'SQLAlchemy 2.0',
    seen: /ArgumentError: Column expression, FROM clause, or other columns clause element expected/u,
    codes: LOAD_ERROR, places: ['dags/statements.py:9', 'dags/mart_totals.py:10'],
    cure: [{ file: 'dags/statements.py', from: 'sa.select([sa.func.sum(orders.c.total)])', to: 'sa.select(sa.func.sum(orders.c.total))' }],
  },
  {
    file: 'dags/stock/daily_stock.py', dagIds: ['daily_stock'], hidden: true,
    breaks: 'a line of .airflowignore that as an expression meant no file means this one as a glob', since: 'Airflow 3 (dag_ignore_file_syntax)',
    seen: 'lost', codes: ['dag-lost'], places: ['dags/stock/daily_stock.py', 'dags/stock/.airflowignore'],
    cure: [{ file: 'dags/stock/.airflowignore', from: 'daily_*.py', to: '' }],
  },
];
