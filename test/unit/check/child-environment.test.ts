import { expect, it } from '@jest/globals';
import { dagEnvironment, installerEnvironment } from '../../../src/check/child-environment.js';

const PLACES = { home: '/t/home', temporary: '/t/tmp', dags: '/t/dags', plugins: '/t/plugins', scripts: '/t/check', bin: '/t/venv/bin' };
/** What a runner and its owner may have set; nothing of it may reach DAG code. */
const RUNNER = {
  GITHUB_ENV: '/x', GITHUB_TOKEN: 'canary', ACTIONS_RUNTIME_TOKEN: 'canary', RUNNER_TEMP: '/x', INPUT_PHASE: 'check', MWAA_INPUTS: 'canary', AWS_REGION: 'eu-west-1', NPM_TOKEN: 'canary', SHOP_PASSWORD: 'canary',
  LD_PRELOAD: '/x.so', PYTHONSTARTUP: '/x.py', NODE_OPTIONS: '--require=/x', HOME: '/root',
};

it('gives installers the way to the registry, and nothing of the runner', () => {
  const env = installerEnvironment({ ...RUNNER, PATH: '/bin', HTTPS_PROXY: 'http://proxy', PIP_INDEX_URL: 'https://pip.example/simple' }, '/home/me');
  expect(env).toMatchObject({ PATH: '/bin', HOME: '/home/me', HTTPS_PROXY: 'http://proxy', PIP_INDEX_URL: 'https://pip.example/simple', UV_DEFAULT_INDEX: 'https://pip.example/simple' });
  expect(JSON.stringify(env)).not.toMatch(/canary|\/x|GITHUB|RUNNER|AWS/u);
});

it('links no package into a cache that DAG code does not see', () => {
  expect(installerEnvironment({ UV_LINK_MODE: 'symlink' }, '/h')['UV_LINK_MODE']).toBe('copy');
  expect(installerEnvironment({ UV_LINK_MODE: 'hardlink' }, '/h')['UV_LINK_MODE']).toBe('hardlink');
});

it("does not override uv's own registry by pip's", () => expect(installerEnvironment({ UV_INDEX_URL: 'https://uv.example', PIP_INDEX_URL: 'https://pip.example' }, '/h')).not.toHaveProperty('UV_DEFAULT_INDEX'));

it('gives DAG code a fixed list: no variable of ours, not even those of the registry', () => {
  // It takes no environment at all, so what can leak is what the migration file says.
  const env = dagEnvironment(PLACES, {}, 'mark');
  expect(Object.keys(env).filter((name) => !/^(AIRFLOW_HOME|AIRFLOW__\w+|PATH|HOME|TMPDIR|LANG|TZ|PYTHON\w+|OPENBLAS_NUM_THREADS|OMP_NUM_THREADS|MWAA_MIGRATE_CHECK)$/u.test(name))).toEqual([]);
  expect(env).toMatchObject({ HOME: '/t/home', AIRFLOW_HOME: '/t/home', TMPDIR: '/t/tmp', AIRFLOW__CORE__DAGS_FOLDER: '/t/dags', AIRFLOW__CORE__PLUGINS_FOLDER: '/t/plugins' });
});

it('sets the options of the target that matter, and none that is secret, removed, or names a place of another machine', () => {
  const env = dagEnvironment(PLACES, {
    'core.default_timezone': 'Europe/Berlin', 'scheduler.catchup_by_default': 'False', 'core.max_active_tasks_per_dag': null, 'core.fernet_key': 'canary', 'secrets.backend_kwargs': 'canary', 'core.dags_folder': '/usr/local/airflow/dags',
    'database.sql_alchemy_conn': 'canary', 'celery.broker_url': 'canary', 'smtp.smtp_password': 'canary', 'custom.api_token': 'canary', 'custom.flag': 'on',
  }, 'mark');
  expect(env).toMatchObject({ AIRFLOW__CORE__DEFAULT_TIMEZONE: 'Europe/Berlin', AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT: 'False', AIRFLOW__CUSTOM__FLAG: 'on', AIRFLOW__CORE__DAGS_FOLDER: '/t/dags', AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns' });
  expect(env).not.toHaveProperty('AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG');
  expect(JSON.stringify(env)).not.toContain('canary');
});
