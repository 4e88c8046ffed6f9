/** What the gate asks of GitHub, in our words; src/gateways/github implements it, tests double it. */

/** Protection of a GitHub environment. https://docs.github.com/rest/deployments/environments */
export type EnvironmentProtection = Readonly<{
  name: string;
  /** Logins of people, slugs of teams; empty: nobody must review. */
  reviewers: readonly string[];
  /** Those of `reviewers` that are teams: who is in them is not told. */
  teams?: readonly string[];
  /** The person who started the run may not approve it. */
  preventsSelfReview: boolean;
  /** Minutes; 0: none. */
  waitMinutes: number;
  /** 'any': a run of every branch gets in. */
  branches: 'any' | 'protected' | readonly string[];
  /** Undefined where GitHub does not say so. */
  adminsMayBypass: boolean | undefined;
}>;

/** One review of this workflow run. GitHub tells neither when it was given nor in which order it lists them. https://docs.github.com/rest/actions/workflow-runs#get-the-review-history-for-a-workflow-run */
export type GateReview = Readonly<{ environment: string; state: 'approved' | 'rejected'; by: string; comment: string }>;

export interface Gatekeeper {
  /** undefined: there is none of that name; GitHub would make it, without protection, for the first job that names it. @throws UserError when the token may not look */
  protection(environment: string): Promise<EnvironmentProtection | undefined>;
  /** Of this workflow run, all its attempts; one that was given a moment ago may be missing yet. */
  reviews(): Promise<readonly GateReview[]>;
  /** Whether a job of this workflow run waits for a review of this environment now. https://docs.github.com/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run */
  isWaiting(environment: string): Promise<boolean>;
  defaultBranch(): Promise<string>;
}
