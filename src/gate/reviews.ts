/** Which reviews of a workflow run count for one attempt. GitHub keeps those of earlier attempts of the run, without time and without order that it promises. Pure. */
import { createHash } from 'node:crypto';
import { UserError } from '../errors.js';
import type { GateReview } from '../gatekeeper.js';
import type { Journal } from '../journal/journal.js';

/**
 * What an approval has used up, kept with it in the journal: every approving review of this environment in this workflow run so far. `marks`, of
 * each the SHA-256 of who and what they wrote, tells the used ones of a person from the new ones; how many count is told by the names alone.
 */
export type UsedReviews = Readonly<{ run: string; environment: string; approvedBy: readonly string[]; marks?: readonly string[] | undefined }>;

export type FreshReviews = Readonly<{
  /** Who approved since the last approval that was used; at least one. */
  by: readonly string[];
  /** Of them, hostile text. */
  comments: readonly Readonly<{ by: string; comment: string }>[];
  /** Who said no to this environment in this run, in whatever attempt of it. */
  rejectedBy: readonly string[];
  used: UsedReviews;
}>;

/** `whyNot`: see GateStand. */
export type Asked = Readonly<{ environment: string; runId: string; whyNot?: ((login: string) => string | undefined) | undefined }>;

/**
 * A re-run of the gate's job waits for a new approval, but the old one is still in the list: it counted for another export and counts for no second one.
 * @param asked `runId` of GitHub is the same for all attempts of a run
 * @throws UserError when nobody has approved since: an administrator let the job through, or the environment has lost its reviewers
 */
export function freshReviews(reviews: readonly GateReview[], { environment, runId, whyNot = () => undefined }: Asked, journal: Journal): FreshReviews {
  const here = reviews.filter((review) => isSame(review.environment, environment));
  const { approved, fresh } = approvedIn(reviews, { environment, runId }, journal);
  if (fresh.length === 0)
    throw new UserError(
      `Nobody has approved in environment "${environment}"${approved.length > 0 ? ` since: the approval of ${approved.map(({ by }) => by).join(', ')} in this workflow run was used before` : ''}.`,
      `${approved.length > 0 ? 'an approval is for one export and the final export made from it' : 'the job runs although no review of this workflow run approves it'}; an administrator may have bypassed the rules of the environment, or it had no reviewers for a while.`,
      'start the workflow with from: ask and let a reviewer approve it; forbid bypassing in the settings of the environment.',
    );
  const good = fresh.filter(({ by }) => whyNot(by) === undefined);
  if (good.length === 0)
    throw new UserError(
      `The approval in environment "${environment}" does not count: ${unique(fresh.map(({ by }) => `${by} ${whyNot(by) ?? ''}`)).join('; ')}.`,
      'GitHub let the job begin because an administrator bypassed the rules of the environment, or the rules were others then.',
      'start the workflow with from: ask and let a required reviewer approve it; forbid bypassing in the settings of the environment.',
    );
  return {
    by: unique(good.map(({ by }) => by)),
    comments: good.filter(({ comment }) => comment.trim() !== '').map(({ by, comment }) => ({ by, comment })),
    rejectedBy: unique(here.filter(({ state }) => state === 'rejected').map(({ by }) => by)),
    used: { run: runId, environment, approvedBy: approved.map(({ by }) => by), marks: approved.map(markOf) },
  };
}

/** Whether anybody has approved since the last approval that was used, whoever that is. */
export const hasFresh = (reviews: readonly GateReview[], asked: Asked, journal: Journal): boolean => approvedIn(reviews, asked, journal).fresh.length > 0;

function approvedIn(reviews: readonly GateReview[], { environment, runId }: Asked, journal: Journal) {
  const approved = reviews.filter((review) => review.state === 'approved' && isSame(review.environment, environment));
  return { approved, fresh: without(approved, usedIn(journal, runId, environment)) };
}

/** The longest list is the newest: reviews are only ever added. */
function usedIn({ attempts }: Journal, runId: string, environment: string): Pick<UsedReviews, 'approvedBy' | 'marks'> {
  const lists = attempts.flatMap(({ steps }) => steps).flatMap(({ data }) => (isUsed(data?.['reviews']) ? [data['reviews']] : []));
  return lists.filter((used) => used.run === runId && isSame(used.environment, environment)).sort((one, other) => other.approvedBy.length - one.approvedBy.length)[0] ?? { approvedBy: [] };
}

/** As often as a name was used, that many reviews of it are left out: first those that were seen to be used, for the order of the list says nothing. */
function without(reviews: readonly GateReview[], { approvedBy, marks = [] }: Pick<UsedReviews, 'approvedBy' | 'marks'>): readonly GateReview[] {
  const names = [...approvedBy], known = [...marks];
  const take = (list: string[], is: (one: string) => boolean): boolean => {
    const at = list.findIndex(is);
    if (at >= 0) list.splice(at, 1);
    return at >= 0;
  };
  const spend = (review: GateReview): boolean => take(names, (name) => isSame(name, review.by));
  const unseen = reviews.filter((review) => !(take(known, (mark) => mark === markOf(review)) && spend(review)));
  return unseen.filter((review) => !spend(review));
}

const markOf = ({ by, comment }: GateReview): string => createHash('sha256').update(JSON.stringify([by.toLowerCase(), comment])).digest('hex');

/** As the journal gives it back. */
const isUsed = (value: unknown): value is UsedReviews =>
  typeof value === 'object' && value !== null && 'run' in value && typeof value.run === 'string' && 'environment' in value && typeof value.environment === 'string' && 'approvedBy' in value && Array.isArray(value.approvedBy) && (!('marks' in value) || Array.isArray(value.marks));
const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];
