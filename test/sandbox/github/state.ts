/** What the stand-in remembers: one repository, private, with everything that its tokens may or may not see. */

export type Level = 'none' | 'read' | 'write';
export type Permission = 'actions' | 'contents' | 'deployments' | 'issues' | 'pull_requests';
export type Account = Readonly<{ login: string; type: 'User' | 'Bot' }>;

/** Who asks, and what the token lets them do. */
export type Caller = Account & Readonly<{
  /** `installation`: the token of a job, or of an app of one's own; `user`: a personal access token. */
  kind: 'installation' | 'user';
  permissions: Readonly<Partial<Record<Permission, Level>>>;
  /** False: the repository is none of those that the token is for. */
  seesRepository: boolean;
}>;

export type Comment = { readonly id: number; readonly pull: number; readonly author: Account; body: string; readonly createdAt: string; updatedAt: string };
export type Pull = { readonly number: number; readonly author: Account; readonly headRepository: string | undefined; readonly headSha: string; isLocked: boolean };
/** A team of the organization, by its slug; its members may approve. */
export type Team = Readonly<{ slug: string; members: readonly string[] }>;
export type Environment = Readonly<{
  id: number; name: string;
  reviewers: readonly (Account | Team)[] | undefined;
  /** Undefined: GitHub says nothing of it, as its description has no such field. */
  adminsMayBypass: boolean | undefined;
  preventSelfReview: boolean;
  waitMinutes: number | undefined;
  /** Names or patterns of branches; 'protected': those with a protection rule; undefined: any. */
  branches: readonly string[] | 'protected' | undefined;
  /** Patterns of tags, in the same list as those of branches. */
  tags: readonly string[];
}>;
export type Review = Readonly<{ environmentId: number; state: 'approved' | 'rejected' | 'pending'; by: Account; comment: string }> & {
  /** Calls of the review history that do not show it yet, though the job goes on: GitHub promises no moment. */
  hiddenFor?: number;
};
export type Run = { readonly id: number; readonly actor: Account; readonly headSha: string; readonly headBranch: string; status: string; conclusion: string | null; readonly waiting: Set<number>; readonly reviews: Review[] };

export type GithubState = Readonly<{
  /** "octo-org/workflows" */
  repository: string;
  clock: Readonly<{ now(): Date }>;
  tokens: Map<string, Caller>;
  pulls: Map<number, Pull>;
  comments: Map<number, Comment>;
  environments: Map<string, Environment>;
  runs: Map<number, Run>;
  nextId(): number;
}> & {
  defaultBranch: string;
  /** Of the review history, whose order GitHub does not promise. */
  reviewOrder: 'oldest-first' | 'newest-first';
};

export function createGithubState(repository: string, clock: GithubState['clock']): GithubState {
  let last = 1_000;
  return { repository, defaultBranch: 'main', reviewOrder: 'oldest-first', clock, tokens: new Map(), pulls: new Map(), comments: new Map(), environments: new Map(), runs: new Map(), nextId: () => (last += 1) };
}
