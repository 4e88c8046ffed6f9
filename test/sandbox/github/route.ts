/** One call of the API: what it needs, and what it does. */
import type { Answer } from './refusals.js';
import type { ApiDescription } from './openapi.js';
import type { Caller, GithubState, Permission } from './state.js';

export type Call = Readonly<{
  state: GithubState;
  caller: Caller;
  /** Names of the template: owner, repo, issue_number, … */
  path: Readonly<Record<string, string>>;
  query: URLSearchParams;
  body: unknown;
  /** Address of this server, for links in answers. */
  url: string;
  api: ApiDescription;
}>;

export type Route = Readonly<{
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As GitHub describes it. */
  template: string;
  /** One of them is enough; undefined: any token. https://docs.github.com/rest/authentication/permissions-required-for-github-apps */
  permissions: readonly Readonly<{ name: Permission; level: 'read' | 'write' }>[] | undefined;
  /** Only people may: https://docs.github.com/rest/authentication/endpoints-available-for-github-app-installation-access-tokens */
  isForUsersOnly?: boolean;
  answer(call: Call): Answer;
}>;

/** One page of a list, and GitHub's Link header to the others. */
export function page<T>(items: readonly T[], { query, url }: Call, path: string): Readonly<{ items: readonly T[]; headers: Readonly<Record<string, string>> }> {
  const number = (name: string, otherwise: number): number => Math.max(1, Number.parseInt(query.get(name) ?? '', 10) || otherwise);
  const size = Math.min(100, number('per_page', 30)), at = number('page', 1), last = Math.max(1, Math.ceil(items.length / size));
  const link = (to: number, relation: string): string => {
    const target = new URL(path, url);
    for (const [name, value] of query) target.searchParams.set(name, value);
    target.searchParams.set('page', String(to));
    return `<${target.href}>; rel="${relation}"`;
  };
  const links = [...(at > 1 ? [link(at - 1, 'prev')] : []), ...(at < last ? [link(at + 1, 'next'), link(last, 'last')] : []), ...(at > 1 ? [link(1, 'first')] : [])];
  return { items: items.slice((at - 1) * size, at * size), headers: links.length > 0 ? { link: links.join(', ') } : {} };
}

/** A user as GitHub shows one, made from its own example. */
export function userOf({ login, type }: Readonly<{ login: string; type: string }>, api: ApiDescription): Readonly<Record<string, unknown>> {
  const id = [...login].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_000, 7);
  const renamed = JSON.stringify(api.example('simple-user')).replaceAll('octocat', encodeURIComponent(login));
  return { ...(JSON.parse(renamed) as object), login, id, type };
}
