/** Phase check runs the code of DAG files. Beside credentials it does not start: whoever can open a pull request would have them. Pure. */
import { UserError } from '../errors.js';

export type Variables = Readonly<Record<string, string | undefined>>;

type Kind = Readonly<{ names: RegExp; what: string; fix: string }>;

const KINDS: readonly Kind[] = [
  { names: /^ACTIONS_ID_TOKEN_REQUEST_(TOKEN|URL)$/u, what: 'the job may ask GitHub for an identity (permission id-token), which AWS takes for a role', fix: 'give the job that runs check "permissions: contents: read" and nothing else; phase plan belongs into another job.' },
  { names: /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|PROFILE|DEFAULT_PROFILE|WEB_IDENTITY_TOKEN_FILE|CONTAINER_CREDENTIALS_(RELATIVE|FULL)_URI|CONTAINER_AUTHORIZATION_TOKEN(_FILE)?|SHARED_CREDENTIALS_FILE|CONFIG_FILE)$/u, what: 'AWS credentials are in the environment', fix: 'run check in a job without aws-actions/configure-aws-credentials; on a laptop: env -u <each of these names> before the command.' },
  { names: /^(GOOGLE_(APPLICATION_)?CREDENTIALS|GOOGLE_GHA_CREDS_PATH|GOOGLE_OAUTH_ACCESS_TOKEN|CLOUDSDK_AUTH_\w+|GCP_\w*(CREDENTIALS|KEY|TOKEN)\w*)$/u, what: 'Google Cloud credentials are in the environment', fix: 'run check in a job without google-github-actions/auth.' },
  { names: /^(AZURE_(CLIENT_SECRET|CLIENT_CERTIFICATE_PATH|PASSWORD|FEDERATED_TOKEN(_FILE)?|CREDENTIALS|STORAGE_(KEY|CONNECTION_STRING|SAS_TOKEN))|ARM_(CLIENT_SECRET|OIDC_TOKEN|ACCESS_KEY|SAS_TOKEN))$/u, what: 'Azure credentials are in the environment', fix: 'run check in a job without azure/login.' },
  { names: /^((GH|GITHUB)(_ENTERPRISE)?_TOKEN|ACTIONS_RUNTIME_TOKEN)$/u, what: 'a token of GitHub is in the environment', fix: 'take it out of the "env:" of the workflow, the job and the step; check needs none.' },
];

/** @throws UserError that names the variables, never a value, with the cure of each kind */
export function refuseCredentials(env: Variables, token: string | undefined): void {
  const found = KINDS.flatMap(({ names, what, fix }) => {
    const present = Object.keys(env).filter((name) => names.test(name) && env[name]).sort();
    return present.length === 0 ? [] : [{ what: `${what}: ${present.join(', ')}`, fix }];
  });
  if (token) found.push({ what: "input github-token has a value (its default is the job's token)", fix: "give it as github-token: '' in the step that runs check." });
  if (found.length === 0) return;
  throw new UserError(
    `Phase check does not run beside credentials:\n  - ${found.map(({ what }) => what).join('\n  - ')}`,
    'it runs the code of every DAG file, and that code could read and use them. Nothing was started.',
    found.map(({ fix }) => fix).join(' '),
  );
}
