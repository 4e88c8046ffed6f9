/** Calls of the stable REST API as one of the five users. */
import type { AirflowRole, RunningEnvironment } from './contract.js';
import { isAtLeast } from './releases.js';
import type { Login, Logins } from './users.js';

export type RestRequest = Parameters<RunningEnvironment['rest']>[1];
export type RestAnswer = Awaited<ReturnType<RunningEnvironment['rest']>>;

/** @param url the web server's address @throws Error when Airflow has no stable API (1.10), or the web server cannot be reached */
export function restClient(version: string, url: string, logins: Logins) {
  if (!isAtLeast(version, '2.0'))
    return (): Promise<RestAnswer> => Promise.reject(new Error(`Airflow ${version} has no stable REST API; it came with 2.0.`));
  const isVersion3 = isAtLeast(version, '3.0');
  const tokens = new Map<AirflowRole, Promise<string>>();
  const authorization = (role: AirflowRole): Promise<string> => {
    if (!isVersion3) return Promise.resolve(basic(logins[role]));
    const token = tokens.get(role) ?? bearer(url, logins[role]);
    tokens.set(role, token);
    return token;
  };
  return async (role: AirflowRole, { method, path, query, body }: RestRequest): Promise<RestAnswer> => {
    const search = query.size > 0 ? `?${query.toString()}` : '';
    const answer = await fetch(`${url}${isVersion3 ? '/api/v2' : '/api/v1'}${path}${search}`, {
      method, redirect: 'manual',
      // gunicorn closes a connection that idles for two seconds, under load just when the next request is on its way.
      headers: { Connection: 'close', Authorization: await authorization(role), Accept: 'application/json', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, body: await answer.text() };
  };
}

const basic = ({ username, password }: Login): string => `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Airflow 3: a JWT for the password; it lives for a day (api_auth.jwt_expiration_time). */
async function bearer(url: string, login: Login): Promise<string> {
  const answer = await fetch(`${url}/auth/token`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(login) });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`Airflow gave no token to ${login.username}: status ${answer.status}.`);
  return `Bearer ${token}`;
}
