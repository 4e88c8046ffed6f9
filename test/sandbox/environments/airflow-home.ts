/** The folders and files of one environment that must be there before any Airflow process looks for them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** @param airflowHome made with all it needs; what is there already stays */
export function prepareAirflowHome(airflowHome: string): void {
  for (const folder of ['home', 'dags', 'plugins', 'logs', 'config', 'components']) mkdirSync(path.join(airflowHome, folder), { recursive: true, mode: 0o700 });
  // Where it is missing, each of the processes that start together writes a whole one, and another may read half of it.
  writeFileSync(path.join(airflowHome, 'airflow.cfg'), '[core]\n');
  writeFileSync(path.join(airflowHome, 'webserver_config.py'), WEBSERVER_CONFIG);
  writeFileSync(path.join(airflowHome, 'config', 'airflow_local_settings.py'), LOCAL_SETTINGS);
}

/** 1 is Flask-AppBuilder's AUTH_DB: users with passwords in the metadata database. */
const WEBSERVER_CONFIG = `AUTH_TYPE = 1
WTF_CSRF_ENABLED = True
WTF_CSRF_TIME_LIMIT = None
`;

/** Imported by every Airflow process; boto3 reads AWS_ENDPOINT_URL by itself since 1.28 (botocore 1.31). */
const LOCAL_SETTINGS = `import os


def _honour_endpoint_url():
    """Let botocore before 1.31 know AWS_ENDPOINT_URL, as newer ones do."""
    try:
        import botocore
        import botocore.session
    except ImportError:
        return
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint or tuple(int(part) for part in botocore.__version__.split(".")[:2]) >= (1, 31):
        return
    create_client = botocore.session.Session.create_client

    # The position of endpoint_url has not changed between botocore 1.13 and 1.31.
    def with_endpoint(self, service_name, region_name=None, api_version=None, use_ssl=True, verify=None,
                      endpoint_url=None, *args, **kwargs):
        return create_client(self, service_name, region_name, api_version, use_ssl, verify,
                             endpoint_url or endpoint, *args, **kwargs)

    botocore.session.Session.create_client = with_endpoint


_honour_endpoint_url()
`;
