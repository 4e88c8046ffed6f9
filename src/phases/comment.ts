/** The plan's report as a comment on the pull request. Whatever goes wrong here is a warning: the plan stands in the job summary all the same. */
import { failureReport, renderComment } from '../comment/render.js';
import { UserError, describeFailure } from '../errors.js';
import type { Context, PhaseResult } from '../ports.js';
import type { Report } from '../report/document.js';

export type CommentContext = Pick<Context, 'inputs' | 'file' | 'log' | 'github'>;

/** @param planDigest undefined: there is no plan, the report says why */
export async function commentOnPullRequest({ inputs, file, log, github }: CommentContext, report: Report, planDigest: string | undefined): Promise<void> {
  try {
    const run = await github.run();
    const number = inputs.pullRequest ?? run.pullRequest?.number;
    if (number === undefined) return log.info('No comment: this run belongs to no pull request, and the input pull-request is empty.');
    if (inputs.pullRequest === undefined && run.pullRequest?.isFork)
      return log.info(`No comment on pull request ${number}: it comes from a fork, whose runs get a token that only reads. The plan is in the job summary.`);
    if (!github.comments) return log.info(`No comment on pull request ${number}: the input github-token is empty.`);
    const body = renderComment(report, { marker: { id: file.id, plan: planDigest, commit: run.commit, run: run.id, tool: github.toolVersion }, runUrl: run.url });
    const outcome = await github.comments.put(number, file.id, body);
    log.info(`Comment on pull request ${number}: ${outcome === 'unchanged' ? 'it says the same already, and was left alone' : outcome}.`);
  } catch (error) {
    log.warn(error instanceof UserError
      ? `The pull request got no comment: ${error.what} ${capital(error.why)} To repair it: ${error.fix} The plan itself is in the job summary.`
      : `The pull request got no comment. ${describeFailure(error)}`);
  }
}

/** A phase whose failure is a comment too: that of an earlier commit would stand there as if it were this one's. */
export const commentingFailure = <C extends CommentContext>(phase: (context: C) => Promise<PhaseResult>) => async (context: C): Promise<PhaseResult> => {
  try {
    return await phase(context);
  } catch (error) {
    const { what, why, fix } = error instanceof UserError
      ? error
      : { what: 'mwaa-migrate has a defect.', why: 'it ended in a way that it does not foresee.', fix: 'report it with the log of the run, which says more.' };
    await commentOnPullRequest(context, failureReport(what, why, fix), undefined);
    throw error;
  }
};

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
