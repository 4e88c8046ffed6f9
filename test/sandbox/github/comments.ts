/** Comments on pull requests, which GitHub keeps as comments on issues: https://docs.github.com/rest/issues/comments */
import { invalidRequest, locked, notFound, validationFailed, type Answer } from './refusals.js';
import { page, userOf, type Call, type Route } from './route.js';
import type { Comment } from './state.js';

/** Characters; more is answered with 422. In bytes a body may have four times as many, as its column in the database holds them. */
const MAX_CHARACTERS = 65_536;
const ONE = '/repos/{owner}/{repo}/issues/comments/{comment_id}';
const ALL = '/repos/{owner}/{repo}/issues/{issue_number}/comments';
const READ = [{ name: 'issues', level: 'read' }, { name: 'pull_requests', level: 'read' }] as const;
const WRITE = [{ name: 'issues', level: 'write' }, { name: 'pull_requests', level: 'write' }] as const;

export const commentRoutes: readonly Route[] = [
  {
    method: 'GET', template: ALL, permissions: READ,
    answer: (call) => {
      const pull = pullOf(call);
      if (!pull) return notFound();
      const all = [...call.state.comments.values()].filter((comment) => comment.pull === pull.number).sort((one, other) => one.id - other.id);
      const { items, headers } = page(all, call, `/repos/${call.state.repository}/issues/${pull.number}/comments`);
      return { status: 200, body: items.map((comment) => shown(comment, call)), headers };
    },
  },
  {
    method: 'POST', template: ALL, permissions: WRITE,
    answer: (call) => {
      const pull = pullOf(call);
      if (!pull) return notFound();
      // An app of the repository may not talk into a locked conversation either; only people with write access may.
      if (pull.isLocked && call.caller.kind === 'installation') return locked();
      const refused = wrongBody(call);
      if (refused) return refused;
      const now = time(call);
      const comment: Comment = { id: call.state.nextId(), pull: pull.number, author: { login: call.caller.login, type: call.caller.type }, body: bodyOf(call), createdAt: now, updatedAt: now };
      call.state.comments.set(comment.id, comment);
      const body = shown(comment, call);
      return { status: 201, body, headers: { location: String(body['url']) } };
    },
  },
  { method: 'GET', template: ONE, permissions: READ, answer: (call) => withComment(call, (comment) => ({ status: 200, body: shown(comment, call) })) },
  {
    method: 'PATCH', template: ONE, permissions: WRITE,
    answer: (call) => withComment(call, (comment) => {
      const refused = wrongBody(call);
      if (refused) return refused;
      comment.body = bodyOf(call);
      comment.updatedAt = time(call);
      return { status: 200, body: shown(comment, call) };
    }),
  },
  { method: 'DELETE', template: ONE, permissions: WRITE, answer: (call) => withComment(call, (comment) => { call.state.comments.delete(comment.id); return { status: 204 }; }) },
];

const pullOf = ({ state, path }: Call) => state.pulls.get(Number(path['issue_number']));
const bodyOf = ({ body }: Call): string => (body as Readonly<{ body: string }>).body;
/** GitHub tells whole seconds. */
const time = ({ state }: Call): string => state.clock.now().toISOString().replace(/\.\d+Z$/u, 'Z');

function withComment(call: Call, work: (comment: Comment) => Answer): Answer {
  const comment = call.state.comments.get(Number(call.path['comment_id']));
  return comment ? work(comment) : notFound();
}

function wrongBody({ body }: Call): Answer | undefined {
  const text = typeof body === 'object' && body !== null && 'body' in body ? body.body : undefined;
  if (text === undefined) return invalidRequest('"body" wasn\'t supplied.');
  if (typeof text !== 'string') return invalidRequest(`For 'properties/body', ${JSON.stringify(text)} is not a string.`);
  if (text.trim() === '') return validationFailed({ resource: 'IssueComment', code: 'missing_field', field: 'body' });
  if ([...text].length > MAX_CHARACTERS || Buffer.byteLength(text) > MAX_CHARACTERS * 4) return validationFailed({ resource: 'IssueComment', code: 'unprocessable', field: 'data', message: `Body is too long (maximum is ${MAX_CHARACTERS} characters)` });
  return undefined;
}

function shown({ id, pull, author, body, createdAt, updatedAt }: Comment, { state, url, api }: Call): Readonly<Record<string, unknown>> {
  const base = `${url}/repos/${state.repository}/issues`;
  return {
    ...api.example('issue-comment'), id, url: `${base}/comments/${id}`, html_url: `https://github.com/${state.repository}/pull/${pull}#issuecomment-${id}`, issue_url: `${base}/${pull}`,
    body, user: userOf(author, api), created_at: createdAt, updated_at: updatedAt, author_association: author.type === 'Bot' ? 'NONE' : 'MEMBER',
  };
}
