/** Our one comment per migration on a pull request: found by its first line and its author, written when there is none, changed when it says something else. */
import { isSameContent, readMarker } from '../../comment/marker.js';
import { InternalError, UserError } from '../../errors.js';
import type { PullRequestComments } from '../../ports.js';
import type { GithubApi, GithubAnswer } from './api.js';

/** GitHub's limit: characters, and as many bytes are never more characters. */
const MAX_BYTES = 65_536;
/** Pages of 100. Who has more comments than that gets a second one of ours rather than a job that reads for minutes. */
const MAX_PAGES = 50;
/** Whose comments the token of a job writes. */
const JOB_AUTHOR = 'github-actions[bot]';

type Comment = Readonly<{ id: number; body: string; login: string; isBot: boolean }>;

/** @param repository "owner/name" */
export function openPullRequestComments(api: GithubApi, repository: string): PullRequestComments {
  const base = `/repos/${repository}/issues`;

  /** The account whose comments are ours: REST tells no app who it is, GraphQL does (marocchino/sticky-pull-request-comment asks it the same). */
  const author = async (): Promise<string> => {
    const answer = await api.ask('query { viewer { login } }').catch((error: unknown) => {
      if (error instanceof UserError) return undefined; // whatever keeps us from asking keeps us from writing too, and is said there
      throw error;
    });
    const login = at(at(at(answer, 'data'), 'viewer'), 'login');
    return typeof login === 'string' && login !== '' ? login : JOB_AUTHOR;
  };

  /** Oldest first. A copy in a quote, in the middle of a text or of another author is none of ours. */
  const ours = async (pullRequest: number, migrationId: string, login: string): Promise<readonly Comment[]> => {
    const found: Comment[] = [];
    let next: string | undefined = `${base}/${pullRequest}/comments?per_page=100`;
    for (let page = 0; next !== undefined && page < MAX_PAGES; page += 1) {
      const answer: GithubAnswer = await api.call({ method: 'GET', path: next });
      if (!Array.isArray(answer.body)) throw noPullRequest(repository, pullRequest, answer.status);
      found.push(...(answer.body as readonly unknown[]).flatMap(commentOf).filter((comment) => isBy(comment, login) && readMarker(comment.body)?.id === migrationId));
      next = answer.next;
    }
    return found.sort((one, other) => one.id - other.id);
  };

  /**
   * Two runs that began together both found none and both wrote one. Each looks again afterwards: the oldest stays, whoever wrote it, and
   * gets the text of who looks. So it is one, with the text of the run that ended last, also where the other one has already removed ours.
   */
  const settle = async (pullRequest: number, migrationId: string, login: string, body: string): Promise<'created' | 'updated'> => {
    const found = await ours(pullRequest, migrationId, login);
    for (const [at, { id, body: text }] of found.entries()) {
      if (text !== body && !isSameContent(text, body)) {
        const { status } = await api.call({ method: 'PATCH', path: `${base}/comments/${id}`, body: { body } });
        if (status >= 400) continue; // deleted since; the next oldest stays
      }
      for (const younger of found.slice(at + 1)) await api.call({ method: 'DELETE', path: `${base}/comments/${younger.id}` });
      return text === body ? 'created' : 'updated';
    }
    return 'created';
  };

  return {
    async put(pullRequest, migrationId, body) {
      if (!/^[\w.-]+\/[\w.-]+$/u.test(repository)) throw new InternalError(`GITHUB_REPOSITORY is no "owner/name": ${repository}`);
      const bytes = Buffer.byteLength(body);
      if (bytes > MAX_BYTES) throw new InternalError(`A comment of ${bytes} bytes is longer than GitHub takes.`);
      const login = await author();
      const before = await ours(pullRequest, migrationId, login);
      let [kept] = before;
      let outcome: 'updated' | 'unchanged' = 'unchanged';
      if (kept && !isSameContent(kept.body, body)) {
        const { status } = await api.call({ method: 'PATCH', path: `${base}/comments/${kept.id}`, body: { body } });
        outcome = 'updated';
        // Deleted between our look and our change: as if it had never been there.
        if (status >= 400) kept = undefined;
      }
      if (!kept) {
        const answer = await api.call({ method: 'POST', path: `${base}/${pullRequest}/comments`, body: { body } }, async () =>
          ((await ours(pullRequest, migrationId, login)).length > 0 ? { status: 201, body: undefined, next: undefined } : undefined));
        if (answer.status >= 400) throw noPullRequest(repository, pullRequest, answer.status);
        return settle(pullRequest, migrationId, login, body);
      }
      for (const { id } of before.slice(1)) await api.call({ method: 'DELETE', path: `${base}/comments/${id}` });
      return outcome;
    },
  };
}

/** An app's account ends in [bot], and nobody else can have such a name; the type is asked for all the same. */
const isBy = ({ login, isBot }: Comment, wanted: string): boolean => login === wanted && isBot === wanted.endsWith('[bot]');

function commentOf(value: unknown): readonly Comment[] {
  const id = at(value, 'id'), body = at(value, 'body'), login = at(at(value, 'user'), 'login');
  // The comment of a deleted account has no user.
  return typeof id === 'number' && typeof body === 'string' && typeof login === 'string' ? [{ id, body, login, isBot: at(at(value, 'user'), 'type') === 'Bot' }] : [];
}

const at = (value: unknown, name: string): unknown => (typeof value === 'object' && value !== null && name in value ? (value as Readonly<Record<string, unknown>>)[name] : undefined);

const noPullRequest = (repository: string, number: number, status: number): UserError =>
  new UserError(
    `There is no pull request ${number} in ${repository} that this token may see.`,
    `GitHub answered ${status}: the number is wrong, or the token is for another repository or lacks the permission.`,
    'correct the input pull-request, or give the job "permissions: { pull-requests: write }".',
  );
