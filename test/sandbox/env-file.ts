/** What a person is told of a sandbox: the text of sandbox.env, and an environment's lines in the terminal. */
import type { Sandbox, SandboxEnvironment } from './world.js';

/** Else the aws CLI and boto3 would put MWAA's prefixes before the loopback address (http://api.127.0.0.1:…); botocore, configprovider.py. */
const NO_HOST_PREFIX = { AWS_DISABLE_HOST_PREFIX_INJECTION: 'true' };

/** For `set -a; . FILE; set +a`. Roles are assumed by OIDC, so no key stands here that the action would take up by mistake. */
export function envFileText(sandbox: Pick<Sandbox, 'spec' | 'environments' | 'env' | 'rootCredentials'>): string {
  const variables = Object.entries({ ...sandbox.env(), ...NO_HOST_PREFIX }).map(([name, value]) => `${name}='${value}'`);
  const keys = sandbox.spec.accounts.map((account) => {
    const { accessKeyId, secretAccessKey } = sandbox.rootCredentials(account);
    return `# root of ${account}, for the aws CLI: export AWS_ACCESS_KEY_ID='${accessKeyId}' AWS_SECRET_ACCESS_KEY='${secretAccessKey}'`;
  });
  // One that is still being made, or that failed, has no Airflow to log in to.
  const environments = [...sandbox.environments.values()].filter(({ webserverUrl }) => webserverUrl !== undefined).flatMap(({ name, webserverUrl, running }) => [
    `# ${name}: UI ${webserverUrl} user ${running.login.username} password ${running.login.password}`,
    `# ${name}: database ${running.databaseUrl} Fernet key ${running.fernetKey}`,
  ]);
  return ['# Written by npm run sandbox. Valid while that sandbox runs.', ...variables, ...keys, ...environments, ''].join('\n');
}

/** Name, login and bucket of one environment whose Airflow runs. */
export const environmentLines = ({ name, account, region, webserverUrl, bucket, running }: SandboxEnvironment): readonly string[] => [
  `${name}  Airflow ${running.settings.airflowVersion}, ${account}, ${region}`,
  `  UI      ${webserverUrl ?? '-'}  user ${running.login.username}, password ${running.login.password}`,
  `  bucket  s3://${bucket}`,
];
