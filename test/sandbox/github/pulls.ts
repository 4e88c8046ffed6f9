/** Pull requests, users and the one question of GraphQL: who am I? */
import { notAccessible, notFound, type Answer } from './refusals.js';
import { userOf, type Route } from './route.js';
import type { Caller } from './state.js';

export const pullRoutes: readonly Route[] = [
  {
    method: 'GET', template: '/repos/{owner}/{repo}/pulls/{pull_number}', permissions: [{ name: 'pull_requests', level: 'read' }],
    answer: ({ state, api, path, url }) => {
      const pull = state.pulls.get(Number(path['pull_number']));
      if (!pull) return notFound();
      const example = JSON.parse(JSON.stringify(api.example('pull-request')).replaceAll('octocat/Hello-World', state.repository).replaceAll('https://api.github.com', url).replaceAll('/1347', `/${pull.number}`)) as Readonly<Record<string, unknown>>;
      const head = example['head'] as Readonly<Record<string, unknown>>;
      // A fork that was deleted is null.
      const repo = pull.headRepository === undefined ? null : { ...(head['repo'] as object), full_name: pull.headRepository, fork: pull.headRepository !== state.repository };
      return { status: 200, body: { ...example, number: pull.number, requested_teams: [], user: userOf(pull.author, api), locked: pull.isLocked, head: { ...head, sha: pull.headSha, repo } } };
    },
  },
  {
    method: 'GET', template: '/user', permissions: undefined,
    answer: ({ caller, api }) => {
      // The token of a job is nobody's: https://docs.github.com/rest/users/users#get-the-authenticated-user
      if (caller.kind === 'installation') return notAccessible('integration');
      const example = api.example('private-user-response-with-public-and-private-profile-information');
      return { status: 200, body: { ...example, ...userOf(caller, api), user_view_type: 'private' } };
    },
  },
];

/** GraphQL answers 200 also where it refuses. An installation is its app's bot there; a query that is not known is a defect of the caller. */
export function answerGraphql(caller: Caller, body: unknown): Answer {
  const query = typeof body === 'object' && body !== null && 'query' in body && typeof body.query === 'string' ? body.query.replace(/\s+/gu, ' ').trim() : '';
  if (/^(?:query )?\{ viewer \{ login \} \}$/u.test(query)) return { status: 200, body: { data: { viewer: { login: caller.login } } } };
  return { status: 200, body: { errors: [{ message: `The stand-in knows no query like this: ${query.slice(0, 200)}`, locations: [{ line: 1, column: 1 }] }] } };
}
