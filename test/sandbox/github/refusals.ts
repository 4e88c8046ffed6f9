/** GitHub's refusals in its own words, as its clients' issue trackers and documentation show them. */

export type Answer = Readonly<{ status: number; body?: unknown; headers?: Readonly<Record<string, string>> }>;

export const DOCS = 'https://docs.github.com/rest';
const refusal = (status: number, message: string, more: object = {}, documentation = DOCS): Answer => ({ status, body: { message, documentation_url: documentation, status: String(status), ...more } });

export const badCredentials = (): Answer => refusal(401, 'Bad credentials');
export const requiresAuthentication = (): Answer => refusal(401, 'Requires authentication');
/** Also for what exists and the token may not see: https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource */
export const notFound = (): Answer => refusal(404, 'Not Found');
export const notAccessible = (by: 'integration' | 'personal access token'): Answer => refusal(403, `Resource not accessible by ${by}`);
export const locked = (): Answer => refusal(403, 'Unable to create comment because issue is locked.', {}, `${DOCS}/issues/comments#create-an-issue-comment`);
export const notJson = (): Answer => refusal(400, 'Problems parsing JSON');
export const noUserAgent = (): Answer => ({ status: 403, body: { message: 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.', documentation_url: `${DOCS}/overview/resources-in-the-rest-api#user-agent-required` } });
export const unknownVersion = (version: string): Answer => refusal(400, `"${version}" is not a supported version for the REST API.`);
export const invalidRequest = (words: string): Answer => refusal(422, `Invalid request.\n\n${words}`);
export const validationFailed = (...errors: readonly Readonly<{ resource: string; code: string; field: string; message?: string }>[]): Answer => refusal(422, 'Validation Failed', { errors });
export const serverError = (): Answer => refusal(502, 'Server Error');

/** https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit */
export const primaryLimit = (resetAt: number): Answer => ({ ...refusal(403, 'API rate limit exceeded for installation ID 12345678.', {}, `${DOCS}/overview/rate-limits-for-the-rest-api`), headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(resetAt) } });
export const secondaryLimit = (status: 403 | 429, retryAfter: number): Answer =>
  ({ ...refusal(status, 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.', {}, `${DOCS}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits`), headers: { 'retry-after': String(retryAfter) } });
