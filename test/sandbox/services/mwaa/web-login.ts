/** `/aws_mwaa/login`: a web login token becomes a session cookie of the real web server. */
import type http from 'node:http';
import type { EnvironmentRecord } from './environment-record.js';
import { readBody } from './request-body.js';
import type { Tokens } from './tokens.js';

/** Form POST `token=…`, as the user guide's REST API page does it; answers with the cookie `session`. Admin tokens only: the sandbox has no passwords of other users. */
export async function logIn(record: EnvironmentRecord, tokens: Tokens, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const refuse = (status: number, text: string) => void response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
  if (request.method !== 'POST') return refuse(405, 'Method Not Allowed');
  const token = tokens.check(new URLSearchParams(await readBody(request)).get('token') ?? '', 'web-login', record.arn);
  if (!token) return refuse(403, 'Forbidden: the web login token is missing, of another environment, or older than 60 seconds');
  if (!record.running) return refuse(503, `The environment is ${record.status}`);
  if (token.role !== 'Admin') return refuse(501, `The sandbox opens browser sessions only for Admin; this token is for ${token.role}. InvokeRestApi works for every role.`);
  const cookie = await sessionOf(record.running.webserverUrl, record.running.login);
  response.writeHead(302, { location: '/home', 'set-cookie': cookie }).end();
}

/** Airflow 2's login form: a CSRF token and a session cookie first, then both with the password. */
async function sessionOf(webserverUrl: string, { username, password }: Readonly<{ username: string; password: string }>): Promise<string> {
  const form = await fetch(`${webserverUrl}/login/`);
  const csrf = /name="csrf_token"[^>]*value="([^"]+)"/.exec(await form.text())?.[1];
  const first = cookieOf(form);
  if (!csrf || !first) throw new Error(`the login page of ${webserverUrl} has no CSRF token or sets no cookie (status ${form.status})`);
  const entered = await fetch(`${webserverUrl}/login/`, {
    method: 'POST', redirect: 'manual',
    headers: { cookie: first, referer: `${webserverUrl}/login/` },
    body: new URLSearchParams({ username, password, csrf_token: csrf }),
  });
  const session = cookieOf(entered);
  if (entered.status !== 302 || !session) throw new Error(`the web server at ${webserverUrl} refused its own admin (status ${entered.status})`);
  return `${session}; Path=/; HttpOnly; SameSite=Lax`;
}

const cookieOf = (response: Response) => response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).find((cookie) => cookie?.startsWith('session='));
