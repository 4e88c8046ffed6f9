/** Reads a connection URI the way Airflow's Connection._parse_from_uri does, into the fields of its REST API. */

export type ConnectionFields = Readonly<{ conn_type: string; host?: string; login?: string; password?: string; schema?: string; port?: number; extra?: string }>;

/** `postgresql://user:pass@host:5432/schema?sslmode=require`; the query becomes `extra`, or is it when it has the one key `__extra__`. */
export function connectionFromUri(uri: string): ConnectionFields {
  const [, scheme = '', rest = ''] = /^([a-zA-Z][a-zA-Z0-9_.+-]*):(.*)$/s.exec(uri) ?? [];
  const [beforeQuery = '', query = ''] = split(rest.replace(/^\/\//, ''), '?');
  const slash = beforeQuery.indexOf('/');
  const [authority, schema] = slash < 0 ? [beforeQuery, ''] : [beforeQuery.slice(0, slash), beforeQuery.slice(slash + 1)];
  const at = authority.lastIndexOf('@');
  const [login = '', password] = at < 0 ? [''] : split(authority.slice(0, at), ':');
  const [host = '', port] = split(at < 0 ? authority : authority.slice(at + 1), ':');
  const parameters = new URLSearchParams(query);
  const extra = parameters.get('__extra__') ?? (parameters.size > 0 ? JSON.stringify(Object.fromEntries(parameters)) : undefined);
  const decoded = (text: string | undefined) => (text ? decodeURIComponent(text) : undefined);
  // Airflow: postgresql is its "postgres", and "-" stands for "_" because schemes know no underscore.
  const type = scheme === 'postgresql' ? 'postgres' : scheme.replaceAll('-', '_');
  return {
    conn_type: type,
    ...defined({ host: decoded(host), login: decoded(login), password: decoded(password), schema: decoded(schema), extra }),
    ...(port ? { port: Number(port) } : {}),
  };
}

function split(text: string, separator: string): readonly [string, string | undefined] {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

const defined = <T extends Record<string, string | undefined>>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [Key in keyof T]?: string };
