/** What the programs that check starts get of our environment: an allow-list, so that a variable nobody thought of stays here. Pure. */
import type { Variables } from './refuse-credentials.js';

export type Environment = Readonly<Record<string, string>>;

/** Proxies and certificates: for whoever has to reach a package registry. */
const NETWORK = /^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy)$/u;
/** Where packages come from; addresses of private registries hold passwords, so DAG code never sees them. */
const REGISTRY = /^(PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CERT|TRUSTED_HOST|CONFIG_FILE|DEFAULT_TIMEOUT|PROXY)|UV_\w+|XDG_(CACHE|CONFIG)_HOME|NETRC)$/u;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * For uv and pip, which run build scripts of packages: no token of the runner, but the user's own package registry.
 * Links into uv's cache would lead nowhere for DAG code, which does not see it.
 */
export function installerEnvironment(env: Variables, home: string): Environment {
  return { ...pipsRegistry(env), PATH: env['PATH'] || PATH, HOME: home, LANG: 'C.UTF-8', ...pick(env, NETWORK), ...pick(env, REGISTRY), ...(env['UV_LINK_MODE'] === 'symlink' ? { UV_LINK_MODE: 'copy' } : {}), UV_NO_PROGRESS: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };
}

/**
 * The same for what a pull request asks for.
 * @param own a home, and a cache that nobody uses after it
 */
export const sealedInstaller = (installer: Environment, own: Readonly<{ home: string; cache: string }>, marker: string): Environment => ({
  // uv's settings are the user's; the rest of the home folder is not for a setup.py.
  ...installer, XDG_CONFIG_HOME: installer['XDG_CONFIG_HOME'] || `${installer['HOME'] ?? ''}/.config`, HOME: own.home, TMPDIR: own.home, UV_CACHE_DIR: own.cache, XDG_CACHE_HOME: own.cache, MWAA_MIGRATE_CHECK: marker,
});

/** uv does not read pip's variables, and people have set those. */
function pipsRegistry(env: Variables): Environment {
  if (Object.keys(env).some((name) => /^UV_(DEFAULT_INDEX|INDEX(_URL)?|EXTRA_INDEX_URL|FIND_LINKS)$/u.test(name))) return {};
  const same = { PIP_INDEX_URL: 'UV_DEFAULT_INDEX', PIP_EXTRA_INDEX_URL: 'UV_INDEX', PIP_FIND_LINKS: 'UV_FIND_LINKS' } as const;
  return Object.fromEntries(Object.entries(same).flatMap(([pip, uv]) => {
    const value = env[pip];
    // pip takes several with spaces between, uv's find-links with commas.
    return value ? [[uv, uv === 'UV_FIND_LINKS' ? value.trim().split(/\s+/u).join(',') : value]] : [];
  }));
}

/** Airflow options as MWAA would set them; `section.key`. Secrets and places of another machine stay out, whatever the file says. */
const LEFT_OUT = /^(secrets|database|celery|celery_broker_transport_options|logging|webserver|smtp|sentry|metrics|kerberos|aws|api|api_auth|fab|workers|execution_api)\.|^core\.(fernet_key|sql_alchemy_conn\w*|dags_folder|plugins_folder|load_examples|executor|auth_manager|internal_api_\w+|simple_auth_manager_\w+)$|(_cmd|_secret|password|token)$/u;

export type Places = Readonly<{ home: string; temporary: string; dags: string; plugins: string; scripts: string; bin: string }>;

/**
 * For everything that loads DAG files.
 * @param options target.configuration of the migration file; null removes an option, so it is as if absent
 * @param marker tells our processes from others when they have to be ended
 */
export function dagEnvironment(places: Places, options: Readonly<Record<string, string | null>>, marker: string): Environment {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    const [section, ...rest] = name.split('.');
    if (value === null || section === undefined || rest.length === 0 || LEFT_OUT.test(name)) continue;
    own[`AIRFLOW__${section.toUpperCase()}__${rest.join('.').toUpperCase()}`] = value;
  }
  return {
    ...own,
    PATH: `${places.bin}:${PATH}`, HOME: places.home, TMPDIR: places.temporary, LANG: 'C.UTF-8', TZ: 'UTC', PYTHONPATH: places.scripts, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0',
    // Their thread pools count against the limit of processes and of memory.
    OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1',
    AIRFLOW_HOME: places.home, AIRFLOW__CORE__DAGS_FOLDER: places.dags, AIRFLOW__CORE__PLUGINS_FOLDER: places.plugins, AIRFLOW__CORE__LOAD_EXAMPLES: 'False', AIRFLOW__CORE__UNIT_TEST_MODE: 'False',
    AIRFLOW__CORE__EXECUTOR: 'SequentialExecutor',
    AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS: 'True', AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH: '100',
    AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns', AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: `sqlite:///${places.home}/airflow.db`,
    AIRFLOW__LOGGING__LOGGING_LEVEL: 'WARNING', AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: 'False',
    MWAA_MIGRATE_CHECK: marker,
  };
}

const pick = (env: Variables, names: RegExp): Environment => Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => names.test(entry[0]) && entry[1] !== undefined));
