/**
 * Options that MWAA sets itself after the user's: whatever an environment's configuration says of them does nothing.
 * Source: "essential" settings in images/airflow/<version>/python/mwaa/config/airflow.py and the protected variables in
 * setup_environment.py, https://github.com/aws/amazon-mwaa-docker-images (2.9.2 to 3.3.1; older images are not public).
 */
import { isAtLeast } from './versions.js';

type Fixed = Readonly<{ since?: string; before?: string; why: string }>;

const OURS = 'MWAA sets it itself, after every setting of yours';
const QUEUE = 'MWAA sets it to the environment\'s own queue and executor';
const METRICS = 'MWAA sends metrics to CloudWatch by it and sets it itself';

const FIXED: Readonly<Record<string, Fixed>> = {
  'core.executor': { why: QUEUE }, 'core.fernet_key': { why: OURS }, 'core.load_examples': { why: OURS },
  'celery.broker_url': { why: QUEUE }, 'celery.celery_config_options': { why: QUEUE }, 'celery.result_backend': { why: QUEUE }, 'celery.worker_enable_remote_control': { why: QUEUE },
  'celery_broker_transport_options.visibility_timeout': { why: QUEUE, before: '3.2' },
  'operators.default_queue': { why: QUEUE },
  'database.sql_alchemy_conn': { why: OURS }, 'core.sql_alchemy_conn': { why: OURS },
  'logging.logging_config_class': { why: OURS },
  'scheduler.standalone_dag_processor': { why: OURS },
  'metrics.statsd_host': { why: METRICS }, 'metrics.statsd_port': { why: METRICS }, 'metrics.statsd_prefix': { why: METRICS },
  'webserver.base_url': { why: OURS }, 'webserver.config_file': { why: OURS, before: '3' }, 'webserver.cookie_secure': { why: OURS, before: '3' }, 'webserver.secret_key': { why: OURS },
  'api_auth.jwt_algorithm': { why: OURS, since: '3' }, 'execution_api.jwt_expiration_time': { why: OURS, since: '3' },
  'fab.config_file': { why: OURS, since: '3' }, 'api.secret_key': { why: OURS, since: '3' }, 'api_auth.jwt_secret': { why: OURS, since: '3' },
  'core.auth_manager': { why: OURS, since: '3' }, 'core.execution_api_server_url': { why: OURS, since: '3' },
};

/** Why MWAA ignores a setting of this option; undefined: it does not. @param version Airflow of the environment */
export function fixedByMwaa(option: string, version: string): string | undefined {
  const fixed = FIXED[option];
  if (!fixed || (fixed.since !== undefined && !isAtLeast(version, fixed.since)) || (fixed.before !== undefined && isAtLeast(version, fixed.before))) return undefined;
  return fixed.why;
}
