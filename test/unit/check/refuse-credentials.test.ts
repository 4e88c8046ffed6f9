import { describe, expect, it } from '@jest/globals';
import { refuseCredentials } from '../../../src/check/refuse-credentials.js';

const VALUE = 'canary-7f3a';
const refusal = (env: Readonly<Record<string, string>>, token?: string): string => {
  try {
    refuseCredentials(env, token);
  } catch (error) {
    return (error as Error).message;
  }
  return 'not refused';
};

describe('phase check beside credentials', () => {
  it.each([
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_SHARED_CREDENTIALS_FILE', 'GOOGLE_APPLICATION_CREDENTIALS', 'CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE', 'AZURE_CLIENT_SECRET', 'ARM_CLIENT_SECRET', 'GITHUB_TOKEN', 'GH_TOKEN',
  ])('refuses %s by name, without its value, and says what to do', (name) => {
    const text = refusal({ PATH: '/bin', [name]: VALUE });
    expect(text).toContain(`: ${name}\n`);
    expect(text).not.toContain(VALUE);
    expect(text).toMatch(/\n {2}Why: .+\n {2}Fix: .{20,}/u);
  });

  it("refuses the job's token in the input, which is its default", () => expect(refusal({}, VALUE)).toMatch(/github-token has a value.*\n.*\n.*github-token: ''/u));

  it('names all kinds at once', () => expect(refusal({ AWS_PROFILE: 'p', AWS_ACCESS_KEY_ID: VALUE, GH_TOKEN: VALUE })).toMatch(/AWS_ACCESS_KEY_ID, AWS_PROFILE[\s\S]*GH_TOKEN/u));

  it.each([
    [{ AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1' }, 'a region is no credential'],
    [{ AWS_ACCESS_KEY_ID: '', GITHUB_TOKEN: '' }, 'an empty variable holds nothing'],
    [{ GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'a/b', RUNNER_TEMP: '/tmp', AZURE_HTTP_USER_AGENT: 'runner' }, 'what every runner sets'],
  ])('starts with %j: %s', (env, _) => expect(refusal(env as Record<string, string>)).toBe('not refused'));
});
