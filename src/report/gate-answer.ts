/** How the question at the gate is answered, and what each answer does. */
import { code, list, listing, table, text, type Block, type Part, type Section, type Text } from './document.js';
import type { AskFacts } from './gate-ask.js';

export function answerSections(facts: AskFacts): readonly Section[] {
  if (facts.blockers.length > 0) return [];
  return [{ title: 'How to answer', importance: 1, blocks: facts.gateInputs.by === 'dispatch' ? dispatchBlocks(facts) : environmentBlocks(facts) }];
}

function environmentBlocks({ gate, gateInputs, attempt, file, run, pausedBy }: AskFacts): readonly Block[] {
  if (!gate.isProtected) return [text('Nobody is asked: the workflow goes on by itself, because allow-unprotected-gate is true.')];
  const where: readonly Part[] = run.url ? ['on ', code(run.url), ' ("Review deployments")'] : ['on the page of this workflow run ("Review deployments")'];
  return [
    text('One of ', ...names(gate.reviewers), ' answers ', ...where, ', for environment ', code(gateInputs.environment), '.'),
    table(['Answer', 'What happens'], [
      ['Approve', approveText(attempt.mode, attempt.number, file.source.environment)],
      ...(attempt.mode === 'final' ? [
        ['Reject', ['Job rollback makes the DAGs of ', code(file.source.environment), ' active again as they were. Nothing reaches the target.']] as const,
        ['No answer', [`After ${gateInputs.timeoutMinutes} minutes job watch gives this export up and makes the source active again. A later approval then does nothing.`]] as const,
      ] : [
        ['Reject', ['The workflow ends, and nothing reaches the target. ', ...notPaused(file.source.environment, pausedBy)]] as const,
        ['No answer', [pausedBy === undefined ? 'Nothing stands still meanwhile. ' : 'The source stands still meanwhile. ', 'GitHub ends a run that waits for 30 days.']] as const,
      ]),
    ]),
  ];
}

/** Both ways ask for the same values, so that whoever copies them cannot mix two up. */
function dispatchBlocks({ file, attempt, planDigest, starters, gate, run, pausedBy }: AskFacts): readonly Block[] {
  const values = [['from', 'gate'], ['attempt', String(attempt.number)], ['approved-plan', planDigest], ['approved-manifest', attempt.manifest.scope]] as const;
  const others = gate.reviewers.filter((login) => !starters.some((one) => one.toLowerCase() === login.toLowerCase()));
  return [
    text('To approve, one of ', ...(others.length > 0 ? names(others) : ['the list "approvers"']), ' starts this workflow again on the default branch (Actions, this workflow, "Run workflow"), with these values:'),
    table(['Input', 'Value'], values.map(([name, value]) => [code(name), code(value)])),
    text(run.workflowFile ? 'Or on a command line:' : 'Or on a command line, in place of WORKFLOW the name of the file that calls the migration:'),
    listing('sh', `gh workflow run ${run.workflowFile ?? 'WORKFLOW.yml'}${repositoryFlag(run.url)} \\\n${values.map(([name, value]) => `  -f ${name}=${value}`).join(' \\\n')}`),
    text('The workflow has to have these as inputs of workflow_dispatch and hand them on, as docs/examples/dispatch-gate.yml does.'),
    list([
      approveText(attempt.mode, attempt.number, file.source.environment),
      ['To say no, do nothing. ', ...notPaused(file.source.environment, pausedBy)],
      ...(starters.length > 0 ? [['Not ', ...names(starters), ': nobody approves an export that they started.']] : []),
    ]),
  ];
}

/** A rehearsal can be made while an earlier final export still holds the source. */
const notPaused = (source: string, pausedBy: number | undefined): readonly Part[] =>
  pausedBy === undefined ? [code(source), ' was never paused.'] : [code(source), ` stays paused by attempt ${pausedBy}; the workflow rollback.yml makes it active again.`];

/** gh takes "[host/]owner/name"; the address of a run has all of it. */
function repositoryFlag(url: string | undefined): string {
  const [, host, repository] = /^https?:\/\/([\w.:-]+)\/([\w.-]+\/[\w.-]+)\/actions\//u.exec(url ?? '') ?? [];
  return host && repository ? ` --repo ${host === 'github.com' ? '' : `${host}/`}${repository}` : '';
}

const approveText = (mode: 'rehearsal' | 'final', attempt: number, source: string): Text =>
  mode === 'final'
    ? ['Attempt ', String(attempt), ' is imported as it is. ', code(source), ' stays paused until cutover, or until rollback.']
    : ['The final export drains and pauses ', code(source), ', then import, verification and cutover follow. It may differ from what is shown here by rows only; another plan, other tables or filters are refused.'];

const names = (logins: readonly string[]): readonly Part[] => logins.flatMap((login, at) => [...(at > 0 ? [', '] : []), code(login)]);
