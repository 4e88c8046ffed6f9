/**
 * Airflow options whose values may be shown: numbers, switches and choices. Everything else is "(hidden)", for an option can hold
 * a password, a connection string or a command. An option that is missing here is merely less readable; the reverse could leak.
 */
import { OPTION_FACTS } from './option-facts.js';

/** Besides these: every option that Airflow itself has as a number or a switch, as long as its value is one. */
const VISIBLE: ReadonlySet<string> = new Set([
  'api.maximum_page_limit',
  'celery.sync_parallelism', 'celery.worker_autoscale',
  'core.check_slas', 'core.dag_discovery_safe_mode', 'core.dag_file_processor_timeout', 'core.dagbag_import_timeout',
  'core.dags_are_paused_at_creation', 'core.default_pool_task_slot_count', 'core.default_task_retries', 'core.default_task_execution_timeout',
  'core.default_timezone', 'core.enable_xcom_pickling', 'core.execute_tasks_new_python_interpreter', 'core.killed_task_cleanup_time',
  'core.lazy_discover_providers', 'core.lazy_load_plugins', 'core.load_default_connections', 'core.max_active_runs_per_dag',
  'core.max_active_tasks_per_dag', 'core.max_map_length', 'core.max_num_rendered_ti_fields_per_task', 'core.min_serialized_dag_fetch_interval',
  'core.min_serialized_dag_update_interval', 'core.parallelism', 'core.store_dag_code',
  'database.max_db_retries', 'database.sql_alchemy_max_overflow', 'database.sql_alchemy_pool_recycle', 'database.sql_alchemy_pool_size',
  'logging.logging_level', 'logging.fab_logging_level',
  'scheduler.catchup_by_default', 'scheduler.dag_dir_list_interval', 'scheduler.job_heartbeat_sec', 'scheduler.max_dagruns_per_loop_to_schedule',
  'scheduler.max_dagruns_to_create_per_loop', 'scheduler.max_threads', 'scheduler.max_tis_per_query', 'scheduler.min_file_process_interval',
  'scheduler.parsing_processes', 'scheduler.schedule_after_task_execution', 'scheduler.scheduler_heartbeat_sec',
  'scheduler.scheduler_idle_sleep_time', 'scheduler.scheduler_zombie_task_threshold', 'scheduler.task_queued_timeout',
  'scheduler.use_row_level_locking', 'scheduler.zombie_detection_interval', 'scheduler.pool_metrics_interval',
  'triggerer.default_capacity',
  'webserver.auto_refresh_interval', 'webserver.dag_default_view', 'webserver.dag_orientation', 'webserver.default_ui_timezone',
  'webserver.expose_config', 'webserver.hide_paused_dags_by_default', 'webserver.page_size', 'webserver.session_lifetime_minutes',
  'webserver.web_server_master_timeout', 'webserver.web_server_worker_timeout', 'webserver.workers',
]);

export const HIDDEN = '(hidden)';

/** The value where it may be shown. A value with anything but plain words is hidden even then. */
export const visibleValue = (option: string, value: string): string =>
  (VISIBLE.has(option) && /^[A-Za-z0-9_.,:/+ -]{0,64}$/.test(value) && !value.includes('://')) || (isPlain(value) && isNumberOrSwitch(option)) ? value : HIDDEN;

const isPlain = (value: string): boolean => /^(true|false|-?\d{1,9}(\.\d{1,6})?)$/iu.test(value.trim());

/** Every default that it ever had is plain; one without any default says nothing of itself. */
function isNumberOrSwitch(option: string): boolean {
  const known = Object.hasOwn(OPTION_FACTS.options, option) ? OPTION_FACTS.options[option] : undefined;
  const standards = known?.changes.map(([, standard]) => standard).filter((standard) => typeof standard === 'string' && standard !== '') ?? [];
  return known?.isSensitive !== true && standards.length > 0 && standards.every((standard) => typeof standard === 'string' && isPlain(standard));
}

/** Options as they may be shown, stored and digested. */
export const visibleOptions = (options: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(options).map(([option, value]) => [option, visibleValue(option, value)]));
