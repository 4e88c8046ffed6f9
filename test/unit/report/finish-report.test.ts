import { describe, expect, it } from '@jest/globals';
import type { Attempt, Journal } from '../../../src/journal/journal.js';
import { finishReport } from '../../../src/report/finish-report.js';
import { readJobs } from '../../../src/report/job-results.js';
import { renderMarkdown } from '../../../src/report/markdown.js';
import { toldJournal, toldNeeds } from '../../builders/told-migration.js';

const NOW = '2026-11-22T14:00:00Z', RUN = 'https://github.com/acme/data-platform/actions/runs/9871';
const FROM_THE_END = ['activated', 'activation-begun', 'verified', 'secrets-removed', 'imported', 'import-begun', 'exported', 'drained', 'drain-begun', 'active-dags', 'made-from', 'started'];
/** The journal as it was after `last`. */
const after = (last: string): Journal => toldJournal(FROM_THE_END.slice(0, FROM_THE_END.indexOf(last)));
const rehearsed = (isApproved: boolean): Journal => {
  const journal = toldJournal(), [rehearsal] = journal.attempts as readonly [Attempt];
  return { ...journal, attempts: [isApproved ? rehearsal : { ...rehearsal, steps: rehearsal.steps.filter(({ name }) => name !== 'approved') }] };
};
const plus = (journal: Journal, ...names: readonly string[]): Journal => ({ ...journal, attempts: journal.attempts.map((one, at) => (at === journal.attempts.length - 1 ? { ...one, steps: [...one.steps, ...names.map((name) => ({ name, at: '2026-11-22T13:40:00Z', by: RUN }))] } : one)) });
const cutOver: Journal = (() => {
  const journal = toldJournal();
  return { ...journal, attempts: journal.attempts.map((one) => ({ ...one, steps: one.steps.map((step) => (step.name === 'activated' ? { ...step, data: { ...step.data, left: [] } } : step)) })) };
})();

const plain = (markdown: string): string => markdown.replace(/&#(\d+);/gu, (_, letter: string) => String.fromCodePoint(Number(letter))).replace(/<\/?code>|<wbr>|\u200b/gu, '');
function said(journal: Journal | undefined, needs: string, unknown?: Readonly<{ what: string; why: string; fix: string }>): Readonly<{ verdict: string; next: string; all: string }> {
  const report = finishReport({ id: 'analytics-2026', source: 'analytics', jobs: readJobs(needs), run: RUN, now: NOW, unknown, status: unknown ? undefined : { id: 'analytics-2026', journal, location: 's3://b/journal.json', lock: undefined, now: NOW } });
  const all = plain(renderMarkdown(report));
  return { verdict: all.split('\n')[0] ?? '', next: /### What to do next\n\n([\s\S]*?)\n\n/u.exec(all)?.[1] ?? '', all };
}
const upTo = (job: string): string => {
  const all = ['check', 'plan', 'resources', 'create', 'rehearse', 'ask', 'gate', 'export', 'import', 'verify', 'cutover'];
  return toldNeeds({ [job]: 'failure', ...Object.fromEntries(all.slice(all.indexOf(job) + 1).map((later) => [later, 'skipped'])) });
};
const PAUSED = /DAGs of analytics are paused since 2026-11-22T13:02:32Z \(57 min 28 s\) and run nowhere\. Either go on or go back now: to go back, start the workflow rollback\.yml/u;

describe('the last job of the workflow', () => {
  it.each([
    { when: 'the inputs were refused', journal: undefined, needs: toldNeeds({ start: 'failure' }, []), verdict: /^## ❌.*job start failed; it has not begun$/u, next: /Nothing was begun\. The summary of job start names/u },
    { when: 'a DAG does not load', journal: undefined, needs: upTo('check'), verdict: /^## ❌.*job check failed/u, next: /names every finding with file and line/u },
    { when: 'the plan is blocked', journal: undefined, needs: upTo('plan'), verdict: /^## ❌.*job plan failed/u, next: /names what blocks/u },
    { when: 'the environment was not made', journal: { ...rehearsed(false), attempts: [], finished: [] }, needs: upTo('create'), verdict: /job create failed; begun/u, next: /reason that AWS gives.*Re-run failed jobs on \[the page of this run\]\(https:\/\/github\.com\/acme\/data-platform\/actions\/runs\/9871\).*not made twice/u },
    { when: 'the rehearsal failed', journal: { ...rehearsed(false), attempts: [] }, needs: upTo('rehearse'), verdict: /job rehearse failed; the target is ready/u, next: /^1\. Nothing was paused\./u },
    { when: 'the gate is not protected', journal: rehearsed(false), needs: upTo('ask'), verdict: /job ask failed; rehearsed/u, next: /what the gate lacks.*\[docs\/how-to\/approve-a-migration\.md\]\(https:\/\/github\.com\/OWNER\//u },
    { when: 'the gate was rejected', journal: rehearsed(false), needs: upTo('gate'), verdict: /job gate failed; rehearsed$/u, next: /The gate was not passed.*Nothing was paused\.\n2\. After a rejection.*from: rehearse/u },
    { when: 'the gate expired and the source was put back', journal: plus(after('exported'), 'expired', 'restored'), needs: toldNeeds({ gate: 'failure', import: 'skipped' }), verdict: /job gate failed; the last final export was given up, the source is active again/u, next: /The gate was not answered in time\. The source was put back, so this export is over.*\n2\. For another try start the workflow again with input from: rehearse/u },
    { when: 'the export failed and was put back', journal: plus(after('drain-begun'), 'restored'), needs: upTo('export'), verdict: /job export failed; the last final export was given up, the source is active again/u, next: /Job export failed; its summary says what to repair\. The source was put back/u },
    { when: 'the export failed and stays paused', journal: after('drain-begun'), needs: upTo('export'), verdict: /job export failed; a final export is under way or was stopped/u, next: PAUSED },
    { when: 'the import failed', journal: after('import-begun'), needs: upTo('import'), verdict: /job import failed; an import is under way or was stopped, both sides paused/u, next: PAUSED },
    { when: 'the import was cancelled', journal: after('import-begun'), needs: toldNeeds({ import: 'cancelled', verify: 'skipped', cutover: 'skipped' }), verdict: /job import was cancelled;/u, next: new RegExp(`${PAUSED.source}[^\\n]*\\n2\\. GitHub calls a job cancelled when somebody .*longer than job-timeout-minutes; also when it waited for its turn and a job of another run of this migration took its place`, 'u') },
    { when: 'the check was cancelled, for which no job waits its turn', journal: undefined, needs: toldNeeds({ check: 'cancelled' }, ['check']), verdict: /job check was cancelled;/u, next: /longer than job-timeout-minutes\. Look on/u },
    { when: 'the way back did not end', journal: plus(after('import-begun'), 'rollback-begun'), needs: toldNeeds({ import: 'failure', verify: 'skipped', cutover: 'skipped', rollback: 'failure' }), verdict: /job import failed; a rollback is under way or was stopped/u, next: /paused since.*\n2\. The way back did not end\. Read the summary of job rollback, .* start the workflow rollback\.yml: .*the one job rollback again.*Not Re-run failed jobs/u },
    { when: 'the gate was rejected while the source is paused, and stays so', journal: after('exported'), needs: toldNeeds({ gate: 'failure', import: 'skipped' }), verdict: /job gate failed/u, next: /paused since.*\n2\. The gate was not passed.*To ask again, start the workflow again with input from: ask\. Re-run failed jobs would ask too, but nothing would put the source back/u },
    { when: 'the second gate was rejected, and the source stays paused', journal: after('verified'), needs: toldNeeds({ 'cutover-gate': 'failure', cutover: 'skipped' }), verdict: /job cutover-gate failed/u, next: /second gate was not passed.*from: cutover-gate\./u },
    { when: 'both sides differ', journal: after('secrets-removed'), needs: upTo('verify'), verdict: /job verify failed/u, next: /names every table that differs/u },
    { when: 'a canary failed', journal: toldJournal(), needs: upTo('cutover'), verdict: /job cutover failed; cut over, 2 DAGs left paused: they run on neither side/u, next: /names the canary or the DAGs that were left.*only what is left is tried/u },
  ])('says what to do when $when', ({ journal, needs, verdict, next }) => {
    const { verdict: first, next: steps } = said(journal, needs);
    expect(first).toMatch(verdict);
    expect(steps).toMatch(next);
  });

  it('prints how the second run is started where a dispatch is the gate', () => {
    const { verdict, next } = said(rehearsed(false), toldNeeds({}, ['check', 'plan', 'resources', 'create', 'rehearse', 'ask']));
    expect(verdict).toMatch(/^## ⚠️.*rehearsed, waits for a person to approve$/u);
    expect(next).toContain(`from: gate, attempt: 1, approved-plan: ${'7be08d14'.repeat(8)}, approved-manifest: ${'a3f1c5d2'.repeat(8)}`);
  });

  it('does not take an older export that was put back for the rehearsal that came after it', () => {
    const before = plus(after('exported'), 'restored'), [rehearsal] = before.attempts as readonly [Attempt];
    const again: Journal = { ...before, attempts: [...before.attempts, { ...rehearsal, number: 3, steps: rehearsal.steps.filter(({ name }) => name !== 'approved') }] };
    const { verdict, next } = said(again, upTo('gate'));
    expect(verdict).toMatch(/job gate failed; rehearsed$/u);
    expect(next).toMatch(/Nothing was paused\./u);
    expect(next).not.toMatch(/put back/u);
  });

  it('says after a way back that was asked for what a person has to look at', () => {
    const back = plus(after('exported'), 'restored'), needs = JSON.stringify({ rollback: { result: 'success', outputs: {} } });
    expect(said(back, needs).next).toMatch(/^1\. Nothing has to be done: the source is active as before\.\n2\. To go on, start the workflow with input from: rehearse\.$/u);
    const left: Journal = { ...back, attempts: back.attempts.map((one) => ({ ...one, steps: one.steps.map((step) => (step.name === 'restored' ? { ...step, data: { leftFailed: [{ dagId: 'daily', runId: 'manual__1' }] } } : step)) })) };
    expect(said(left, needs).next).toMatch(/^1\. 1 run stood failed on the source.*daily \/ manual__1/u);
  });

  it('ends with the cutover, and says what is left to a person', () => {
    const { verdict, next } = said(cutOver, toldNeeds());
    expect(verdict).toBe('## ✅ Migration analytics-2026: cut over');
    expect(next).toMatch(/^1\. Watch the first runs on the target\..*rollback\.yml can go back[\s\S]*3\. At last delete the source environment\./u);
  });

  it('says how long the source stood still, also where all is as before', () => {
    expect(said(plus(after('exported'), 'expired', 'restored'), toldNeeds({ gate: 'failure' })).all).toContain('| 2026-11-22T13:02:32Z | 2026-11-22T13:40:00Z, put back | 37 min 28 s |');
  });

  it('tells a job that was left out from one that a failure kept back', () => {
    const { all } = said(after('import-begun'), upTo('import'));
    expect(all).toMatch(/\| verify \| skipped \| a job before it did not end well \|/u);
    expect(all).toMatch(/\| pause-first \| skipped \| not part of this run \|/u);
  });

  it('stays useful where AWS cannot be asked', () => {
    const { verdict, next, all } = said(undefined, upTo('import'), { what: 'The role arn:aws:iam::1:role/plan cannot be assumed.', why: 'no <b>token</b>', fix: 'add id-token: write' });
    expect(verdict).toBe('## ❌ Migration analytics-2026: job import failed; where it stands could not be read');
    expect(next).toMatch(/read the summary of job import, repair what it names/u);
    expect(all).toMatch(/The role arn:aws:iam::1:role\/plan cannot be assumed\.[\s\S]*Whether the source is paused now can be seen in its Airflow/u);
  });
});

describe('the results of the other jobs', () => {
  it.each([
    ['no JSON', '{', /no JSON/u], ['a list', '[]', /no JSON object/u], ['a job without a result', '{"check": {}}', /does not say of job check/u], ['a result that GitHub does not know', '{"check": {"result": "fine"}}', /does not say of job check/u],
    ['a job with a hostile name', '{"<b>": {"result": "success"}}', /no name of a job/u], ['very many jobs', JSON.stringify(Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`j${at}`, { result: 'success' }]))), /names 101 jobs/u], ['very much text', `"${'x'.repeat(4_000_000)}"`, /characters/u],
  ])('are not believed: %s', (_, json, problem) => {
    expect(readJobs(json).problem).toMatch(problem);
    const { verdict, all } = said(cutOver, json);
    expect(verdict).toMatch(/^## ❌.*cut over$/u);
    expect(all).toMatch(/What they did is not known/u);
  });

  it('show nothing of their outputs', () => {
    const needs = JSON.stringify({ start: { result: 'success', outputs: { jobs: '["check", 7, "<b>"]', token: 'ghs_secret' } }, check: { result: 'success', outputs: { note: 'ghs_secret' } } });
    expect(readJobs(needs).planned).toEqual(['check']);
    expect(said(cutOver, needs).all).not.toContain('ghs_secret');
  });
});

it('names who rejected the gate, and shows what they wrote as text', () => {
  const report = finishReport({ id: 'a', source: 'analytics', jobs: readJobs(upTo('gate')), run: RUN, now: NOW, unknown: undefined, status: undefined, rejections: [{ environment: 'migration-production', state: 'rejected', by: 'octocat', comment: 'not <b>today</b>' }] });
  const markdown = renderMarkdown(report);
  expect(plain(markdown)).toMatch(/Rejected in this workflow run \(1\)[\s\S]*\| octocat \| migration-production \| not <b>today/u);
  expect(markdown).not.toContain('<b>');
  expect(said(rehearsed(false), upTo('gate')).all).not.toContain('Rejected in');
});
