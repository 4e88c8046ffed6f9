/** One Airflow user for each of the five roles that MWAA knows, made by SQL: `airflow users create` starts Python five times. */
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import type { AirflowRole } from './contract.js';
import { literal } from './postgres.js';

export const AIRFLOW_ROLES: readonly AirflowRole[] = ['Admin', 'Op', 'User', 'Viewer', 'Public'];

export type Login = Readonly<{ username: string; password: string }>;
export type Logins = Readonly<Record<AirflowRole, Login>>;

export function newLogins(): Logins {
  const login = (role: AirflowRole): Login => ({ username: `sandbox-${role.toLowerCase()}`, password: randomBytes(24).toString('base64url') });
  return { Admin: login('Admin'), Op: login('Op'), User: login('User'), Viewer: login('Viewer'), Public: login('Public') };
}

/** Statements that make or renew the users; the roles must be there, which the web server sees to when it starts. */
export function usersSql(logins: Logins): string {
  return AIRFLOW_ROLES.map((role) => {
    const { username, password } = logins[role];
    return `
INSERT INTO ab_user (id, first_name, last_name, username, email, password, active, created_on, changed_on)
  VALUES (nextval('ab_user_id_seq'), 'Sandbox', ${literal(role)}, ${literal(username)}, ${literal(`${username}@example.com`)}, ${literal(passwordHash(password))}, true, now(), now())
  ON CONFLICT (username) DO UPDATE SET password = excluded.password, active = true;
DELETE FROM ab_user_role WHERE user_id = (SELECT id FROM ab_user WHERE username = ${literal(username)});
INSERT INTO ab_user_role (id, user_id, role_id)
  SELECT nextval('ab_user_role_id_seq'), u.id, r.id FROM ab_user u, ab_role r WHERE u.username = ${literal(username)} AND r.name = ${literal(role)};`;
  }).join('\n');
}

/** Werkzeug's format. Few rounds: the password has 192 random bits, and the default of 600,000 would cost 0.3 s of CPU for every REST call. */
function passwordHash(password: string): string {
  const salt = randomBytes(12).toString('hex'), rounds = 1000;
  return `pbkdf2:sha256:${rounds}$${salt}$${pbkdf2Sync(password, salt, rounds, 32, 'sha256').toString('hex')}`;
}
